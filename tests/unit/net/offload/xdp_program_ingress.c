#include "net/offload/offload_state.h"
#include "offload_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

/* What the program of the offload does by the interface that a frame came by, packet by packet. */

static struct clients clients;

static void set_up(void)
{
    clients = clients_or_skip();
    set_reply(&clients, OFFLOAD_ECHO, 0, 400);
}

static void tear_down(void)
{
    offload_close(clients.offload);
}

TestSuite(xdp_program_ingress, .init = set_up, .fini = tear_down);

static struct frame request(size_t client, const void *payload, size_t size)
{
    return frame_of(&clients.source[client], &clients.local[client], payload, size);
}

static void expect_echo(size_t client)
{
    struct frame frame = request(client, "car?", 4);

    cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED);
    const char *error =
        frame_reply_error(&frame, &clients.source[client], &clients.local[client], "car?", 4);
    cr_assert_null(error, "%s", error);
}

/* The program passes the frame on, and counts it under this reason (OFFLOAD_COUNTERS: not). */
static void expect_pass(struct frame frame, enum offload_counter reason)
{
    const struct frame before = frame;
    uint64_t counted[OFFLOAD_COUNTERS + 1] = {0}, counted_after[OFFLOAD_COUNTERS];

    cr_assert_eq(offload_counters(clients.offload, WORKER, counted), 0);
    cr_assert_eq(offload_run(clients.offload, &frame), PASSED);
    cr_assert_eq(frame.size, before.size);
    cr_assert_arr_eq(frame.bytes, before.bytes, before.size);
    counted[reason]++;
    cr_assert_eq(offload_counters(clients.offload, WORKER, counted_after), 0);
    cr_assert_arr_eq(counted_after, counted, sizeof counted_after);
}

Test(xdp_program_ingress, an_interface_that_is_not_in_the_table_has_no_clients)
{
    struct offload_ingress *ingress = clients.offload->memory[TABLE_INGRESS];

    for (uint32_t i = 0; i < OFFLOAD_INGRESS_MAX; i++)
        ingress->interfaces[i] = i % 2 == 0 ? 0 : offload_ingress_word(i + 1, i + 1, MTU, false);
    for (size_t client = 0; client < CLIENTS; client++) {
        expect_pass(request(client, "car?", 4), OFFLOAD_COUNTERS);
        cr_assert_eq(record_of(&clients, client)->next_hop, 0);
    }
}

Test(xdp_program_ingress, an_interface_is_found_at_each_place_of_the_table)
{
    struct offload_ingress *ingress = clients.offload->memory[TABLE_INGRESS];

    for (uint32_t place = 0; place < OFFLOAD_INGRESS_MAX; place++) {
        for (uint32_t i = 0; i < OFFLOAD_INGRESS_MAX; i++)
            ingress->interfaces[i] = offload_ingress_word(100 + i, 100 + i, MTU, false);
        ingress->interfaces[place] = offload_ingress_word(LOOPBACK, LOOPBACK, MTU, false);
        expect_echo(0);
        expect_echo(1);
    }
}

/* A client of a VLAN, or of another interface whose address a frame here has as its source. */
Test(xdp_program_ingress, a_client_of_another_interface_is_not_answered)
{
    set_ingress(clients.offload, 2, MTU, false);
    for (size_t client = 0; client < CLIENTS; client++) {
        expect_pass(request(client, "car?", 4), OFFLOAD_COUNTERS);
        cr_assert_eq(record_of(&clients, client)->next_hop, 0, "it has no link there, either");
    }
}

Test(xdp_program_ingress, a_port_has_the_clients_of_its_bond)
{
    static const uint32_t BONDS[] = {2, OFFLOAD_INTERFACE_MASK};

    for (size_t i = 0; i < sizeof BONDS / sizeof BONDS[0]; i++) {
        set_ingress(clients.offload, BONDS[i], MTU, false);
        for (uint32_t client = 0; client < CLIENTS; client++) {
            const struct offload_client entry = {FIRST_RECORD + client, WORKER, FIRST_TAG + client};
            struct addr local = clients.local[client];
            offload_remove(clients.offload, entry.record);
            local.scope = BONDS[i];
            cr_assert_eq(offload_add(clients.offload, &clients.source[client], &local, &entry), 0);
            expect_echo(client);
        }
    }
}

Test(xdp_program_ingress, a_client_is_entered_for_one_interface_each)
{
    struct addr local = clients.local[0];
    const struct offload_client entry = {7, WORKER, 77};

    local.scope = 2;
    offload_records(clients.offload)[7] =
        (struct offload_record){.seen = offload_seen(1, 77), .generation = GENERATION};
    cr_assert_eq(offload_add(clients.offload, &clients.source[0], &local, &entry), 0);
    expect_echo(0);
    cr_assert_eq(record_of(&clients, 0)->received, 1);
    set_ingress(clients.offload, 2, MTU, false);
    expect_echo(0);
    cr_assert_eq(record_of(&clients, 0)->received, 1);
    cr_assert_eq(offload_records(clients.offload)[7].received, 1);
}

/* ---- the MTU ---- */

Test(xdp_program_ingress, a_reply_is_at_most_as_long_as_the_mtu)
{
    static const uint8_t PAYLOAD[400];
    static const char MESSAGE[] = "a message of 27 characters.";
    const char *const messages[] = {MESSAGE, "vw"};

    set_rotation(&clients, 0, messages, 2);
    for (size_t client = 0; client < CLIENTS; client++) {
        const uint32_t headers = client == 0 ? IPV4_BYTES + UDP_BYTES : IPV6_BYTES + UDP_BYTES;
        struct frame frame = request(client, PAYLOAD, 300);
        set_reply(&clients, OFFLOAD_ECHO, 0, 400);
        set_ingress(clients.offload, LOOPBACK, headers + 299, false);
        expect_pass(frame, OFFLOAD_PASSED_ROOM);
        set_ingress(clients.offload, LOOPBACK, headers + 300, false);
        cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED);
        set_reply(&clients, OFFLOAD_ROTATE, 0, 400);
        frame = request(client, "car?", 4);
        set_ingress(clients.offload, LOOPBACK, headers + sizeof MESSAGE - 2, false);
        expect_pass(frame, OFFLOAD_PASSED_ROOM);
        set_ingress(clients.offload, LOOPBACK, headers + sizeof MESSAGE - 1, false);
        cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED);
    }
}

Test(xdp_program_ingress, silence_needs_no_mtu)
{
    struct frame frame = request(0, "car?", 4);

    set_reply(&clients, OFFLOAD_SILENT, 0, 400);
    set_ingress(clients.offload, LOOPBACK, 0, false);
    cr_assert_eq(offload_run(clients.offload, &frame), DROPPED);
}

/* ---- the generic receive path ---- */

Test(xdp_program_ingress, the_generic_path_passes_on_partial_checksums)
{
    set_ingress(clients.offload, LOOPBACK, MTU, true);
    for (size_t client = 0; client < CLIENTS; client++) {
        struct frame frame = request(client, "car?", 4);
        frame_set_partial_checksum(&frame);
        expect_pass(frame, OFFLOAD_PASSED_CHECKSUM);
        expect_echo(client);
    }
}

/* ---- fragments of the reply ---- */

/* Routers may fragment a reply of IPv4, so its identification differs from that of others. */
Test(xdp_program_ingress, replies_have_identifications)
{
    enum { REPLIES = 256, LEAST = 200 }; /* so few by chance: once in 10^100 runs */
    static bool had[1 << 16];
    unsigned different = 0;

    for (int i = 0; i < REPLIES; i++) {
        struct frame frame = request(0, "car?", 4);
        cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED);
        const unsigned found = frame_identification(&frame);
        different += !had[found];
        had[found] = true;
    }
    cr_assert_geq(different, LEAST);
}
