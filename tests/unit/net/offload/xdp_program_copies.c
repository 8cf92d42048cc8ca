#include "base/prng.h"
#include "copy_offload_fixture.h"
#include "net/offload/offload_copies.h"
#include "net/offload/offload_state.h"
#include "netns_fixture.h"
#include "offload_fixture.h"

#include <criterion/criterion.h>
#include <net/if.h>
#include <string.h>

/* The frames of copies that the program of the offload makes (src/net/offload/copies.bpf.h), one by
 * one, and by what it knows that it is to make one. */

/* The copies are those of worker 1 of two. */
static struct clients clients;
static struct offload *offload;

static void set_up(void)
{
    clients = clients_or_skip();
    offload = clients.offload;
}

static void tear_down(void)
{
    offload_close(offload);
}

TestSuite(xdp_program_copies, .init = set_up, .fini = tear_down, .timeout = 60);

static const struct addr TO[] = {{{192, 0, 2, 77}, 0, 40000, ADDR_IPV4},
                                 {{0x20, 1, 0xd, 0xb8, [15] = 0x77}, 0, 50001, ADDR_IPV6}};
static const struct addr FROM[] = {{{198, 51, 100, 1}, 0, 3000, ADDR_IPV4},
                                   {{0x20, 1, 0xd, 0xb8, 1, [15] = 1}, 0, 3000, ADDR_IPV6}};

enum { FAMILIES = 2 };

static struct offload_copy_run *run_of(uint32_t worker)
{
    return (struct offload_copy_run *)offload->memory[TABLE_COPY_RUNS] + worker;
}

static struct offload_message *messages_of(uint32_t worker)
{
    return (struct offload_message *)offload->memory[TABLE_COPY_MESSAGES] +
           (size_t)worker * OFFLOAD_COPY_MESSAGES;
}

static struct offload_copy *copies(void)
{
    return offload_copies(offload, WORKER);
}

/* The memory that the kernel gives the program: as long as offload_copies has it, with bytes of a
 * former frame. */
static struct frame used_memory(void)
{
    const struct offload_message *messages = messages_of(WORKER);
    const uint32_t longest =
        messages[0].size > messages[1].size ? messages[0].size : messages[1].size;
    struct frame frame = {.size = ETHERNET_BYTES + IPV6_BYTES + UDP_BYTES + longest};

    memset(frame.bytes, 0xa5, sizeof frame.bytes);
    return frame;
}

static int run_with_tag(uint32_t worker, uint32_t token, struct frame *frame)
{
    const struct offload_copy_tag tag = {worker, token};

    return offload_run_with_metadata(offload, &tag, sizeof tag, 0, frame);
}

/* Runs the program for one copy. Returns the action. */
static int make(uint32_t number, struct frame *frame)
{
    *frame = used_memory();
    run_of(WORKER)->next = number;
    return run_with_tag(WORKER, run_of(WORKER)->token, frame);
}

static void set_message(uint32_t number, const void *bytes, size_t size)
{
    cr_assert_eq(offload_copies_set_message(offload, WORKER, number, bytes, size), 0);
}

static void expect_frame(uint32_t number, const struct addr *to, const struct addr *from,
                         const void *payload, size_t size)
{
    struct frame frame;

    cr_assert_eq(make(number, &frame), REDIRECTED);
    cr_assert_eq(run_of(WORKER)->next, number + 1);
    const char *error = frame_reply_error(&frame, to, from, payload, size);
    cr_assert_null(error, "copy %u, %zu bytes: %s", number, size, error);
    cr_assert_eq(copies()[number].is_made, 1);
}

/* Bytes whose sum differs at each size. */
static void fill(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 37 + size * 11 + 1);
}

/* ---- each byte ---- */

static void expect_bytes(const uint8_t *bytes, size_t size, size_t family, const char *payload)
{
    struct frame frame;

    set_message(0, payload, strlen(payload));
    copies()[0] = copy_of(&TO[family], &FROM[family], LOOPBACK);
    cr_assert_eq(make(0, &frame), REDIRECTED);
    cr_assert_eq(frame.size, size);
    if (family == 0)
        frame_clear_identification(&frame);
    for (size_t i = 0; i < size; i++)
        cr_assert_eq(frame.bytes[i], bytes[i], "byte %zu: %02x", i, frame.bytes[i]);
}

Test(xdp_program_copies, writes_each_byte_of_a_frame_of_ipv4)
{
    static const uint8_t BYTES[60] = {
        0x02, 0x00, 0x00, 0x00, 0xcd, 0x02, 0x02, 0x00, 0x00, 0x00, 0xab, 0x01, 0x08, 0x00, 0x45,
        0x00, 0x00, 0x22, 0x00, 0x00, 0x00, 0x00, 0x40, 0x11, 0x8e, 0x49, 0xc6, 0x33, 0x64, 0x01,
        0xc0, 0x00, 0x02, 0x4d, 0x0b, 0xb8, 0x9c, 0x40, 0x00, 0x0e, 0x09, 0x17, 0x74, 0x6f, 0x79,
        0x6f, 0x74, 0x61, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    };

    expect_bytes(BYTES, sizeof BYTES, 0, "toyota");
}

Test(xdp_program_copies, writes_each_byte_of_a_frame_of_ipv6)
{
    static const uint8_t BYTES[] = {
        0x02, 0x00, 0x00, 0x00, 0xcd, 0x02, 0x02, 0x00, 0x00, 0x00, 0xab, 0x01, 0x86, 0xdd,
        0x60, 0x00, 0x00, 0x00, 0x00, 0x0d, 0x11, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0x01, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x20, 0x01, 0x0d, 0xb8,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x77, 0x0b, 0xb8,
        0xc3, 0x51, 0x00, 0x0d, 0xed, 0x01, 0x61, 0x75, 0x64, 0x69, 0x21,
    };

    expect_bytes(BYTES, sizeof BYTES, 1, "audi!");
}

/* ---- sizes and checksums ---- */

Test(xdp_program_copies, messages_of_each_size_have_right_lengths_and_checksums)
{
    uint8_t messages[OFFLOAD_COPY_MESSAGES][OFFLOAD_MESSAGE_BYTES];

    for (size_t size = 0; size <= OFFLOAD_MESSAGE_BYTES; size++) {
        const size_t sizes[] = {size, OFFLOAD_MESSAGE_BYTES - size};
        for (uint32_t message = 0; message < OFFLOAD_COPY_MESSAGES; message++) {
            fill(messages[message], sizes[message]);
            set_message(message, messages[message], sizes[message]);
        }
        for (uint32_t i = 0; i < FAMILIES * OFFLOAD_COPY_MESSAGES; i++) {
            const uint32_t family = i / OFFLOAD_COPY_MESSAGES, message = i % OFFLOAD_COPY_MESSAGES;
            struct offload_copy *copy = &copies()[i];
            *copy = copy_of(&TO[family], &FROM[family], LOOPBACK);
            copy->message = (uint8_t)message;
            expect_frame(i, &TO[family], &FROM[family], messages[message], sizes[message]);
        }
    }
}

Test(xdp_program_copies, sums_of_all_ones_are_sent)
{
    uint8_t ones[OFFLOAD_MESSAGE_BYTES];
    struct addr to = TO[1], from = FROM[1];

    memset(ones, 0xff, sizeof ones);
    memset(to.ip, 0xff, sizeof to.ip);
    memset(from.ip, 0xff, sizeof from.ip);
    to.port = from.port = 0xffff;
    set_message(0, ones, sizeof ones);
    copies()[0] = copy_of(&to, &from, LOOPBACK);
    expect_frame(0, &to, &from, ones, sizeof ones);
}

/* The word goes through all values, so one of them makes the sum 0. */
Test(xdp_program_copies, a_checksum_of_zero_is_made_as_all_ones)
{
    for (uint32_t family = 0; family < FAMILIES; family++) {
        unsigned all_ones = 0;
        copies()[family] = copy_of(&TO[family], &FROM[family], LOOPBACK);
        for (unsigned word = 0; word <= 0xffff; word++) {
            const uint8_t message[] = {(uint8_t)(word >> 8), (uint8_t)word};
            struct frame frame;
            set_message(0, message, sizeof message);
            cr_assert_eq(make(family, &frame), REDIRECTED);
            const uint8_t *checksum = frame_udp(&frame) + 6;
            all_ones += checksum[0] == 0xff && checksum[1] == 0xff;
            cr_assert(checksum[0] != 0 || checksum[1] != 0, "word %u", word);
        }
        cr_assert_eq(all_ones, 1);
    }
}

/* ---- copies ---- */

Test(xdp_program_copies, marks_only_the_copy_whose_frame_it_has_made)
{
    struct frame frame;

    set_message(0, "x", 1);
    for (uint32_t i = 0; i < OFFLOAD_COPIES_MAX; i++)
        copies()[i] = copy_of(&TO[0], &FROM[0], LOOPBACK);
    for (uint32_t i = 0; i < OFFLOAD_COPIES_MAX; i++) {
        cr_assert_eq(copies()[i].is_made, 0);
        cr_assert_eq(make(i, &frame), REDIRECTED);
        cr_assert_eq(copies()[i].is_made, 1);
    }
}

Test(xdp_program_copies, makes_no_frame_of_a_copy_beyond_the_table)
{
    static const uint32_t NUMBERS[] = {OFFLOAD_COPIES_MAX, OFFLOAD_COPIES_MAX + 1, UINT32_MAX};
    struct frame frame;

    set_message(0, "x", 1);
    for (size_t i = 0; i < sizeof NUMBERS / sizeof NUMBERS[0]; i++) {
        cr_assert_eq(make(NUMBERS[i], &frame), DROPPED);
        cr_assert_eq(run_of(WORKER)->next, NUMBERS[i]);
    }
    for (uint32_t i = 0; i < OFFLOAD_COPIES_MAX; i++)
        cr_assert_eq(copies()[i].is_made, 0);
}

Test(xdp_program_copies, makes_no_frame_of_a_message_that_does_not_exist)
{
    struct offload_message *messages = messages_of(WORKER);
    struct offload_copy *copy = copies();
    struct frame frame;

    set_message(0, "x", 1);
    *copy = copy_of(&TO[0], &FROM[0], LOOPBACK);
    copy->message = OFFLOAD_COPY_MESSAGES;
    cr_assert_eq(make(0, &frame), DROPPED);
    copy->message = 0;
    messages[0].size = OFFLOAD_MESSAGE_BYTES + 1;
    cr_assert_eq(make(0, &frame), DROPPED);
    cr_assert_eq(copy->is_made, 0);
    messages[0].size = 1;
    cr_assert_eq(make(0, &frame), REDIRECTED);
    cr_assert_eq(copy->is_made, 1);
}

/* ---- the tag ---- */

static const uint8_t PAYLOAD[] = "request";

static void prepare_copy(void)
{
    set_message(0, "x", 1);
    copies()[0] = copy_of(&TO[0], &FROM[0], LOOPBACK);
    run_of(WORKER)->next = 0;
}

/* The program must have made no copy. */
static void expect_no_copy(void)
{
    cr_assert_eq(copies()[0].is_made, 0);
    cr_assert_eq(offload_copies(offload, 0)[0].is_made, 0);
    cr_assert_eq(run_of(WORKER)->next, 0);
    cr_assert_eq(run_of(0)->next, 0);
}

Test(xdp_program_copies, a_frame_with_a_wrong_token_is_dropped)
{
    prepare_copy();
    for (unsigned bit = 0; bit < 32; bit++) {
        struct frame frame = used_memory();
        cr_assert_eq(run_with_tag(WORKER, run_of(WORKER)->token ^ 1u << bit, &frame), DROPPED);
    }
    expect_no_copy();
}

Test(xdp_program_copies, a_frame_with_the_token_of_another_worker_is_dropped)
{
    static const uint32_t WORKERS[] = {0, WORKER + 1, OFFLOAD_WORKERS_MAX, UINT32_MAX};

    prepare_copy();
    run_of(0)->token = run_of(WORKER)->token + 1; /* they are random, so they could be the same */
    for (size_t i = 0; i < sizeof WORKERS / sizeof WORKERS[0]; i++) {
        struct frame frame = used_memory();
        cr_assert_eq(run_with_tag(WORKERS[i], run_of(WORKER)->token, &frame), DROPPED);
    }
    expect_no_copy();
}

Test(xdp_program_copies, a_tag_names_the_worker_whose_copy_is_made)
{
    struct frame frame = {.size = ETHERNET_BYTES + IPV6_BYTES + UDP_BYTES + 6};

    prepare_copy();
    cr_assert_eq(offload_copies_set_message(offload, 0, 0, (const uint8_t *)"toyota", 6), 0);
    offload_copies(offload, 0)[0] = copy_of(&TO[1], &FROM[1], LOOPBACK);
    cr_assert_eq(run_with_tag(0, run_of(0)->token, &frame), REDIRECTED);
    const char *error = frame_reply_error(&frame, &TO[1], &FROM[1], "toyota", 6);
    cr_assert_null(error, "%s", error);
    cr_assert_eq(offload_copies(offload, 0)[0].is_made, 1);
    cr_assert_eq(copies()[0].is_made, 0);
    cr_assert_eq(run_of(0)->next, 1);
    cr_assert_eq(run_of(WORKER)->next, 0);
}

/* A frame that has arrived is answered, with or without metadata in front of it. */
static void expect_answer(const void *metadata, size_t metadata_bytes, uint32_t ingress)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        struct frame frame =
            frame_of(&clients.source[i], &clients.local[i], PAYLOAD, sizeof PAYLOAD);
        cr_assert_eq(offload_run_with_metadata(offload, metadata, metadata_bytes, ingress, &frame),
                     TRANSMITTED);
        const char *error = frame_reply_error(&frame, &clients.source[i], &clients.local[i],
                                              PAYLOAD, sizeof PAYLOAD);
        cr_assert_null(error, "%s", error);
    }
    expect_no_copy();
}

Test(xdp_program_copies, a_frame_of_another_interface_has_arrived_also_with_a_right_tag)
{
    enter_netns();
    ip("ip link add near type veth peer name far");
    prepare_copy();
    set_reply(&clients, OFFLOAD_ECHO, 0, 400);
    const struct offload_copy_tag tag = {WORKER, run_of(WORKER)->token};
    const uint32_t near = if_nametoindex("near");
    struct offload_ingress *ingress = offload->memory[TABLE_INGRESS];
    ingress->interfaces[1] = offload_ingress_word(near, LOOPBACK, MTU, false);
    expect_answer(&tag, sizeof tag, near);
    struct frame frame = used_memory();
    cr_assert_eq(run_with_tag(WORKER, tag.token, &frame), REDIRECTED);
}

Test(xdp_program_copies, a_frame_with_shorter_metadata_than_a_tag_has_arrived)
{
    prepare_copy();
    set_reply(&clients, OFFLOAD_ECHO, 0, 400);
    expect_answer(&run_of(WORKER)->token, sizeof run_of(WORKER)->token, 0);
}

/* Longer metadata begins with the tag. */
Test(xdp_program_copies, a_tag_is_the_begin_of_the_metadata)
{
    const uint32_t words[] = {WORKER, run_of(WORKER)->token, 0, 0};
    struct frame frame;

    prepare_copy();
    frame = used_memory();
    cr_assert_eq(offload_run_with_metadata(offload, words, sizeof words, 0, &frame), REDIRECTED);
}

/* ---- random copies ---- */

static uint32_t below(struct prng *prng, uint32_t limit)
{
    return (uint32_t)(prng_next(prng) % limit);
}

/* Random bytes, among them many that are all zeros or all ones. */
static void draw(struct prng *prng, void *bytes, size_t size)
{
    const uint32_t kind = below(prng, 8);

    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = kind == 0 ? 0 : kind == 1 ? 0xff : (uint8_t)prng_next(prng);
}

static size_t draw_size(struct prng *prng)
{
    switch (below(prng, 3)) {
    case 0:
        return below(prng, 20);
    case 1:
        return OFFLOAD_MESSAGE_BYTES - below(prng, 3);
    default:
        return below(prng, OFFLOAD_MESSAGE_BYTES + 1);
    }
}

static struct addr draw_addr(struct prng *prng, bool is_ipv6)
{
    struct addr addr = {.family = is_ipv6 ? ADDR_IPV6 : ADDR_IPV4};

    draw(prng, addr.ip, is_ipv6 ? 16 : 4);
    draw(prng, &addr.port, sizeof addr.port);
    return addr;
}

/* The Ethernet addresses are compared here, the rest by offload_fixture. */
static const char *copy_error(struct frame *frame, const struct offload_copy *copy,
                              const struct addr *to, const struct addr *from,
                              const uint8_t *payload, size_t size)
{
    if (memcmp(frame->bytes, copy->ethernet_to, 6) != 0 ||
        memcmp(frame->bytes + 6, copy->ethernet_from, 6) != 0)
        return "addresses of Ethernet";
    memcpy(frame->bytes, ETHERNET_TO, 6);
    memcpy(frame->bytes + 6, ETHERNET_FROM, 6);
    return frame_reply_error(frame, to, from, payload, size);
}

Test(xdp_program_copies, random_copies_are_right)
{
    enum { ROUNDS = 20000 };
    uint8_t messages[OFFLOAD_COPY_MESSAGES][OFFLOAD_MESSAGE_BYTES];
    size_t sizes[OFFLOAD_COPY_MESSAGES] = {0};
    struct prng prng;

    prng_init(&prng, 20);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const uint32_t number = below(&prng, OFFLOAD_COPIES_MAX);
        const uint32_t message = below(&prng, OFFLOAD_COPY_MESSAGES);
        const bool is_ipv6 = below(&prng, 2) != 0;
        const struct addr to = draw_addr(&prng, is_ipv6), from = draw_addr(&prng, is_ipv6);
        struct offload_copy *copy = &copies()[number];
        struct frame frame;
        if (below(&prng, 4) == 0) {
            sizes[message] = draw_size(&prng);
            draw(&prng, messages[message], sizes[message]);
            set_message(message, messages[message], sizes[message]);
        }
        *copy = copy_of(&to, &from, LOOPBACK);
        draw(&prng, copy->ethernet_to, sizeof copy->ethernet_to);
        draw(&prng, copy->ethernet_from, sizeof copy->ethernet_from);
        copy->message = (uint8_t)message;
        cr_assert_eq(make(number, &frame), REDIRECTED, "round %u", round);
        cr_assert_eq(copy->is_made, 1);
        const char *error = copy_error(&frame, copy, &to, &from, messages[message], sizes[message]);
        cr_assert_null(error, "round %u: %s", round, error);
    }
}
