/* The handover of confirmed broadcasts and messages to another process. */
#include "server/upgrade/broadcast_handover.h"

#include "broadcast_process_fixture.h"

TestSuite(confirmation_handover, .timeout = 60);

static const struct job_confirmation confirmation = {.within_ms = 30000};

/* A client confirms a job. */
static enum confirmation confirm(int number, uint64_t id)
{
    struct client client = registered(number);
    uint64_t job;
    cr_assert(jobs_find_confirmations(process->jobs, id, &job));
    return confirmations_confirm(worker_confirmations_table(process->list[number % WORKERS]), job,
                                 client.slot, client.join_number);
}

/* All clients that want frames, but the last one, which stays silent. */
static void confirm_all_but_the_last(uint64_t id)
{
    for (int i = CLIENTS / 2; i < CLIENTS - 1; i++)
        cr_assert_eq(confirm(i, id), CONFIRMATION_FIRST);
}

static void expect_confirmed(uint64_t id, uint64_t confirmed, uint64_t silent)
{
    struct job_report report = report_of(id);
    cr_assert_eq(report.confirmed, confirmed);
    cr_assert_eq(report.silent, silent);
    cr_assert_eq(report.plain, CLIENTS / 2 + STREAMS);
}

Test(confirmation_handover,
     within_the_first_round_of_a_confirmed_broadcast_each_client_gets_one_copy, .init = set_up,
     .fini = tear_down)
{
    process = process_new(1000, STREAMS);
    for (unsigned copies = 0; copies <= CLIENTS + STREAMS; copies += 4) {
        char text[] = {(char)('A' + copies), '\0'};
        uint64_t id = submit(text, &confirmation, NULL), number, number_before;
        run_until_sent(id, copies);
        jobs_find_confirmations(process->jobs, id, &number_before);
        replace();
        while (report_of(id).state == JOB_RUNNING)
            run_once();
        take_copies();
        cr_assert_eq(report_of(id).state, JOB_CONFIRMING);
        cr_assert(jobs_find_confirmations(process->jobs, id, &number));
        cr_assert_eq(number, number_before);
        expect_one_copy_each(text[0]);
        expect_confirmed(id, 0, CLIENTS / 2);
        for (int i = CLIENTS / 2; i < CLIENTS; i++)
            cr_assert_eq(confirm(i, id), CONFIRMATION_FIRST);
        run_to_end(id);
        expect_confirmed(id, CLIENTS / 2, 0);
        expect_all_sent(id);
    }
}

Test(confirmation_handover, between_two_rounds_keeps_the_time_of_the_next_one, .init = set_up,
     .fini = tear_down)
{
    process = process_new(0, STREAMS);
    uint64_t id = submit("A", &confirmation, NULL);
    while (report_of(id).state != JOB_CONFIRMING)
        run_once();
    uint64_t start_ms = clock_now_ms();
    confirm_all_but_the_last(id);
    replace();
    expect_confirmed(id, CLIENTS / 2 - 1, 1);
    cr_assert_eq(confirm(CLIENTS / 2, id), CONFIRMATION_AGAIN);
    while (clients[CLIENTS - 1].copies['A'] < 2)
        run_once();
    uint64_t passed_ms = clock_now_ms() - start_ms;
    cr_assert_geq(passed_ms, CONFIRMATION_INTERVAL_MIN_MS - 10);
    cr_assert_leq(passed_ms, CONFIRMATION_INTERVAL_MAX_MS + 500);
    cr_assert_eq(report_of(id).rounds, 2);
    for (int i = 0; i < CLIENTS - 1; i++)
        cr_assert_eq(clients[i].copies['A'], 1, "client %d got a further copy", i);
    replace();
    cr_assert_eq(confirm(CLIENTS - 1, id), CONFIRMATION_FIRST);
    run_to_end(id);
    expect_confirmed(id, CLIENTS / 2, 0);
    expect_all_sent(id);
    cr_assert_eq(report_of(id).datagrams, CLIENTS + STREAMS + 1);
}

/* At 20 copies a second, the round is not sent to all at once. */
Test(confirmation_handover, within_a_repeated_round_asks_only_who_has_not_confirmed, .init = set_up,
     .fini = tear_down)
{
    process = process_new(0, STREAMS);
    uint64_t id = submit("A", &confirmation, NULL);
    while (report_of(id).state != JOB_CONFIRMING)
        run_once();
    cr_assert_eq(confirm(CLIENTS - 1, id), CONFIRMATION_FIRST);
    process->rate_pps = 20;
    replace();
    while (report_of(id).datagrams == CLIENTS + STREAMS)
        run_once();
    cr_assert_eq(report_of(id).state, JOB_RUNNING);
    replace();
    cr_assert_eq(report_of(id).state, JOB_RUNNING);
    cr_assert_eq(report_of(id).rounds, 2);
    while (report_of(id).state == JOB_RUNNING)
        run_once();
    take_copies();
    for (int i = CLIENTS / 2; i < CLIENTS - 1; i++)
        cr_assert_eq(clients[i].copies['A'], 2, "client %d got %u", i, clients[i].copies['A']);
    cr_assert_eq(clients[CLIENTS - 1].copies['A'], 1, "it has confirmed");
    for (int i = 0; i < STREAMS; i++)
        cr_assert_eq(stream_copies[i]['A'], 1, "streams confirm nothing");
    expect_confirmed(id, 1, CLIENTS / 2 - 1);
    cr_assert_eq(report_of(id).datagrams, CLIENTS + STREAMS + CLIENTS / 2 - 1);
}

Test(confirmation_handover, of_a_message_to_one_client_keeps_its_confirmation, .init = set_up,
     .fini = tear_down)
{
    const struct job_confirmation one = {.within_ms = 30000, .only = {.source = clients[8].addr}};
    process = process_new(0, STREAMS);
    uint64_t id = submit("A", &one, NULL);
    while (report_of(id).state != JOB_CONFIRMING)
        run_once();
    replace();
    cr_assert_eq(report_of(id).targets, 1);
    cr_assert_eq(confirm(8, id), CONFIRMATION_FIRST);
    run_to_end(id);
    cr_assert_eq(report_of(id).confirmed, 1);
    cr_assert_eq(clients[8].copies['A'], 1);
}

Test(confirmation_handover, an_ended_broadcast_counts_late_confirmations_still, .init = set_up,
     .fini = tear_down)
{
    process = process_new(0, STREAMS);
    uint64_t id = submit("A", &confirmation, NULL);
    while (report_of(id).state != JOB_CONFIRMING)
        run_once();
    jobs_cancel(process->jobs, id, NULL, NULL);
    struct job_report before = report_of(id);
    replace();
    struct job_report after = report_of(id);
    before.selector = after.selector = "";
    cr_assert_arr_eq(&after, &before, sizeof after);
    cr_assert_eq(confirm(CLIENTS - 1, id), CONFIRMATION_FIRST);
}
