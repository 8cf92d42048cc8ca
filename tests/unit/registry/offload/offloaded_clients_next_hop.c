/* Offloaded clients: the link that the last datagram of a client came by, which the program in the
 * kernel notes. */
#include "offload_registry_fixture.h"

#include "registry/registry_restore.h"

/* PASSED_MS: the server receives a datagram that the program has passed on within this time. */
enum { LATER_MS = START_MS + 10, PASSED_MS = 1000 };
static const uint64_t NEXT_HOP = UINT64_C(0x0003060504030201);

static struct offload *offload;

static void set_up(void)
{
    offload = offload_new();
}

static void tear_down(void)
{
    offload_free(offload);
}

TestSuite(offloaded_clients_next_hop, .init = set_up, .fini = tear_down);

static uint32_t slot_of(struct addr source)
{
    return find_live(&offload->shard, source, LATER_MS).slot;
}

static uint64_t next_hop_of(struct addr source)
{
    struct addr local;
    return offloaded_clients_next_hop(&offload->clients, slot_of(source), &local);
}

static struct offload_record *record_of(struct addr source)
{
    struct addr local = local_of(&source, 1);
    struct offload_client client = {.record = 0};
    cr_assert(kernel_look_up(&offload->kernel, &source, &local, &client));
    return &offload->records[client.record];
}

static void add_client(struct addr source)
{
    cr_assert_not(send_plain(offload, source, START_MS), "it has only joined");
    cr_assert(send_plain(offload, source, START_MS));
}

/* A datagram that the program answers. */
static void answer(struct addr source, uint64_t next_hop)
{
    cr_assert(program_answers(offload, source, LATER_MS));
    record_of(source)->next_hop = next_hop;
    record_of(source)->next_hop_ms = LATER_MS;
}

Test(offloaded_clients_next_hop, is_unknown_of_a_client_that_is_not_offloaded)
{
    send_plain(offload, ipv4_source(1), START_MS);
    cr_assert_eq(next_hop_of(ipv4_source(1)), 0);
}

Test(offloaded_clients_next_hop, is_unknown_when_a_record_begins)
{
    for (size_t i = 0; i < FIRST + RECORDS; i++)
        offload->records[i].next_hop = NEXT_HOP;
    for (uint32_t n = 0; n < RECORDS; n++) {
        add_client(any_source(n));
        cr_assert_eq(next_hop_of(any_source(n)), 0);
    }
}

Test(offloaded_clients_next_hop, is_that_of_the_last_datagram_that_the_program_has_seen)
{
    for (uint32_t n = 0; n < 4; n++) {
        add_client(any_source(n));
        answer(any_source(n), NEXT_HOP + n);
    }
    for (uint32_t n = 0; n < 4; n++)
        cr_assert_eq(next_hop_of(any_source(n)), NEXT_HOP + n);
    answer(any_source(2), NEXT_HOP - 1);
    cr_assert_eq(next_hop_of(any_source(2)), NEXT_HOP - 1);
    cr_assert_eq(next_hop_of(any_source(1)), NEXT_HOP + 1);
}

Test(offloaded_clients_next_hop, has_the_local_address_and_port)
{
    for (uint32_t n = 0; n < 2; n++) {
        struct addr source = any_source(n), local = local_of(&source, 7), found;
        local.port = (uint16_t)(5000 + n);
        cr_assert_not(send_to(offload, source, local, START_MS));
        cr_assert(send_to(offload, source, local, START_MS));
        offload->records[FIRST + n].next_hop = NEXT_HOP;
        cr_assert_eq(offloaded_clients_next_hop(&offload->clients, slot_of(source), &found),
                     NEXT_HOP);
        cr_assert(addr_is_same(&found, &local));
    }
}

Test(offloaded_clients_next_hop, stays_when_the_client_is_refreshed)
{
    struct addr source = ipv6_source(1);
    struct client clients[CAPACITY + 1];
    add_client(source);
    answer(source, NEXT_HOP);
    uint32_t slot = slot_of(source);
    offloaded_clients_refresh(&offload->clients, slot);
    offloaded_clients_refresh_all(&offload->clients);
    cr_assert_eq(walk_all(&offload->shard, LATER_MS, clients), 1);
    cr_assert_eq(sweep(&offload->shard, START_MS + TTL_MS), 0);
    cr_assert_eq(registry_left_ms(offload->shard.registry, slot, LATER_MS), TTL_MS);
    cr_assert_eq(next_hop_of(source), NEXT_HOP);
}

/* The program has not seen the datagram: it came on another link. */
Test(offloaded_clients_next_hop, is_forgotten_by_a_datagram_that_the_program_has_not_seen)
{
    add_client(ipv4_source(1));
    add_client(ipv4_source(2));
    answer(ipv4_source(1), NEXT_HOP);
    answer(ipv4_source(2), NEXT_HOP);
    cr_assert(send_plain(offload, ipv4_source(1), LATER_MS + PASSED_MS + 1));
    cr_assert_eq(next_hop_of(ipv4_source(1)), 0);
    cr_assert_eq(next_hop_of(ipv4_source(2)), NEXT_HOP, "the other client");
    answer(ipv4_source(1), NEXT_HOP + 1);
    cr_assert_eq(next_hop_of(ipv4_source(1)), NEXT_HOP + 1);
}

/* The program notes a datagram that it passes on, which the server receives a moment later. */
Test(offloaded_clients_next_hop, stays_when_the_program_passes_a_datagram_on)
{
    static const uint64_t RECEIVED_MS[] = {LATER_MS, LATER_MS + 1, LATER_MS + PASSED_MS};

    for (uint32_t n = 0; n < 3; n++) {
        add_client(any_source(n));
        answer(any_source(n), NEXT_HOP + n);
        cr_assert(send_plain(offload, any_source(n), RECEIVED_MS[n]));
        cr_assert_eq(next_hop_of(any_source(n)), NEXT_HOP + n);
    }
}

/* As while the program passes everything on. */
Test(offloaded_clients_next_hop, stays_when_a_datagram_is_not_offered_to_the_program)
{
    static const enum registry_action ACTIONS[] = {REGISTRY_JOIN, REGISTRY_RENEW};
    for (uint32_t n = 0; n < 4; n++) {
        struct addr source = any_source(n), local = local_of(&source, 1);
        local.port = 0;
        add_client(source);
        answer(source, NEXT_HOP);
        struct registry_datagram datagram = {
            .source = &source, .local = &local, .action = ACTIONS[n / 2]};
        cr_assert_eq(
            registry_update(offload->shard.registry, 0, &datagram, 1, LATER_MS + PASSED_MS + 1), 1);
        cr_assert_eq(next_hop_of(source), NEXT_HOP);
        cr_assert(program_answers(offload, source, LATER_MS), "it is still offloaded");
    }
}

Test(offloaded_clients_next_hop, is_forgotten_when_the_record_ends)
{
    struct addr source = ipv4_source(1);
    add_client(source);
    answer(source, NEXT_HOP);
    uint32_t slot = slot_of(source);
    offloaded_clients_end(&offload->clients, slot);
    cr_assert_eq(next_hop_of(source), 0);
    cr_assert(send_plain(offload, source, LATER_MS));
    cr_assert_eq(next_hop_of(source), 0, "another record");
    answer(source, NEXT_HOP);
    cr_assert(remove_client(&offload->shard, source));
    add_client(ipv4_source(2));
    cr_assert_eq(next_hop_of(ipv4_source(2)), 0, "another client");
}

Test(offloaded_clients_next_hop, is_forgotten_when_the_client_sends_to_another_address)
{
    struct addr source = ipv4_source(1), other = local_of(&source, 2), found;
    add_client(source);
    answer(source, NEXT_HOP);
    cr_assert(send_to(offload, source, other, LATER_MS));
    cr_assert_eq(offloaded_clients_next_hop(&offload->clients, slot_of(source), &found), 0);
    cr_assert(addr_is_same(&found, &other));
}
