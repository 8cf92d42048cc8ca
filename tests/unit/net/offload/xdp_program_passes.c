#include "net/offload/offload_state.h"
#include "offload_fixture.h"

#include <criterion/criterion.h>
#include <string.h>

/* What the program of the offload passes on to the network stack, as it came, packet by packet. */

static struct clients clients;

static void set_up(void)
{
    clients = clients_or_skip();
    set_rotation(&clients, 0, (const char *const[]){"toyota"}, 1);
    set_reply(&clients, OFFLOAD_ROTATE, 0, 400);
}

static void tear_down(void)
{
    offload_close(clients.offload);
}

TestSuite(xdp_program_passes, .init = set_up, .fini = tear_down);

/* Of client 0, by IPv4, or client 1, by IPv6. */
static struct frame request(size_t client)
{
    return frame_of(&clients.source[client], &clients.local[client], "request", 7);
}

/* What the program must have noted of a frame of a client in its table. */
static void expect_noted(const struct frame *frame, uint64_t from_ms, struct offload_record *record)
{
    const size_t client = frame_is_ipv6(frame);
    const struct offload_record *found = record_of(&clients, client);

    if (offload_seen_tag(record->seen) != FIRST_TAG + client)
        return; /* the record is not that of the client */
    cr_expect_geq(found->next_hop_ms, from_ms);
    cr_expect_leq(found->next_hop_ms, offload_now_ms());
    record->next_hop_ms = found->next_hop_ms;
    record->next_hop = frame_next_hop(frame);
}

/* The program must pass the frame on, change nothing in it or in the tables, and count it only
 * under this reason (OFFLOAD_COUNTERS: not at all). If it counts it, it notes the next hop. */
static void expect_pass(struct frame frame, enum offload_counter reason)
{
    const struct frame before = frame;
    struct offload_record records[] = {*record_of(&clients, 0), *record_of(&clients, 1)};
    const uint64_t from_ms = offload_now_ms();
    uint64_t counted[OFFLOAD_COUNTERS], counted_after[OFFLOAD_COUNTERS];
    const uint64_t turns = offload_rotations(clients.offload)[0].turns;

    cr_assert_eq(offload_counters(clients.offload, WORKER, counted), 0);
    cr_expect_eq(offload_run(clients.offload, &frame), PASSED);
    cr_assert_eq(offload_counters(clients.offload, WORKER, counted_after), 0);
    cr_expect_eq(frame.size, before.size);
    cr_expect_arr_eq(frame.bytes, before.bytes, before.size);
    if (reason != OFFLOAD_COUNTERS)
        expect_noted(&before, from_ms, &records[frame_is_ipv6(&before)]);
    for (size_t i = 0; i < CLIENTS; i++)
        cr_expect_arr_eq(record_of(&clients, i), &records[i], sizeof records[i]);
    cr_expect_eq(offload_rotations(clients.offload)[0].turns, turns);
    if (reason != OFFLOAD_COUNTERS)
        counted[reason]++;
    cr_expect_arr_eq(counted_after, counted, sizeof counted);
}

static void expect_uncounted(struct frame frame)
{
    expect_pass(frame, OFFLOAD_COUNTERS);
}

/* A byte of the IP header is another one; its checksum is right again. */
static void expect_uncounted_with(size_t client, size_t at, uint8_t value)
{
    struct frame frame = request(client);

    frame_ip(&frame)[at] = value;
    if (client == 0)
        frame_set_ip_checksum(&frame);
    expect_uncounted(frame);
}

Test(xdp_program_passes, unknown_sources_and_other_ports)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct addr source = clients.source[i], local = clients.local[i];
        source.port++;
        expect_uncounted(frame_of(&source, &local, "x", 1));
        source.port--;
        source.ip[3] ^= 1;
        expect_uncounted(frame_of(&source, &local, "x", 1));
        source.ip[3] ^= 1;
        local.port++;
        expect_uncounted(frame_of(&source, &local, "x", 1));
        local.port--;
        local.ip[2] ^= 1;
        expect_uncounted(frame_of(&source, &local, "x", 1));
        expect_uncounted(frame_of(&clients.local[i], &clients.source[i], "x", 1));
    }
}

Test(xdp_program_passes, a_client_that_was_removed)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        offload_remove(clients.offload, FIRST_RECORD + (uint32_t)i);
        expect_uncounted(request(i));
    }
}

/* The entry that names a record in the index. */
static uint64_t *entry_of(uint32_t record)
{
    struct offload_index_line *lines = clients.offload->memory[TABLE_INDEX];

    for (uint32_t i = 1; i < offload_index_entries(clients.offload->size.records); i++)
        for (size_t k = 0; k < OFFLOAD_LINE_CLIENTS; k++)
            if (lines[i].entries[k] != 0 && offload_entry_record(lines[i].entries[k]) == record)
                return &lines[i].entries[k];
    cr_assert_fail("there is none");
    return NULL;
}

Test(xdp_program_passes, records_and_workers_that_do_not_exist)
{
    for (uint32_t i = 0; i < CLIENTS; i++) {
        const struct offload_client beyond = {clients.offload->size.records, WORKER, FIRST_TAG + i};
        uint64_t *entry = entry_of(FIRST_RECORD + i), before = *entry;
        *entry = offload_entry(&beyond, offload_entry_mark(before));
        expect_uncounted(request(i));
        *entry = before;
        record_of(&clients, i)->key.ports |= UINT64_C(0xffff) << 48;
        expect_uncounted(request(i));
    }
}

Test(xdp_program_passes, a_source_with_the_mark_of_a_client_in_its_line)
{
    for (uint32_t i = 0; i < CLIENTS; i++)
        for (size_t word = 0; word < (i == 0 ? OFFLOAD_ADDRESS_WORDS4 : OFFLOAD_ADDRESS_WORDS6);
             word++) {
            record_of(&clients, i)->key.addresses[word] ^= UINT64_C(1) << 63;
            expect_uncounted(request(i));
            record_of(&clients, i)->key.addresses[word] ^= UINT64_C(1) << 63;
        }
}

Test(xdp_program_passes, other_frames_of_ethernet)
{
    static const uint8_t TYPES[][2] = {{0x08, 6}, {0x81, 0}, {0x88, 0xa8}, {0, 46}};

    for (size_t i = 0; i < CLIENTS; i++) {
        for (size_t t = 0; t < sizeof TYPES / sizeof TYPES[0]; t++) {
            struct frame frame = request(i);
            memcpy(frame.bytes + 12, TYPES[t], 2);
            expect_uncounted(frame);
        }
        struct frame tagged = request(i);
        memmove(tagged.bytes + 16, tagged.bytes + 12, tagged.size - 12);
        memcpy(tagged.bytes + 12, (const uint8_t[]){0x81, 0, 0, 5}, 4);
        tagged.size += 4;
        expect_uncounted(tagged);
        struct frame other_family = request(i);
        memcpy(other_family.bytes + 12, request(1 - i).bytes + 12, 2);
        expect_uncounted(other_family);
    }
}

Test(xdp_program_passes, multicast_and_broadcast_of_ethernet)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct frame frame = request(i);
        frame.bytes[0] |= 1;
        expect_uncounted(frame);
        memset(frame.bytes, 0xff, 6);
        expect_uncounted(frame);
    }
}

Test(xdp_program_passes, frames_that_end_too_early)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct frame frame = request(i);
        while (--frame.size >= ETHERNET_BYTES)
            expect_uncounted(frame);
    }
}

Test(xdp_program_passes, fragments)
{
    static const uint8_t FIELDS[][2] = {{0x20, 0}, {0, 1}, {0x1f, 0xff}, {0x20, 8}, {0x60, 0}};

    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        struct frame frame = request(0);
        memcpy(frame_ip(&frame) + 6, FIELDS[i], 2);
        frame_set_ip_checksum(&frame);
        expect_uncounted(frame);
    }
}

Test(xdp_program_passes, options_of_ipv4)
{
    struct frame frame = request(0);
    uint8_t *ip = frame_ip(&frame);

    memmove(ip + 24, ip + 20, frame.size - ETHERNET_BYTES - 20);
    memset(ip + 20, 1, 4); /* no operation, four times */
    frame.size += 4;
    ip[0] = 0x46;
    ip[3] = (uint8_t)(ip[3] + 4);
    ip[10] = ip[11] = 0;
    frame_set_ip_checksum(&frame);
    expect_uncounted(frame);
}

Test(xdp_program_passes, extension_headers_of_ipv6)
{
    static const uint8_t TYPES[] = {0, 43, 44, 51, 60};

    for (size_t i = 0; i < sizeof TYPES; i++) {
        struct frame frame = request(1);
        uint8_t *ip = frame_ip(&frame);
        memmove(ip + 48, ip + 40, frame.size - ETHERNET_BYTES - 40);
        memcpy(ip + 40, (const uint8_t[]){17, 0, 1, 4, 0, 0, 0, 0}, 8);
        frame.size += 8;
        ip[5] = (uint8_t)(ip[5] + 8);
        ip[6] = TYPES[i];
        expect_uncounted(frame);
    }
}

Test(xdp_program_passes, other_versions_and_protocols)
{
    static const uint8_t FIRST_BYTES[] = {0x00, 0x35, 0x44, 0x4f, 0x55, 0x65, 0x05, 0xf5};
    static const uint8_t PROTOCOLS[] = {0, 1, 6, 58, 132, 136, 255};

    for (size_t i = 0; i < sizeof FIRST_BYTES; i++)
        expect_uncounted_with(0, 0, FIRST_BYTES[i]);
    for (unsigned version = 0; version < 16; version++)
        if (version != 6)
            expect_uncounted_with(1, 0, (uint8_t)(version << 4));
    for (size_t i = 0; i < sizeof PROTOCOLS; i++) {
        expect_uncounted_with(0, 9, PROTOCOLS[i]);
        expect_uncounted_with(1, 6, PROTOCOLS[i]);
    }
}

Test(xdp_program_passes, a_wrong_checksum_of_ipv4)
{
    struct frame frame = request(0);

    frame_ip(&frame)[8]--;
    expect_uncounted(frame);
    memset(frame_ip(&frame) + 10, 0, 2);
    expect_uncounted(frame);
}

Test(xdp_program_passes, lengths_that_do_not_agree)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        const size_t at = i == 0 ? 3 : 5;
        for (int change = -40; change <= 40; change++) {
            struct frame ip = request(i), udp = request(i);
            frame_ip(&ip)[at] = (uint8_t)(frame_ip(&ip)[at] + change);
            frame_udp(&udp)[5] = (uint8_t)(frame_udp(&udp)[5] + change);
            if (i == 0)
                frame_set_ip_checksum(&ip);
            frame_pad(&ip, 50);
            frame_pad(&udp, 50);
            if (change != 0) {
                expect_uncounted(ip);
                expect_uncounted(udp);
            }
        }
        struct frame zero = request(i);
        memset(frame_udp(&zero) + 4, 0, 2);
        expect_uncounted(zero);
        struct frame more_than_the_frame = request(i);
        more_than_the_frame.size--;
        expect_uncounted(more_than_the_frame);
    }
}

Test(xdp_program_passes, a_wrong_checksum_of_udp)
{
    for (size_t i = 0; i < CLIENTS; i++)
        for (size_t bit = 0; bit < 8 * 7; bit++) {
            struct frame frame = request(i);
            frame_payload(&frame)[bit / 8] ^= (uint8_t)(1 << bit % 8);
            expect_pass(frame, OFFLOAD_PASSED_CHECKSUM);
        }
    struct frame without = request(1);
    memset(frame_udp(&without) + 6, 0, 2);
    expect_pass(without, OFFLOAD_PASSED_CHECKSUM); /* IPv6 requires one */
}

Test(xdp_program_passes, frames_of_the_protocol)
{
    static const uint8_t PING[] = {0, 0x55, 0x44, 0x50, 4};

    for (size_t i = 0; i < CLIENTS; i++) {
        expect_pass(frame_of(&clients.source[i], &clients.local[i], PING, 5), OFFLOAD_PASSED_FRAME);
        expect_pass(frame_of(&clients.source[i], &clients.local[i], PING, 4), OFFLOAD_PASSED_FRAME);
        struct frame request = frame_of(&clients.source[i], &clients.local[i], PING, 3);
        cr_assert_eq(offload_run(clients.offload, &request), TRANSMITTED);
        request = frame_of(&clients.source[i], &clients.local[i], PING + 1, 4);
        cr_assert_eq(offload_run(clients.offload, &request), TRANSMITTED);
    }
}

Test(xdp_program_passes, datagrams_that_are_too_long)
{
    static const uint8_t PAYLOAD[1400];

    for (size_t i = 0; i < CLIENTS; i++) {
        struct frame request = frame_of(&clients.source[i], &clients.local[i], PAYLOAD, 400);
        cr_assert_eq(offload_run(clients.offload, &request), TRANSMITTED);
        expect_pass(frame_of(&clients.source[i], &clients.local[i], PAYLOAD, 401),
                    OFFLOAD_PASSED_SIZE);
        set_reply(&clients, OFFLOAD_ECHO, 0, UINT16_MAX);
        expect_pass(
            frame_of(&clients.source[i], &clients.local[i], PAYLOAD, OFFLOAD_REQUEST_BYTES + 1),
            OFFLOAD_PASSED_SIZE);
        expect_pass(frame_of(&clients.source[i], &clients.local[i], PAYLOAD, sizeof PAYLOAD),
                    OFFLOAD_PASSED_SIZE);
        set_reply(&clients, OFFLOAD_ROTATE, 0, 400);
    }
}

Test(xdp_program_passes, all_by_settings_without_an_answer)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        set_reply(&clients, OFFLOAD_PASS, 0, 400);
        expect_pass(request(i), OFFLOAD_PASSED_SETTINGS);
        set_reply(&clients, (enum offload_reply)(OFFLOAD_SILENT + 1), 0, 400);
        expect_pass(request(i), OFFLOAD_PASSED_SETTINGS);
        offload_workers(clients.offload)[WORKER].settings =
            offload_settings(GENERATION + 1, OFFLOAD_ECHO, 0, 400);
        expect_pass(request(i), OFFLOAD_PASSED_SETTINGS);
        record_of(&clients, i)->generation = GENERATION + 1;
        struct frame frame = request(i);
        cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED);
    }
}

/* Its ttl is long enough that none passes between two readings of the clock here. */
Test(xdp_program_passes, a_client_whose_ttl_has_passed)
{
    enum { TTL_MS = 60000 };
    set_reply(&clients, OFFLOAD_ECHO, 0, 400);
    offload_workers(clients.offload)[WORKER].ttl_ms = TTL_MS;
    for (size_t i = 0; i < CLIENTS; i++) {
        struct offload_record *record = record_of(&clients, i);
        const uint32_t tag = FIRST_TAG + (uint32_t)i;
        record->seen = offload_seen(offload_now_ms() - TTL_MS, tag);
        expect_pass(request(i), OFFLOAD_PASSED_SETTINGS);
        record->seen = offload_seen(offload_now_ms() - TTL_MS / 2, tag);
        struct frame frame = request(i);
        cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED);
    }
}

Test(xdp_program_passes, rotations_that_it_cannot_send)
{
    struct offload_rotation *rotation = offload_rotations(clients.offload);

    set_reply(&clients, OFFLOAD_ROTATE, OFFLOAD_ROTATIONS, 400);
    expect_pass(request(0), OFFLOAD_PASSED_SETTINGS);
    set_reply(&clients, OFFLOAD_ROTATE, 0, 400);
    rotation->count = 0;
    expect_pass(request(1), OFFLOAD_PASSED_SETTINGS);
    rotation->count = OFFLOAD_MESSAGES_MAX + 1;
    expect_pass(request(0), OFFLOAD_PASSED_SETTINGS);
    rotation->count = 1;
    rotation->max_bytes = OFFLOAD_MESSAGE_BYTES + 1;
    expect_pass(request(1), OFFLOAD_PASSED_SETTINGS);
}

Test(xdp_program_passes, a_client_that_has_ended_or_whose_record_is_of_another)
{
    static const enum offload_reply REPLIES[] = {OFFLOAD_ROTATE, OFFLOAD_ECHO, OFFLOAD_SILENT};

    for (size_t i = 0; i < 3 * CLIENTS; i++) {
        struct offload_record *record = record_of(&clients, i % CLIENTS);
        const uint32_t tag = FIRST_TAG + (uint32_t)(i % CLIENTS);
        set_reply(&clients, REPLIES[i / CLIENTS], 0, 400);
        record->seen = 0;
        expect_pass(request(i % CLIENTS), OFFLOAD_PASSED_SETTINGS);
        record->seen = offload_seen(offload_now_ms(), tag ^ 1);
        expect_pass(request(i % CLIENTS), OFFLOAD_PASSED_SETTINGS);
        record->seen = offload_seen(1, tag);
        struct frame frame = request(i % CLIENTS);
        cr_assert_neq(offload_run(clients.offload, &frame), PASSED);
    }
}
