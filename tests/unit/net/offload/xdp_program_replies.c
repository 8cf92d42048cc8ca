#include "net/offload/offload_state.h"
#include "offload_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the program of the offload (src/net/offload/xdp_program.bpf.c) answers, packet by packet. */

static struct clients clients;

static void set_up(void)
{
    clients = clients_or_skip();
}

static void tear_down(void)
{
    offload_close(clients.offload);
}

TestSuite(xdp_program_replies, .init = set_up, .fini = tear_down);

static struct frame request(size_t client, const void *payload, size_t size)
{
    return frame_of(&clients.source[client], &clients.local[client], payload, size);
}

/* The program must answer the request by this payload. */
static void expect_reply(size_t client, struct frame frame, const void *payload, size_t size)
{
    cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED, "client %zu", client);
    const char *error =
        frame_reply_error(&frame, &clients.source[client], &clients.local[client], payload, size);
    cr_assert_null(error, "client %zu, %zu bytes: %s", client, size, error);
}

/* Bytes whose sum differs at each size. */
static void fill(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 37 + size * 11 + 1);
}

Test(xdp_program_replies, a_client_gets_the_message)
{
    set_rotation(&clients, 0, (const char *const[]){"toyota"}, 1);
    set_reply(&clients, OFFLOAD_ROTATE, 0, 1200);
    for (size_t i = 0; i < CLIENTS; i++)
        expect_reply(i, request(i, "car?", 4), "toyota", 6);
    cr_assert_eq(offload_count(clients.offload, WORKER, OFFLOAD_REPLIED), CLIENTS);
    cr_assert_eq(offload_count_all(clients.offload, WORKER), CLIENTS);
    cr_assert_eq(offload_count_all(clients.offload, 0), 0, "the other worker");
}

/* Each has a source port of its own. */
Test(xdp_program_replies, each_of_thousands_of_clients_is_found)
{
    enum { MANY = 3000 };
    struct offload *offload = offload_or_skip(CLIENTS * MANY, 2);

    offload_close(clients.offload);
    clients.offload = offload;
    /* With a secret by chance, a client may find no place. */
    struct offload_index_head *index = offload->memory[TABLE_INDEX];
    index->secret[0] = UINT64_C(0x0123456789abcdef);
    index->secret[1] = UINT64_C(0xfedcba9876543211);
    set_reply(&clients, OFFLOAD_ECHO, 0, 1200);
    for (uint32_t i = 0; i < CLIENTS * MANY; i++) {
        const struct offload_client client = {i, WORKER, i + 1};
        struct addr source = clients.source[i % CLIENTS];
        const struct addr *local = &clients.local[i % CLIENTS];
        source.port = (uint16_t)(1 + i);
        offload_records(offload)[i] =
            (struct offload_record){.seen = offload_seen(1, i + 1), .generation = GENERATION};
        struct frame frame = frame_of(&source, local, "x", 1), again = frame;
        cr_assert_eq(offload_run(offload, &frame), PASSED, "it is not in the index yet");
        cr_assert_eq(offload_add(offload, &source, local, &client), 0);
        cr_assert_eq(offload_run(offload, &again), TRANSMITTED);
        cr_assert_eq(offload_records(offload)[i].received, 1);
    }
}

Test(xdp_program_replies, messages_of_each_size_have_right_lengths_and_checksums)
{
    uint8_t message[OFFLOAD_MESSAGE_BYTES];

    set_reply(&clients, OFFLOAD_ROTATE, 2, 1200);
    for (size_t size = 0; size <= sizeof message; size++) {
        fill(message, size);
        cr_assert_eq(offload_set_message(clients.offload, 2, 0, message, size), 0);
        offload_rotations(clients.offload)[2] =
            (struct offload_rotation){.count = 1, .max_bytes = (uint32_t)size};
        for (size_t i = 0; i < CLIENTS; i++)
            expect_reply(i, request(i, "0123456789", size % 11), message, size);
    }
}

Test(xdp_program_replies, requests_of_each_size_are_verified)
{
    uint8_t payload[OFFLOAD_REQUEST_BYTES];

    set_rotation(&clients, 0, (const char *const[]){"vw"}, 1);
    set_reply(&clients, OFFLOAD_ROTATE, 0, OFFLOAD_REQUEST_BYTES);
    for (size_t size = 0; size <= sizeof payload; size++) {
        fill(payload, size);
        for (size_t i = 0; i < CLIENTS; i++)
            expect_reply(i, request(i, payload, size), "vw", 2);
    }
}

Test(xdp_program_replies, sums_of_all_ones_are_verified_and_sent)
{
    uint8_t ones[OFFLOAD_REQUEST_BYTES];

    memset(ones, 0xff, sizeof ones);
    set_reply(&clients, OFFLOAD_ROTATE, 0, OFFLOAD_REQUEST_BYTES);
    cr_assert_eq(offload_set_message(clients.offload, 0, 0, ones, sizeof ones), 0);
    offload_rotations(clients.offload)[0] =
        (struct offload_rotation){.count = 1, .max_bytes = sizeof ones};
    for (size_t i = 0; i < CLIENTS; i++)
        expect_reply(i, request(i, ones, sizeof ones), ones, sizeof ones);
}

/* The word at the end of the payload goes through all values, so one of them makes the sum 0. */
Test(xdp_program_replies, a_checksum_of_zero_is_sent_as_all_ones)
{
    unsigned all_ones = 0;

    set_reply(&clients, OFFLOAD_ROTATE, 0, 1200);
    offload_rotations(clients.offload)[0] = (struct offload_rotation){.count = 1, .max_bytes = 2};
    for (unsigned word = 0; word <= 0xffff; word++) {
        const uint8_t message[] = {(uint8_t)(word >> 8), (uint8_t)word};
        struct frame frame = request(0, "", 0);
        cr_assert_eq(offload_set_message(clients.offload, 0, 0, message, sizeof message), 0);
        cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED);
        all_ones += frame_udp(&frame)[6] == 0xff && frame_udp(&frame)[7] == 0xff;
        cr_assert(frame_udp(&frame)[6] != 0 || frame_udp(&frame)[7] != 0, "word %u", word);
    }
    cr_assert_eq(all_ones, 1);
}

Test(xdp_program_replies, each_message_has_its_turn_which_the_server_shares)
{
    static const char *const MESSAGES[] = {"audi", "", "porsche", "seat"};
    uint64_t *turns = &offload_rotations(clients.offload)[3].turns;

    set_rotation(&clients, 3, MESSAGES, 4);
    set_reply(&clients, OFFLOAD_ROTATE, 3, 1200);
    for (size_t turn = 0; turn < 12; turn++) {
        const char *message = MESSAGES[turn % 4];
        expect_reply(turn % CLIENTS, request(turn % CLIENTS, "?", 1), message, strlen(message));
        cr_assert_eq(*turns, turn + 1);
    }
    *turns = UINT64_MAX;
    expect_reply(0, request(0, "?", 1), "seat", 4);
    expect_reply(0, request(0, "?", 1), "audi", 4);
}

Test(xdp_program_replies, the_most_messages_have_their_turns)
{
    char texts[OFFLOAD_MESSAGES_MAX][8];
    const char *messages[OFFLOAD_MESSAGES_MAX];

    for (size_t i = 0; i < OFFLOAD_MESSAGES_MAX; i++) {
        snprintf(texts[i], sizeof texts[i], "car %zu", i);
        messages[i] = texts[i];
    }
    set_rotation(&clients, 1, messages, OFFLOAD_MESSAGES_MAX);
    set_reply(&clients, OFFLOAD_ROTATE, 1, 1200);
    for (size_t i = 0; i <= OFFLOAD_MESSAGES_MAX; i++) {
        const char *message = messages[i % OFFLOAD_MESSAGES_MAX];
        expect_reply(1, request(1, "?", 1), message, strlen(message));
    }
}

Test(xdp_program_replies, a_longer_frame_leaves_nothing_in_a_reply)
{
    set_rotation(&clients, 0, (const char *const[]){"a much longer message than", "a"}, 2);
    set_reply(&clients, OFFLOAD_ROTATE, 0, 1200);
    for (size_t padding = 0; padding < 100; padding += 9)
        for (size_t i = 0; i < 2 * CLIENTS; i++) {
            struct frame frame = request(i / 2, "secret", 6);
            frame_pad(&frame, padding);
            if (i % 2 == 0)
                expect_reply(i / 2, frame, "a much longer message than", 26);
            else
                expect_reply(i / 2, frame, "a", 1);
        }
}

Test(xdp_program_replies, partial_and_missing_checksums_are_accepted)
{
    set_rotation(&clients, 0, (const char *const[]){"toyota"}, 1);
    set_reply(&clients, OFFLOAD_ROTATE, 0, 1200);
    for (size_t i = 0; i < CLIENTS; i++) {
        struct frame partial = request(i, "payload", 7);
        frame_set_partial_checksum(&partial);
        expect_reply(i, partial, "toyota", 6);
    }
    struct frame without = request(0, "payload", 7);
    memset(frame_udp(&without) + 6, 0, 2);
    expect_reply(0, without, "toyota", 6);
}

Test(xdp_program_replies, an_echo_has_the_bytes_of_the_request)
{
    uint8_t payload[OFFLOAD_REQUEST_BYTES];

    set_reply(&clients, OFFLOAD_ECHO, 0, OFFLOAD_REQUEST_BYTES);
    for (size_t size = 0; size <= sizeof payload; size++) {
        fill(payload, size);
        for (size_t i = 0; i < CLIENTS; i++) {
            struct frame padded = request(i, payload, size), partial = padded;
            expect_reply(i, padded, payload, size);
            frame_pad(&padded, size % 7 * 5);
            expect_reply(i, padded, payload, size);
            frame_set_partial_checksum(&partial);
            expect_reply(i, partial, payload, size);
        }
    }
    cr_assert_eq(offload_count(clients.offload, WORKER, OFFLOAD_REPLIED),
                 3 * CLIENTS * (OFFLOAD_REQUEST_BYTES + 1));
}

Test(xdp_program_replies, an_echo_of_a_request_without_a_checksum_has_none)
{
    struct frame frame = request(0, "payload", 7);

    set_reply(&clients, OFFLOAD_ECHO, 0, 1200);
    memset(frame_udp(&frame) + 6, 0, 2);
    cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED);
    cr_assert_eq(frame_udp(&frame)[6] + frame_udp(&frame)[7], 0);
    cr_assert_arr_eq(frame_payload(&frame), "payload", 7);
    frame_set_udp_checksum(&frame);
    cr_assert_null(frame_reply_error(&frame, &clients.source[0], &clients.local[0], "payload", 7));
}

Test(xdp_program_replies, silence_drops_the_request)
{
    set_reply(&clients, OFFLOAD_SILENT, 0, 1200);
    for (size_t i = 0; i < CLIENTS; i++) {
        struct frame frame = request(i, "?", 1);
        cr_assert_eq(offload_run(clients.offload, &frame), DROPPED);
        cr_assert_eq(record_of(&clients, i)->received, 1);
    }
    cr_assert_eq(offload_count(clients.offload, WORKER, OFFLOAD_SILENCED), CLIENTS);
    cr_assert_eq(offload_count_all(clients.offload, WORKER), CLIENTS);
}

Test(xdp_program_replies, a_datagram_renews_its_client_and_is_counted)
{
    static const enum offload_reply REPLIES[] = {OFFLOAD_ROTATE, OFFLOAD_ECHO, OFFLOAD_SILENT};

    set_rotation(&clients, 0, (const char *const[]){"toyota"}, 1);
    for (size_t i = 0; i < 3 * CLIENTS; i++) {
        struct offload_record *record = record_of(&clients, i % CLIENTS);
        struct frame frame = request(i % CLIENTS, "?", 1);
        record->seen = offload_seen(1, FIRST_TAG + (uint32_t)(i % CLIENTS));
        set_reply(&clients, REPLIES[i / CLIENTS], 0, 1200);
        const uint64_t before_ms = offload_now_ms();
        offload_run(clients.offload, &frame);
        const uint64_t after_ms = offload_now_ms(), seen_ms = offload_seen_ms(record->seen);
        cr_assert(before_ms <= seen_ms && seen_ms <= after_ms);
        cr_assert_eq(offload_seen_tag(record->seen), FIRST_TAG + i % CLIENTS);
        cr_assert_eq(record->received, i / CLIENTS + 1);
        cr_assert_eq(record->generation, GENERATION);
    }
}

Test(xdp_program_replies, a_later_time_in_the_record_stays)
{
    struct offload_record *record = record_of(&clients, 0);
    const uint64_t later = offload_seen(offload_now_ms() + 1000, FIRST_TAG);

    set_reply(&clients, OFFLOAD_ECHO, 0, 1200);
    record->seen = later;
    expect_reply(0, request(0, "?", 1), "?", 1);
    cr_assert_eq(record->seen, later);
    cr_assert_eq(record->received, 1);
}

/* ---- the link that the datagram came by ---- */

static const enum offload_reply ANSWERS[] = {OFFLOAD_ROTATE, OFFLOAD_ECHO, OFFLOAD_SILENT};

/* Of a datagram from this Ethernet address. */
static void expect_next_hop(size_t client, const uint8_t sender[6], size_t size)
{
    static const uint8_t PAYLOAD[OFFLOAD_REQUEST_BYTES] = {1};
    struct frame frame = request(client, PAYLOAD, size);

    memcpy(frame.bytes + 6, sender, 6);
    const uint64_t expected = frame_next_hop(&frame), from_ms = offload_now_ms();
    cr_assert_neq(offload_run(clients.offload, &frame), PASSED);
    const struct offload_record *record = record_of(&clients, client);
    cr_assert_eq(record->next_hop, expected, "client %zu, %zu bytes", client, size);
    cr_assert_geq(record->next_hop_ms, from_ms);
    cr_assert_leq(record->next_hop_ms, offload_now_ms());
}

Test(xdp_program_replies, a_datagram_notes_the_link_that_it_came_by)
{
    static const uint8_t SENDERS[][6] = {{2, 0, 0, 0, 0xcd, 2},
                                         {0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54},
                                         {0, 0, 0, 0, 0, 1},
                                         {2, 0, 0, 0, 0xcd, 2}};

    set_rotation(&clients, 0, (const char *const[]){"a", "a much longer message"}, 2);
    for (size_t i = 0; i < 3 * CLIENTS; i++) {
        record_of(&clients, i % CLIENTS)->next_hop = 0;
        set_reply(&clients, ANSWERS[i / CLIENTS], 0, OFFLOAD_REQUEST_BYTES);
        for (size_t sender = 0; sender < 4; sender++) {
            expect_next_hop(i % CLIENTS, SENDERS[sender], sender);
            expect_next_hop(i % CLIENTS, SENDERS[sender], OFFLOAD_REQUEST_BYTES);
        }
    }
}

Test(xdp_program_replies, a_datagram_notes_its_link_again_after_the_server_has_forgotten_it)
{
    set_reply(&clients, OFFLOAD_SILENT, 0, OFFLOAD_REQUEST_BYTES);
    for (size_t i = 0; i < CLIENTS; i++) {
        expect_next_hop(i, (const uint8_t[6]){2, 0, 0, 0, 1, 1}, 1);
        record_of(&clients, i)->next_hop = 0;
        expect_next_hop(i, (const uint8_t[6]){2, 0, 0, 0, 1, 1}, 1);
    }
}

/* The link of one client is not that of the other. */
Test(xdp_program_replies, a_datagram_notes_its_link_only_for_its_client)
{
    set_reply(&clients, OFFLOAD_SILENT, 0, OFFLOAD_REQUEST_BYTES);
    expect_next_hop(0, (const uint8_t[6]){2, 0, 0, 0, 1, 1}, 1);
    cr_assert_eq(record_of(&clients, 1)->next_hop, 0);
    expect_next_hop(1, (const uint8_t[6]){2, 0, 0, 0, 1, 2}, 1);
    expect_next_hop(0, (const uint8_t[6]){2, 0, 0, 0, 1, 3}, 1);
    cr_assert_eq(record_of(&clients, 1)->next_hop >> 40 & 0xff, 2);
}
