/* Offloaded clients: what the program in the kernel records of them, when a record begins and ends,
 * and generations. */
#include "offload_registry_fixture.h"

#include "registry/registry_restore.h"

/* Makes a client that is offloaded. */
static void add_client(struct offload *offload, struct addr source, uint64_t now_ms)
{
    cr_assert_not(send_plain(offload, source, now_ms), "it has only joined");
    cr_assert(send_plain(offload, source, now_ms));
}

/* ---- a record of a client ---- */

Test(offloaded_clients, are_clients_that_were_renewed)
{
    struct offload *offload = offload_new();
    for (uint32_t n = 0; n < 4; n++) {
        struct addr source = any_source(n), local = local_of(&source, 1);
        struct offload_client client = {.record = 0};
        uint64_t now_ms = START_MS + 100 * n;
        cr_assert_not(program_answers(offload, source, now_ms));
        cr_assert_not(send_plain(offload, source, now_ms));
        cr_assert_not(program_answers(offload, source, now_ms), "it has only joined");
        cr_assert(send_plain(offload, source, now_ms + 7));
        cr_assert(kernel_look_up(&offload->kernel, &source, &local, &client));
        cr_assert_eq(client.record, FIRST + n);
        cr_assert_eq(client.worker, WORKER);
        cr_assert_eq(client.tag, n + 1);
        cr_assert_eq(offload->records[client.record].seen, offload_seen(now_ms + 7, n + 1));
        cr_assert_eq(offload->records[client.record].generation, offload->generation);
        cr_assert(program_answers(offload, source, now_ms + 8));
        cr_assert(send_plain(offload, source, now_ms + 9), "it stays as it is");
        cr_assert_eq(offload->kernel.added, n + 1);
    }
    cr_assert_eq(offloaded_clients_count(&offload->clients), 4);
    offload_free(offload);
}

Test(offloaded_clients, live_on_by_what_the_program_answers)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1);
    struct client clients[CAPACITY + 1];
    add_client(offload, source, START_MS);
    uint64_t now_ms = START_MS;
    for (uint32_t i = 0; i < 20; i++) {
        now_ms += TTL_MS - 1;
        cr_assert(program_answers(offload, source, now_ms));
        cr_assert_eq(sweep(&offload->shard, now_ms + i), 0);
    }
    struct client client = find_live(&offload->shard, source, now_ms + 100);
    cr_assert_eq(client.received, 22);
    cr_assert_eq(client.idle_ms, 100);
    cr_assert_eq(registry_left_ms(offload->shard.registry, client.slot, now_ms + 100),
                 TTL_MS - 100);
    cr_assert_eq(walk_all(&offload->shard, now_ms + TTL_MS - 1, clients), 1);
    cr_assert_eq(sweep(&offload->shard, now_ms + TTL_MS - 1), 0);
    cr_assert_not(is_live(&offload->shard, source, now_ms + TTL_MS));
    cr_assert_eq(sweep(&offload->shard, now_ms + TTL_MS), 1);
    cr_assert_not(program_answers(offload, source, now_ms + TTL_MS));
    cr_assert_eq(offload->kernel.removed, 1);
    offload_free(offload);
}

/* Each of these reads the entry for the first time since the program has renewed the client. */
Test(offloaded_clients, are_refreshed_wherever_a_deadline_is_read)
{
    enum { FIND, WALK, LEFT, RENEW, SWEEP, HAND_OVER, WAYS };
    struct client clients[CAPACITY + 1];
    for (int way = FIND; way < WAYS; way++) {
        struct offload *offload = offload_new();
        struct registry *registry = offload->shard.registry;
        struct addr source = ipv6_source(1);
        struct handover_writer writer = {.size = 0};
        add_client(offload, source, START_MS);
        uint32_t slot = find_live(&offload->shard, source, START_MS).slot;
        cr_assert(program_answers(offload, source, START_MS + TTL_MS - 1));
        uint64_t now_ms = START_MS + TTL_MS + 1;
        switch (way) {
        case FIND:
            cr_assert(is_live(&offload->shard, source, now_ms));
            break;
        case WALK:
            cr_assert_eq(walk_all(&offload->shard, now_ms, clients), 1);
            cr_assert_eq(clients[0].received, 3);
            cr_assert_eq(clients[0].idle_ms, 2);
            break;
        case LEFT:
            cr_assert_eq(registry_left_ms(registry, slot, now_ms), TTL_MS - 2);
            break;
        case RENEW:
            cr_assert(send_plain(offload, source, now_ms));
            break;
        case SWEEP:
            cr_assert_eq(sweep(&offload->shard, now_ms), 0);
            break;
        case HAND_OVER:
            handover_begin(&writer, 1);
            registry_hand_over(registry, &writer);
            handover_writer_free(&writer);
            break;
        }
        registry_set_offload(registry, NULL);
        struct client client = find_live(&offload->shard, source, now_ms);
        cr_assert_eq(client.received, way == RENEW ? 4 : 3, "way %d", way);
        registry_set_offload(registry, &offload->clients);
        offload_free(offload);
    }
}

Test(offloaded_clients, have_a_count_that_stays_at_its_maximum)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1);
    add_client(offload, source, START_MS);
    offload->records[FIRST].received = UINT32_MAX - 3;
    cr_assert_eq(find_live(&offload->shard, source, START_MS).received, UINT32_MAX - 1);
    cr_assert_eq(offload->records[FIRST].received, 0);
    offload->records[FIRST].received = 7;
    cr_assert_eq(find_live(&offload->shard, source, START_MS).received, UINT32_MAX);
    offload_free(offload);
}

Test(offloaded_clients, may_be_renewed_by_a_clock_ahead_or_behind)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1);
    add_client(offload, source, START_MS);
    cr_assert(program_answers(offload, source, START_MS + 5));
    struct client client = find_live(&offload->shard, source, START_MS);
    cr_assert_eq(client.idle_ms, 0);
    cr_assert_eq(registry_left_ms(offload->shard.registry, client.slot, START_MS), TTL_MS + 5);
    cr_assert(program_answers(offload, source, START_MS + 3), "another processor, behind");
    cr_assert_eq(registry_left_ms(offload->shard.registry, client.slot, START_MS), TTL_MS + 5);
    cr_assert(send_plain(offload, source, START_MS + 1));
    cr_assert_eq(sweep(&offload->shard, START_MS + 4 + TTL_MS), 0);
    cr_assert_eq(sweep(&offload->shard, START_MS + 5 + TTL_MS), 1);
    offload_free(offload);
}

/* ---- which clients have none ---- */

Test(offloaded_clients, have_addresses_that_the_program_handles)
{
    struct offload *offload = offload_new();
    struct addr scoped = ipv6_source(1), no_port = ipv4_source(2), usual = ipv4_source(3),
                usual6 = ipv6_source(4);
    scoped.scope = 2;
    no_port.port = 0;
    const struct {
        struct addr source, local;
    } refused[] = {
        {scoped, local_of(&scoped, 1)},
        {no_port, local_of(&no_port, 1)},
        {usual, {.family = ADDR_NONE, .port = 3000}},
        {usual, {.family = ADDR_IPV4, .port = 3000, .scope = 2}},
        {usual, {.ip = {192, 0, 2, 1}, .family = ADDR_IPV4, .port = 3000}},
        {usual, {.ip = {192, 0, 2, 1}, .family = ADDR_IPV4, .scope = 2}},
        {usual, {.ip = {239, 0, 0, 1}, .family = ADDR_IPV4, .port = 3000, .scope = 2}},
        {usual, local_of(&usual6, 1)},
        {usual6, local_of(&usual, 1)},
        {usual6, {.ip = {0xfd, [15] = 1}, .family = ADDR_IPV6, .port = 3000}},
        {usual6, {.ip = {0xff, 0x02, [15] = 1}, .family = ADDR_IPV6, .port = 3000, .scope = 2}},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        send_to(offload, refused[i].source, refused[i].local, START_MS);
        cr_assert_not(send_to(offload, refused[i].source, refused[i].local, START_MS), "%zu", i);
    }
    cr_assert_eq(offload->kernel.added, 0);
    offload_free(offload);
}

Test(offloaded_clients, are_as_many_as_there_are_records)
{
    struct offload *offload = offload_new();
    for (uint32_t n = 0; n < RECORDS; n++)
        add_client(offload, any_source(n), START_MS);
    send_plain(offload, any_source(RECORDS), START_MS);
    cr_assert_not(send_plain(offload, any_source(RECORDS), START_MS));
    cr_assert(remove_client(&offload->shard, any_source(2)));
    cr_assert(send_plain(offload, any_source(RECORDS), START_MS));
    cr_assert_eq(offloaded_clients_count(&offload->clients), RECORDS);
    offload_free(offload);
}

Test(offloaded_clients, are_not_those_that_the_table_refuses)
{
    struct offload *offload = offload_new();
    send_plain(offload, any_source(1), START_MS);
    offload->kernel.refuses = true;
    for (int i = 0; i < 2 * RECORDS; i++)
        cr_assert_not(send_plain(offload, any_source(1), START_MS));
    cr_assert_eq(offloaded_clients_count(&offload->clients), 0);
    offload->kernel.refuses = false;
    for (uint32_t n = 1; n <= RECORDS; n++) {
        send_plain(offload, any_source(n), START_MS);
        cr_assert(send_plain(offload, any_source(n), START_MS), "all records are free again");
    }
    offload_free(offload);
}

Test(offloaded_clients, are_none_without_an_offload)
{
    struct shard shard = shard_new(CAPACITY, TTL_MS, START_MS);
    struct addr source = ipv4_source(1), local = local_of(&source, 1);
    struct registry_datagram datagram = {.source = &source, .local = &local};
    for (int i = 0; i < 2; i++)
        registry_update(shard.registry, 0, &datagram, 1, START_MS);
    cr_assert_eq(datagram.outcome, REGISTRY_RENEWED);
    cr_assert_not(registry_offload(shard.registry, &datagram, &local, START_MS));
    shard_free(&shard);
}

Test(offloaded_clients, are_none_that_the_same_batch_has_removed)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1), local = local_of(&source, 1);
    struct registry_datagram datagrams[] = {
        {.source = &source, .local = &local},
        {.source = &source, .local = &local},
        {.source = &source, .local = &local, .action = REGISTRY_LEAVE},
    };
    registry_update(offload->shard.registry, 0, datagrams, 3, START_MS);
    cr_assert_eq(datagrams[1].outcome, REGISTRY_RENEWED);
    cr_assert_not(registry_offload(offload->shard.registry, &datagrams[1], &local, START_MS));
    offload_free(offload);
}

/* ---- the end of a record ---- */

static void expect_ended(struct offload *offload, struct addr source, uint64_t now_ms)
{
    cr_assert_not(program_answers(offload, source, now_ms));
    cr_assert_eq(offloaded_clients_count(&offload->clients), 0);
    cr_assert_eq(offload->records[FIRST].seen, 0);
    offload_free(offload);
}

Test(offloaded_clients, end_by_a_leave)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1), local = local_of(&source, 1);
    add_client(offload, source, START_MS);
    struct registry_datagram leave = {.source = &source, .local = &local, .action = REGISTRY_LEAVE};
    registry_update(offload->shard.registry, 0, &leave, 1, START_MS);
    cr_assert_eq(leave.outcome, REGISTRY_LEFT);
    expect_ended(offload, source, START_MS);
}

Test(offloaded_clients, end_by_their_removal)
{
    struct offload *offload = offload_new();
    add_client(offload, ipv4_source(1), START_MS);
    cr_assert(remove_client(&offload->shard, ipv4_source(1)));
    expect_ended(offload, ipv4_source(1), START_MS);
}

Test(offloaded_clients, end_when_all_are_to_expire)
{
    struct offload *offload = offload_new();
    add_client(offload, ipv4_source(1), START_MS);
    cr_assert(program_answers(offload, ipv4_source(1), START_MS + 10));
    registry_expire_all(offload->shard.registry, START_MS + 5);
    cr_assert_not(is_live(&offload->shard, ipv4_source(1), START_MS + 5));
    cr_assert_eq(sweep(&offload->shard, START_MS + 5), 1);
    expect_ended(offload, ipv4_source(1), START_MS + 10);
}

Test(offloaded_clients, end_before_they_rejoin)
{
    struct offload *offload = offload_new();
    add_client(offload, ipv4_source(1), START_MS);
    cr_assert(program_answers(offload, ipv4_source(1), START_MS + 10));
    cr_assert_eq(record(&offload->shard, ipv4_source(1), START_MS + 10 + TTL_MS),
                 REGISTRY_REJOINED);
    cr_assert_eq(find_live(&offload->shard, ipv4_source(1), START_MS + 10 + TTL_MS).received, 1);
    expect_ended(offload, ipv4_source(1), START_MS + 10 + TTL_MS);
}

Test(offloaded_clients, end_when_they_are_restored_anew)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1), local = local_of(&source, 1);
    bool is_new;
    add_client(offload, source, START_MS);
    cr_assert(program_answers(offload, source, START_MS + 10));
    const struct registry_restored restored = {
        .source = &source, .local = &local, .left_ms = 1000, .idle_ms = 50, .received = 9};
    uint32_t slot = registry_restore(offload->shard.registry, &restored, START_MS + 10, &is_new);
    cr_assert_not(is_new);
    cr_assert_eq(registry_left_ms(offload->shard.registry, slot, START_MS + 10), 1000);
    cr_assert_eq(find_live(&offload->shard, source, START_MS + 10).received, 9);
    expect_ended(offload, source, START_MS + 10);
}

/* The program has looked a client up, whose record then ends and is another client's. */
Test(offloaded_clients, are_not_renewed_in_the_record_of_another)
{
    struct offload *offload = offload_new();
    struct addr first = ipv4_source(1), local = local_of(&first, 1);
    struct offload_client looked_up = {.record = 0};
    add_client(offload, first, START_MS);
    cr_assert(kernel_look_up(&offload->kernel, &first, &local, &looked_up));
    cr_assert(remove_client(&offload->shard, first));
    add_client(offload, ipv4_source(2), START_MS);
    cr_assert_eq(offload->records[looked_up.record].generation, offload->generation);
    cr_assert_not(program_renew(offload->records, &looked_up, offload->generation, START_MS + 50));
    cr_assert_eq(find_live(&offload->shard, ipv4_source(2), START_MS + 50).idle_ms, 50);
    offload_free(offload);
}

Test(offloaded_clients, have_tags_that_begin_again_after_the_last_one)
{
    struct offload *offload = offload_new();
    offload->clients.tag = (1 << OFFLOAD_TAG_BITS) - 2;
    add_client(offload, ipv4_source(1), START_MS);
    add_client(offload, ipv4_source(2), START_MS);
    cr_assert_eq(offload_seen_tag(offload->records[FIRST].seen), (1 << OFFLOAD_TAG_BITS) - 1);
    cr_assert_eq(offload_seen_ms(offload->records[FIRST].seen), START_MS);
    cr_assert_eq(offload_seen_tag(offload->records[FIRST + 1].seen), 1);
    offload_free(offload);
}

/* ---- local addresses ---- */

Test(offloaded_clients, are_entered_anew_for_another_local_address)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1), second = local_of(&source, 2);
    add_client(offload, source, START_MS);
    cr_assert(program_answers(offload, source, START_MS + 1));
    cr_assert(send_to(offload, source, second, START_MS + 2));
    cr_assert_not(program_answers(offload, source, START_MS + 3), "the first address");
    cr_assert(
        program_receive(&offload->kernel, &source, &second, offload->generation, START_MS + 4));
    cr_assert_eq(find_live(&offload->shard, source, START_MS + 4).received, 5);
    cr_assert_eq(offload->kernel.count, 1);
    second.port++;
    cr_assert(send_to(offload, source, second, START_MS + 5), "another listener's port");
    cr_assert_eq(offload->kernel.removed, 2);
    offload_free(offload);
}

/* So the local address of the entry is always that of the last datagram. */
Test(offloaded_clients, end_by_a_datagram_to_another_local_address_that_is_not_offered)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1);
    add_client(offload, source, START_MS);
    cr_assert_eq(record_at(&offload->shard, 0, source, local_of(&source, 2), START_MS + 1),
                 REGISTRY_RENEWED);
    expect_ended(offload, source, START_MS + 2);
}

Test(offloaded_clients, are_entered_anew_for_another_interface)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1), other = local_of(&source, 1);
    other.scope++;
    add_client(offload, source, START_MS);
    cr_assert(send_to(offload, source, other, START_MS + 1));
    cr_assert_not(program_answers(offload, source, START_MS + 2), "the first interface");
    cr_assert(
        program_receive(&offload->kernel, &source, &other, offload->generation, START_MS + 3));
    cr_assert_eq(offload->kernel.count, 1);
    offload_free(offload);
}

/* The caller has removed the scope: the program has no such interface. */
Test(offloaded_clients, end_by_a_datagram_of_an_interface_without_the_program)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1), reported = local_of(&source, 1), offered = reported;
    reported.scope++;
    offered.scope = 0;
    add_client(offload, source, START_MS);
    struct registry_datagram datagram = {.source = &source, .local = &reported};
    registry_update(offload->shard.registry, 0, &datagram, 1, START_MS + 1);
    cr_assert_eq(datagram.outcome, REGISTRY_RENEWED);
    cr_assert_not(registry_offload(offload->shard.registry, &datagram, &offered, START_MS + 1));
    expect_ended(offload, source, START_MS + 2);
}

/* It is reported as before, but the program was removed there. */
Test(offloaded_clients, end_by_a_datagram_of_an_interface_that_has_the_program_no_more)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1), reported = local_of(&source, 1), offered = reported;
    offered.scope = 0;
    add_client(offload, source, START_MS);
    reported.port = 0;
    struct registry_datagram datagram = {.source = &source, .local = &reported};
    registry_update(offload->shard.registry, 0, &datagram, 1, START_MS + 1);
    cr_assert_not(registry_offload(offload->shard.registry, &datagram, &offered, START_MS + 1));
    expect_ended(offload, source, START_MS + 2);
}

Test(offloaded_clients, of_a_listener_with_one_address_stay_at_it)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1), none = {.family = ADDR_NONE}, local = local_of(&source, 1);
    struct registry_datagram datagram = {.source = &source, .local = &none};
    for (int i = 0; i < 4; i++) {
        registry_update(offload->shard.registry, 0, &datagram, 1, START_MS);
        cr_assert_eq(registry_offload(offload->shard.registry, &datagram, &local, START_MS), true,
                     "%d", i);
    }
    cr_assert_eq(offload->kernel.added, 1);
    cr_assert(program_answers(offload, source, START_MS + 1));
    cr_assert_eq(find_live(&offload->shard, source, START_MS + 1).local.family, ADDR_NONE);
    cr_assert(remove_client(&offload->shard, source));
    cr_assert_eq(offload->kernel.removed, 1);
    offload_free(offload);
}

/* ---- generations ---- */

Test(offloaded_clients, pass_through_a_socket_once_in_each_generation)
{
    struct offload *offload = offload_new();
    struct addr source = ipv4_source(1);
    add_client(offload, source, START_MS);
    cr_assert(program_answers(offload, source, START_MS + 1));
    uint32_t before = offload->generation;
    offload->generation = offloaded_clients_new_generation(&offload->clients);
    cr_assert_eq(offload->generation, before + 1);
    cr_assert_not(program_answers(offload, source, START_MS + 2));
    cr_assert_not(program_answers(offload, source, START_MS + 3));
    cr_assert(send_plain(offload, source, START_MS + 4));
    cr_assert(program_answers(offload, source, START_MS + 5));
    cr_assert_eq(offload->kernel.added, 1, "its entry in the table stays");
    cr_assert_eq(find_live(&offload->shard, source, START_MS + 5).received, 5);
    offload_free(offload);
}

Test(offloaded_clients, keep_their_ttl_until_their_next_datagram_over_a_socket)
{
    struct offload *offload = offload_new();
    struct registry *registry = offload->shard.registry;
    add_client(offload, ipv4_source(1), START_MS);
    add_client(offload, ipv4_source(2), START_MS);
    cr_assert(program_answers(offload, ipv4_source(1), START_MS + 10));
    uint32_t before = offload->generation,
             now = offloaded_clients_new_generation(&offload->clients);
    registry_set_ttl(registry, TTL_MS / 4);
    offload->generation = before;
    cr_assert(program_answers(offload, ipv4_source(2), START_MS + 20), "by the former settings");
    offload->generation = now;
    cr_assert_not(program_answers(offload, ipv4_source(2), START_MS + 30));
    cr_assert_eq(sweep(&offload->shard, START_MS + 9 + TTL_MS), 0);
    cr_assert_eq(sweep(&offload->shard, START_MS + 19 + TTL_MS), 1);
    uint64_t now_ms = START_MS + 19 + TTL_MS;
    cr_assert(send_plain(offload, ipv4_source(2), now_ms));
    cr_assert_eq(sweep(&offload->shard, now_ms + TTL_MS / 4 - 1), 0);
    cr_assert(program_answers(offload, ipv4_source(2), now_ms + TTL_MS / 4 - 1));
    now_ms += TTL_MS / 4 - 1;
    cr_assert_eq(sweep(&offload->shard, now_ms + TTL_MS / 4 - 1), 0);
    cr_assert_eq(sweep(&offload->shard, now_ms + TTL_MS / 4), 1);
    offload_free(offload);
}

static void expect_hashes(const struct offload *offload, uint32_t record, const struct addr *source)
{
    const struct rate_limiter_hashes hashes =
        kernel_rate_hashes((void *)(uintptr_t)&offload->kernel, source);
    cr_expect_eq(offload->records[record].address_hash, hashes.address);
    cr_expect_eq(offload->records[record].prefix_hash, hashes.prefix);
}

Test(offloaded_clients, have_the_hashes_of_their_rate_from_the_begin_and_in_each_generation)
{
    struct offload *offload = offload_new();
    struct addr first = ipv4_source(1), second = ipv6_source(2);
    add_client(offload, first, START_MS);
    expect_hashes(offload, FIRST, &first);
    cr_assert_eq(offload->records[FIRST].address_hash, 0);
    offload->kernel.rate_key = 77;
    add_client(offload, second, START_MS);
    expect_hashes(offload, FIRST + 1, &second);
    cr_assert(send_plain(offload, first, START_MS));
    cr_assert_eq(offload->records[FIRST].address_hash, 0, "the generation is the same");
    offload->generation = offloaded_clients_new_generation(&offload->clients);
    cr_assert(send_plain(offload, first, START_MS));
    expect_hashes(offload, FIRST, &first);
    offload->kernel.rate_key = 0;
    offload->generation = offloaded_clients_new_generation(&offload->clients);
    cr_assert(send_plain(offload, first, START_MS));
    expect_hashes(offload, FIRST, &first);
    offload->kernel.rate_key = 78;
    cr_assert(remove_client(&offload->shard, first));
    add_client(offload, ipv4_source(3), START_MS);
    const struct addr third = ipv4_source(3);
    expect_hashes(offload, FIRST, &third);
    offload_free(offload);
}

/* ---- withdrawal ---- */

Test(offloaded_clients, can_be_withdrawn_in_steps)
{
    struct offload *offload = offload_new();
    for (uint32_t n = 0; n < RECORDS; n++)
        add_client(offload, any_source(n), START_MS);
    for (uint32_t n = 0; n < RECORDS; n++)
        cr_assert(program_answers(offload, any_source(n), START_MS + TTL_MS - 1));
    cr_assert(offloaded_clients_withdraw(&offload->clients, 3));
    cr_assert_eq(offload->kernel.count, RECORDS - 3);
    cr_assert(remove_client(&offload->shard, any_source(0)), "others may end meanwhile");
    cr_assert_not(send_plain(offload, any_source(RECORDS - 1), START_MS + TTL_MS),
                  "and none begins");
    int steps = 1;
    while (offloaded_clients_withdraw(&offload->clients, 3))
        steps++;
    cr_assert_eq(steps, 2);
    cr_assert_eq(offloaded_clients_count(&offload->clients), 0);
    for (uint32_t n = 1; n < RECORDS; n++)
        cr_assert(is_live(&offload->shard, any_source(n), START_MS + 2 * TTL_MS - 2));
    cr_assert_not(offloaded_clients_withdraw(&offload->clients, 3), "there is nothing to do");
    add_client(offload, any_source(RECORDS), START_MS + TTL_MS);
    for (uint32_t n = 1; n < RECORDS; n++)
        cr_assert(send_plain(offload, any_source(n), START_MS + TTL_MS), "%u", n);
    offload_free(offload);
}
