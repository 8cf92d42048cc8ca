/* The handover of broadcasts and relayed messages to another process; that of confirmed ones is
 * tested in confirmation_handover. */
#include "server/upgrade/broadcast_handover.h"

#include "broadcast_process_fixture.h"

TestSuite(broadcast_handover, .timeout = 60);

Test(broadcast_handover, after_any_number_of_copies_each_client_gets_one, .init = set_up,
     .fini = tear_down)
{
    process = process_new(1000, STREAMS);
    for (unsigned copies = 0; copies <= CLIENTS + STREAMS; copies++) {
        char text[] = {(char)('A' + copies), '\0'};
        uint64_t id = submit(text, NULL, NULL);
        run_until_sent(id, copies);
        replace();
        run_to_end(id);
        expect_one_copy_each(text[0]);
        expect_all_sent(id);
    }
}

static void run_a_slice(uint64_t id)
{
    uint64_t sent = report_of(id).sent;
    while (!has_ended(id) && report_of(id).sent == sent)
        run_once();
}

Test(broadcast_handover, after_each_slice_each_client_gets_one_copy, .init = set_up,
     .fini = tear_down)
{
    process = process_new(500, STREAMS);
    uint64_t id = submit("A", NULL, NULL);
    while (!has_ended(id)) {
        run_a_slice(id);
        replace();
    }
    take_copies();
    expect_one_copy_each('A');
    expect_all_sent(id);
}

Test(broadcast_handover, keeps_the_pace_of_a_broadcast, .init = set_up, .fini = tear_down)
{
    process = process_new(100, STREAMS);
    uint64_t start_ms = clock_now_ms(), id = submit("A", NULL, NULL);
    while (!has_ended(id)) {
        run_a_slice(id);
        replace();
        run_once(); /* most often within the pause that follows */
        replace();
    }
    /* Each of the two workers may have sent two copies early: the first one, and what the bucket
     * makes up for. */
    cr_assert_geq(clock_now_ms() - start_ms, (CLIENTS + STREAMS - 2 * WORKERS) / 2 * 2 * 10);
}

Test(broadcast_handover, keeps_the_waiting_jobs_their_order_and_the_limit, .init = set_up,
     .fini = tear_down)
{
    uint64_t ids[4];
    process = process_new(500, STREAMS);
    for (int i = 0; i < 4; i++)
        ids[i] = submit(&"ABCD"[i], NULL, NULL);
    jobs_cancel(process->jobs, ids[2], NULL, NULL);
    run_until_sent(ids[0], 2);
    replace();
    cr_assert_eq(report_of(ids[0]).state, JOB_RUNNING);
    cr_assert_eq(report_of(ids[1]).state, JOB_WAITING);
    cr_assert_eq(report_of(ids[2]).state, JOB_CANCELLED);
    cr_assert_eq(jobs_last_id(process->jobs), ids[3]);
    cr_assert_eq(jobs_ended(process->jobs), 1);
    jobs_set_queue(process->jobs, 2);
    cr_assert_eq(jobs_submit(process->jobs, &(struct job_request){.bytes = "E", .size = 1}),
                 -ENOBUFS, "two wait");
    run_to_end(ids[1]);
    cr_assert(has_ended(ids[0]));
    run_to_end(ids[3]);
    expect_one_copy_each('A');
    expect_one_copy_each('B');
    expect_one_copy_each('D');
    cr_assert_eq(clients[0].copies['C'], 0);
    cr_assert_eq(jobs_ended(process->jobs), 4);
}

Test(broadcast_handover, of_a_broadcast_that_is_being_cancelled_hands_over_its_end, .init = set_up,
     .fini = tear_down)
{
    process = process_new(500, STREAMS);
    uint64_t id = submit("A", NULL, NULL);
    run_until_sent(id, 3);
    cr_assert_eq(jobs_cancel(process->jobs, id, NULL, NULL), 0);
    replace();
    struct job_report report = report_of(id);
    cr_assert_eq(report.state, JOB_CANCELLED);
    cr_assert_geq(report.sent, 3);
    cr_assert_eq(report.targets, report.sent + report.failed + report.skipped);
    cr_assert_eq(jobs_cancel(process->jobs, id, NULL, NULL), -EALREADY);
}

Test(broadcast_handover, a_broadcast_can_be_cancelled_after_it, .init = set_up, .fini = tear_down)
{
    process = process_new(500, STREAMS);
    uint64_t id = submit("A", NULL, NULL);
    run_until_sent(id, 3);
    replace();
    cr_assert_eq(jobs_cancel(process->jobs, id, NULL, NULL), 0);
    run_to_end(id);
    struct job_report report = report_of(id);
    cr_assert_eq(report.state, JOB_CANCELLED);
    cr_assert_eq(report.targets, CLIENTS + STREAMS);
    cr_assert_gt(report.skipped, 0);
    cr_assert_eq(report.targets, report.sent + report.failed + report.skipped);
}

Test(broadcast_handover, keeps_the_selector_and_its_text, .init = set_up, .fini = tear_down)
{
    struct client_selector selector = client_selector_all();
    /* The stream clients of the test have no address. */
    cr_assert_null(cidr_parse(&selector.blocks[selector.block_count++], "127.0.0.0/8"));
    process = process_new(500, 0);
    uint64_t id = submit("A", NULL, &selector);
    run_until_sent(id, 3);
    replace();
    cr_assert_str_eq(report_of(id).selector, "a selector");
    cr_assert_leq(report_of(id).targets, CLIENTS);
    run_to_end(id);
    cr_assert_str_eq(report_of(id).selector, "a selector");
    replace();
    cr_assert_str_eq(report_of(id).selector, "a selector");
    cr_assert_eq(report_of(id).targets, CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        cr_assert_eq(clients[i].copies['A'], 1);
}

Test(broadcast_handover, clients_that_join_after_it_get_no_copy_of_a_broadcast_from_before,
     .init = set_up, .fini = tear_down)
{
    process = process_new(500, STREAMS);
    cr_assert(remove_client(&shards[9 % WORKERS], clients[9].addr));
    uint64_t id = submit("A", NULL, NULL);
    run_until_sent(id, 3);
    replace();
    cr_assert_eq(record(&shards[9 % WORKERS], clients[9].addr, clock_now_ms()), REGISTRY_JOINED);
    run_to_end(id);
    cr_assert_eq(report_of(id).targets, CLIENTS - 1 + STREAMS);
    cr_assert_eq(report_of(id).sent, CLIENTS - 1 + STREAMS);
    cr_assert_eq(clients[9].copies['A'], 0);
}

/* ---- relayed messages ---- */

static void relay_at(uint64_t now_ms, int number, const char *text)
{
    const struct datagram datagram = {.bytes = (const uint8_t *)text,
                                      .size = (uint32_t)strlen(text),
                                      .source = clients[number].addr};
    relay_datagram(process->relays[number % WORKERS], 0, &datagram, now_ms);
}

static void relay_from(int number, const char *text)
{
    relay_at(clock_now_ms(), number, text);
}

static void run_until_idle(void)
{
    do {
        run_once();
        settle(process);
    } while (broadcasts_refusal(process->jobs, &process->pool) != NULL);
    take_copies();
}

/* The first worker has not sent its copies, the second one has; a third message is still in its
 * mailbox. */
Test(broadcast_handover, relayed_messages_reach_each_other_client_once, .init = set_up,
     .fini = tear_down)
{
    process = process_new(0, STREAMS);
    process->is_blocked = true;
    relay_from(0, "A");
    relay_from(1, "B");
    for (int i = 0; i < 20; i++)
        run_once();
    relay_from(1, "C");
    cr_assert_eq(stream_copies[0]['A'], 0);
    replace();
    cr_assert(broadcasts_refusal(process->jobs, &process->pool) != NULL);
    run_until_idle();
    for (int i = 0; i < CLIENTS; i++) {
        cr_assert_eq(clients[i].copies['A'], i != 0, "client %d", i);
        cr_assert_eq(clients[i].copies['B'], i != 1, "client %d", i);
        cr_assert_eq(clients[i].copies['C'], i != 1, "client %d", i);
    }
    for (int i = 0; i < STREAMS; i++)
        cr_assert_eq(stream_copies[i]['A'] + stream_copies[i]['B'] + stream_copies[i]['C'], 3);
    relay_from(2, "D");
    run_until_idle();
    cr_assert_eq(clients[3].copies['D'], 1);
}

Test(broadcast_handover, relayed_messages_leave_the_ring_that_takes_them_over, .init = set_up,
     .fini = tear_down)
{
    static char text[LONGEST] = "B";
    process = process_new(0, STREAMS);
    process->is_blocked = true;
    relay_from(0, "A");
    for (int i = 0; i < 20; i++)
        run_once();
    replace();
    for (int i = 0; i < WORKERS; i++)
        relay_set(process->relays[i], RELAY_OTHERS, 0);
    memset(text, 'B', sizeof text - 1);
    for (int bytes = 0; bytes < 2 * RELAY_RING_BYTES; bytes += LONGEST) {
        relay_from(0, text);
        run_until_idle();
    }
    cr_assert_eq(process->workers[0].stats.relay_dropped, 0);
    for (int i = 1; i < CLIENTS; i++)
        cr_assert_eq(clients[i].copies['A'], 1);
}

Test(broadcast_handover, clients_keep_their_relay_rate, .init = set_up, .fini = tear_down)
{
    process = process_new(0, STREAMS);
    uint64_t now_ms = clock_now_ms();
    for (int i = 0; i < 5 * RELAY_BURST_S; i++)
        relay_at(now_ms, 0, "A");
    cr_assert_eq(process->workers[0].stats.relay_limited, 0);
    replace();
    relay_at(now_ms, 0, "B");
    cr_assert_eq(process->workers[0].stats.relay_limited, 1);
    relay_at(now_ms, 2, "C");
    cr_assert_eq(process->workers[0].stats.relayed, 1);
}

/* ---- refusals ---- */

Test(broadcast_handover, to_another_registry_is_refused_while_a_job_depends_on_it, .init = set_up,
     .fini = tear_down)
{
    process = process_new(500, STREAMS);
    cr_assert(broadcasts_refusal(process->jobs, &process->pool) == NULL);
    uint64_t id = submit("A", NULL, NULL);
    settle(process);
    cr_assert(jobs_depend_on_registry(process->jobs));
    cr_assert(broadcasts_refusal(process->jobs, &process->pool) != NULL);
    struct handover_writer writer = hand_over(false);
    struct process *successor = process_new(500, STREAMS);
    cr_assert_eq(take_over(successor, &writer, writer.size), -EBUSY);
    process_free(successor);
    handover_writer_free(&writer);

    run_to_end(id);
    cr_assert(broadcasts_refusal(process->jobs, &process->pool) == NULL);
    writer = hand_over(false);
    successor = process_new(500, STREAMS);
    cr_assert_eq(take_over(successor, &writer, writer.size), 0);
    handover_writer_free(&writer);
    process_free(process);
    process = successor;
    expect_all_sent(id);
    cr_assert_eq(submit("B", NULL, NULL), id + 1);
}

Test(broadcast_handover, of_a_record_that_ends_early_is_refused, .init = set_up, .fini = tear_down)
{
    const struct job_confirmation confirmation = {.within_ms = 30000};
    process = process_new(500, STREAMS);
    submit("A", &confirmation, NULL);
    submit("B", NULL, NULL);
    relay_from(0, "C");
    for (int i = 0; i < 5; i++)
        run_once();
    struct handover_writer writer = hand_over(true);
    size_t head = 1 + 8;
    for (size_t size = head; size < writer.size; size += 1 + size / 8) {
        uint64_t length = size - head;
        for (int i = 0; i < 8; i++)
            writer.bytes[1 + i] = (uint8_t)(length >> 8 * i);
        struct process *successor = process_new(500, STREAMS);
        cr_assert_eq(take_over(successor, &writer, size), -EPROTO, "%zu of %zu bytes", size,
                     writer.size);
        process_free(successor);
    }
    handover_writer_free(&writer);
}
