/* The model of the program of the offload decides as include/offload/offload_tables.h says. */
#include "sim/net/offload_program.h"

#include "net/interface/interface_links.h"
#include "sim/core/draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEXT_HOP UINT64_C(0x2345070605040302) /* of packets */

enum { RECORDS = 8, GENERATION = 7, TAG = 5, NOW_MS = 1000, TTL_MS = 50, MAX_BYTES = 100 };
enum { INDEX = 0x12345, OTHER_INDEX = 3, MTU = 1500, HEADERS_BYTES = 28 };

static bool are_all_right;
static const struct addr source = {{192, 0, 2, 77}, .family = ADDR_IPV4, .port = 999},
                         local = {
                             {192, 0, 2, 1}, .scope = INDEX, .family = ADDR_IPV4, .port = 3000};

static void expect(bool is_right, const char *fact)
{
    if (!is_right)
        fprintf(stderr, "sim: the model of the offload: %s\n", fact);
    are_all_right &= is_right;
}

/* The program has two interfaces. */
static void set_interfaces(struct program *program, uint32_t mtu)
{
    const struct interface_link links[] = {
        {.index = 1}, {.index = INDEX, .mtu = mtu}, {.index = OTHER_INDEX, .mtu = MTU}};
    program->indexes[0] = INDEX;
    program->indexes[1] = OTHER_INDEX;
    program->interface_count = 2;
    program_set_ingress(program, links, sizeof links / sizeof links[0]);
}

/* A program with one client, of worker 1 and record 2, and two messages in rotation 3. */
static struct program *set_up(void)
{
    struct program *program = program_new(&(struct offload_size){RECORDS, 2, 1});
    const struct program_entry entry = {source, local, {.record = 2, .worker = 1, .tag = TAG}};
    set_interfaces(program, MTU);
    expect(program_add(program, &entry) == 0, "a client is entered");
    program->records[2] =
        (struct offload_record){.seen = offload_seen(NOW_MS, TAG), .generation = GENERATION};
    program->workers[1] = (struct offload_worker){
        .settings = offload_settings(GENERATION, OFFLOAD_ROTATE, 3, MAX_BYTES), .ttl_ms = TTL_MS};
    program->rotations[3] = (struct offload_rotation){.count = 2, .max_bytes = 5};
    program->messages[3 * OFFLOAD_MESSAGES_MAX] = (struct offload_message){4, .bytes = "audi"};
    program->messages[3 * OFFLOAD_MESSAGES_MAX + 1] = (struct offload_message){3, .bytes = "bmw"};
    return program;
}

static void tear_down(struct program *program)
{
    program->object.destroy(&program->object);
}

static struct program_result run(struct program *program, const char *bytes, size_t size)
{
    struct packet *packet = packet_new(&source, &local, bytes, size);
    packet->link = INDEX;
    memcpy(packet->ethernet, "\x02\x03\x04\x05\x06\x07", sizeof packet->ethernet);
    struct program_result result = program_run(program, packet, NOW_MS + 10, true);
    if (result.action == PROGRAM_REPLY && result.bytes == packet->bytes)
        expect(result.size == size, "an echo has the size of its request");
    free(packet);
    return result;
}

static uint64_t counted(const struct program *program, enum offload_counter counter)
{
    return program->counters[OFFLOAD_COUNTERS + counter];
}

static void expect_passed(struct program *program, const char *bytes, size_t size,
                          enum offload_counter counter, const char *fact)
{
    uint64_t before = counted(program, counter), seen = program->records[2].seen;
    program->records[2].next_hop = program->records[2].next_hop_ms = 0;
    struct program_result result = run(program, bytes, size);
    bool has_record = offload_seen_tag(seen) == TAG;
    expect(result.action == PROGRAM_PASS && counted(program, counter) == before + 1, fact);
    expect(program->records[2].seen == seen, "a datagram that is passed on renews nothing");
    expect(result.is_noted == has_record &&
               program->records[2].next_hop == (has_record ? NEXT_HOP : 0) &&
               program->records[2].next_hop_ms == (has_record ? NOW_MS + 10 : 0),
           "its link is recorded while the record is the client's");
}

static void test_replies(void)
{
    struct program *program = set_up();
    struct program_result first = run(program, "x", 1), second = run(program, "", 0),
                          third = run(program, "x", 1);
    expect(first.action == PROGRAM_REPLY && first.size == 4 && memcmp(first.bytes, "audi", 4) == 0,
           "the first reply is the first message");
    expect(second.size == 3 && memcmp(second.bytes, "bmw", 3) == 0, "the second is the second");
    expect(third.size == 4 && program->rotations[3].turns == 3, "then it begins again");
    expect(program->records[2].seen == offload_seen(NOW_MS + 10, TAG), "the client is renewed");
    expect(program->records[2].received == 3, "its datagrams are counted");
    expect(third.is_noted && program->records[2].next_hop == NEXT_HOP &&
               program->records[2].next_hop_ms == NOW_MS + 10,
           "their link is recorded");
    expect(counted(program, OFFLOAD_REPLIED) == 3, "the replies are counted");
    program->records[2].seen = offload_seen(NOW_MS + 20, TAG);
    run(program, "x", 1);
    expect(program->records[2].seen == offload_seen(NOW_MS + 20, TAG), "time does not go back");
    program->workers[1].settings = offload_settings(GENERATION, OFFLOAD_ECHO, 0, MAX_BYTES);
    expect(run(program, "echo", 4).action == PROGRAM_REPLY, "a request is echoed");
    program->workers[1].settings = offload_settings(GENERATION, OFFLOAD_SILENT, 0, MAX_BYTES);
    expect(run(program, "x", 1).action == PROGRAM_DROP && counted(program, OFFLOAD_SILENCED) == 1,
           "a request is taken without a reply");
    tear_down(program);
}

static void test_passes(void)
{
    static const char zeros[OFFLOAD_REQUEST_BYTES + 1];
    struct program *program = set_up();
    expect_passed(program, zeros, MAX_BYTES + 1, OFFLOAD_PASSED_SIZE, "max-datagram is a limit");
    expect(run(program, zeros, MAX_BYTES).action == PROGRAM_REPLY, "it may be reached");
    program->workers[1].settings = offload_settings(GENERATION, OFFLOAD_ROTATE, 3, UINT16_MAX);
    expect_passed(program, zeros, sizeof zeros, OFFLOAD_PASSED_SIZE, "the request has a limit");
    expect_passed(program, "\0UDP", 4, OFFLOAD_PASSED_FRAME, "frames are passed on");
    expect(run(program, "\0UD", 3).action == PROGRAM_REPLY, "three bytes are no frame");
    program->records[2].generation++;
    expect_passed(program, "x", 1, OFFLOAD_PASSED_SETTINGS, "another generation");
    program->records[2].generation--;
    program->records[2].seen = 0;
    expect_passed(program, "x", 1, OFFLOAD_PASSED_SETTINGS, "a client that has ended");
    program->records[2].seen = offload_seen(NOW_MS, TAG + 1);
    expect_passed(program, "x", 1, OFFLOAD_PASSED_SETTINGS, "the record of another client");
    program->records[2].seen = offload_seen(NOW_MS + 10 - TTL_MS, TAG);
    expect_passed(program, "x", 1, OFFLOAD_PASSED_SETTINGS, "a client that has expired");
    program->records[2].seen = offload_seen(NOW_MS + 11 - TTL_MS, TAG);
    expect(run(program, "x", 1).action == PROGRAM_REPLY, "one that has not yet");
    program->records[2].seen = offload_seen(NOW_MS, TAG);
    program->workers[1].settings = offload_settings(GENERATION, OFFLOAD_PASS, 0, MAX_BYTES);
    expect_passed(program, "x", 1, OFFLOAD_PASSED_SETTINGS, "the worker answers everything");
    program->workers[1].settings = offload_settings(GENERATION, OFFLOAD_ROTATE, 3, MAX_BYTES);
    struct packet *packet = packet_new(&source, &local, "x", 1);
    packet->link = INDEX;
    expect(program_run(program, packet, NOW_MS, false).action == PROGRAM_PASS &&
               counted(program, OFFLOAD_PASSED_ROOM) == 1,
           "a reply needs room");
    packet->to.port++;
    expect(program_run(program, packet, NOW_MS, true).action == PROGRAM_PASS,
           "another listener is passed on");
    free(packet);
    tear_down(program);
}

static void test_interfaces(void)
{
    static const char zeros[MAX_BYTES];
    struct program *program = set_up();
    struct packet *packet = packet_new(&source, &local, "x", 1);
    packet->link = OTHER_INDEX;
    struct program_result result = program_run(program, packet, NOW_MS, true);
    expect(result.action == PROGRAM_PASS && !result.is_noted,
           "the same addresses by another interface are another client");
    packet->link = 1;
    expect(program_run(program, packet, NOW_MS, true).action == PROGRAM_PASS,
           "an interface that it was not attached to is passed on");
    free(packet);
    set_interfaces(program, HEADERS_BYTES + 4);
    expect_passed(program, "x", 1, OFFLOAD_PASSED_ROOM, "a rotation has to fit into the MTU");
    set_interfaces(program, HEADERS_BYTES + 5);
    expect(run(program, "x", 1).action == PROGRAM_REPLY, "one that just fits is sent");
    program->workers[1].settings = offload_settings(GENERATION, OFFLOAD_ECHO, 0, MAX_BYTES);
    expect_passed(program, zeros, 6, OFFLOAD_PASSED_ROOM, "an echo has to fit into the MTU");
    expect(run(program, zeros, 5).action == PROGRAM_REPLY, "one that just fits is sent");
    program->workers[1].settings = offload_settings(GENERATION, OFFLOAD_SILENT, 0, MAX_BYTES);
    expect(run(program, zeros, 6).action == PROGRAM_DROP, "what has no reply has to fit nowhere");
    tear_down(program);
}

/* A bucket of the address with two tokens and one of the prefix with three, at NOW_MS + 10. */
static void test_rate(void)
{
    enum { ADDRESS = 0x50001, PREFIX = 0x60002 };
    const uint64_t day_ns = UINT64_C(86400) * 1000000000,
                   now_ns = (NOW_MS + 10) * UINT64_C(1000000);
    struct program *program = set_up();
    struct rate_bucket *address = &program->rate_blocks[1].ways[1],
                       *prefix = &program->rate_blocks[1].ways[3];
    program->workers[1].address_limit = (struct token_bucket){day_ns, day_ns};
    program->workers[1].prefix_limit = (struct token_bucket){day_ns, 2 * day_ns};
    program->records[2].address_hash = ADDRESS;
    program->records[2].prefix_hash = PREFIX;
    expect_passed(program, "x", 1, OFFLOAD_PASSED_RATE, "there is no bucket");
    *address = (struct rate_bucket){ADDRESS, 0};
    expect_passed(program, "x", 1, OFFLOAD_PASSED_RATE, "there is no bucket of the prefix");
    *prefix = (struct rate_bucket){PREFIX, 0};
    for (unsigned i = 1; i <= 2; i++)
        expect(run(program, "x", 1).action == PROGRAM_REPLY &&
                   address->full_ns == now_ns + i * day_ns && prefix->full_ns == address->full_ns,
               "a token of both is taken");
    expect_passed(program, "x", 1, OFFLOAD_PASSED_RATE, "the address has no token left");
    expect(prefix->full_ns == now_ns + 2 * day_ns, "then none of the prefix is taken");
    address->full_ns = 0;
    expect(run(program, "x", 1).action == PROGRAM_REPLY, "the third one of the prefix");
    address->full_ns = 0;
    expect_passed(program, "x", 1, OFFLOAD_PASSED_RATE, "the prefix has no token left");
    expect(address->full_ns == 0, "then none of the address is taken");
    prefix->full_ns = UINT64_MAX / 2;
    expect_passed(program, "x", 1, OFFLOAD_PASSED_RATE, "a bucket of another limit is empty");
    tear_down(program);
}

/* The records of a test that name no client. */
static uint32_t draw_free(const bool *is_used)
{
    uint32_t record = (uint32_t)draw_below(DRAW_OFFLOAD, RECORDS);
    while (is_used[record])
        record = (record + 1) % RECORDS;
    return record;
}

/* Entries are added, replaced and removed at random, and compared to a list of them. */
static void test_tables(void)
{
    enum { PORTS = RECORDS - 1, STEPS = 10000, NONE = RECORDS };
    struct program *program = program_new(&(struct offload_size){RECORDS, 1, 1});
    set_interfaces(program, MTU);
    uint32_t records[PORTS];
    bool is_used[RECORDS] = {false};
    size_t count = 0;
    for (size_t port = 0; port < PORTS; port++)
        records[port] = NONE;
    for (unsigned i = 0; i < STEPS; i++) {
        size_t port = draw_below(DRAW_OFFLOAD, PORTS);
        struct program_entry entry = {source, local, {.record = draw_free(is_used), .tag = 1}};
        uint32_t before = records[port];
        entry.source.port = (uint16_t)port;
        if (draw_below(DRAW_OFFLOAD, 2) == 0) {
            expect(program_add(program, &entry) == 0, "a client is entered");
            is_used[records[port] = entry.client.record] = true;
            count += before == NONE;
        } else {
            records[port] = NONE;
            count -= before != NONE;
        }
        if (before != NONE) {
            program_remove(program, before); /* its entry, or it was replaced */
            is_used[before] = false;
        }
        struct packet *packet = packet_new(&entry.source, &local, "x", 1);
        packet->link = INDEX;
        uint64_t passed = program->counters[OFFLOAD_PASSED_SETTINGS];
        program_run(program, packet, NOW_MS, true);
        expect((program->counters[OFFLOAD_PASSED_SETTINGS] > passed) == (records[port] != NONE),
               "a client is found if it is entered");
        expect(program->entry_count == count, "the table has the clients that were entered");
        free(packet);
    }
    tear_down(program);
}

bool program_test(void)
{
    are_all_right = true;
    draw_seed(1, 0);
    test_replies();
    test_passes();
    test_interfaces();
    test_rate();
    test_tables();
    return are_all_right;
}
