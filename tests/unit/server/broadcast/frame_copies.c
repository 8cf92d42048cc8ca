/* Copies of a broadcast that leave as frames: which ones, of which messages, and which clients have
 * theirs. */
#include "server/broadcast/frame_copies.h"

#include "copy_offload_fixture.h"
#include "frame_copies_offload_fixture.h"
#include "net/offload/offload_copies.h"
#include "net/offload/offload_state.h"
#include "netns_fixture.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

static uint8_t bytes[2000], frame[2000];
static struct shard_job job;
static struct confirmed_payload payload;
static struct shard_confirmation confirmation;

static void set_size(size_t size)
{
    job.bytes = bytes;
    job.size = size;
    world.messages[0] = bytes;
    world.message_bytes[0] = size;
}

static void confirm_by_frames(size_t size)
{
    payload = (struct confirmed_payload){.job = 1, .frame = frame, .frame_bytes = size};
    confirmation.payload = &payload;
    job.confirmation = &confirmation;
    world.messages[1] = frame;
    world.message_bytes[1] = size;
}

static void set_up(void)
{
    world_open();
    memset(bytes, 'b', sizeof bytes);
    memset(frame, 'f', sizeof frame);
    set_size(6);
}

TestSuite(frame_copies, .init = set_up, .fini = world_close, .timeout = 60);

static bool begin(void)
{
    return frame_copies_begin(world.frames, &job);
}

static bool add(uint32_t n)
{
    const struct client client = client_of(n);
    return frame_copies_add(world.frames, &client);
}

/* ---- which copies ---- */

static uint32_t send_frames(void)
{
    return frame_copies_send(world.frames).count;
}

Test(frame_copies, are_those_to_clients_whose_last_datagram_the_program_has_seen)
{
    for (uint32_t n = 0; n < 12; n++)
        join(n, n < 8);
    send_past_program(2);
    send_past_program(3);
    send_by_socket(4);
    send_by_socket(5);
    cr_assert(begin());
    for (uint32_t n = 0; n < 12; n++)
        cr_assert_eq(add(n), n < 8 && n != 2 && n != 3, "client %u", n);
    cr_assert_eq(frame_copies_queued(world.frames), 6);
    cr_assert_eq(send_frames(), 6);
    cr_assert_eq(frame_copies_queued(world.frames), 0);
    receive(6);
    for (uint32_t n = 0; n < 12; n++)
        cr_assert_eq(world.arrived[n].by_frame, n < 8 && n != 2 && n != 3, "client %u", n);
}

Test(frame_copies, do_not_leave_by_an_interface_that_is_down_or_deleted)
{
    cr_assert(begin());
    ip("ip link set near down");
    cr_assert_not(begin());
    ip("ip link del near");
    cr_assert_not(begin());
}

Test(frame_copies, do_not_leave_by_an_interface_that_is_not_one_of_the_program)
{
    join(0, true);
    join(1, true);
    const uint32_t number = world.clients.numbers[client_of(1).slot] - 1;
    offload_records(world.program)[number].next_hop += UINT64_C(1) << 48;
    cr_assert(begin());
    cr_assert(add(0));
    cr_assert_not(add(1));
}

Test(frame_copies, have_messages_that_the_program_has_room_for)
{
    set_size(OFFLOAD_MESSAGE_BYTES);
    cr_assert(begin());
    set_size(OFFLOAD_MESSAGE_BYTES + 1);
    cr_assert_not(begin());
    set_size(6);
    confirm_by_frames(OFFLOAD_MESSAGE_BYTES + 1);
    cr_assert_not(begin());
    confirm_by_frames(OFFLOAD_MESSAGE_BYTES);
    cr_assert(begin());
}

static void expect_longest(uint32_t n, size_t size)
{
    set_size(size);
    cr_assert(begin());
    cr_assert(add(n));
    set_size(size + 1);
    cr_assert(begin());
    cr_assert_not(add(n));
    set_size(size);
    cr_assert(begin());
    cr_assert_eq(send_frames(), 1);
}

Test(frame_copies, of_ipv4_fit_the_mtu)
{
    join(0, true);
    ip("ip link set near mtu 600");
    expect_longest(0, 600 - 28);
    receive(1);
}

/* An MTU below 1280 disables IPv6, and a longer message has no room: so the longest one fits. */
Test(frame_copies, of_ipv6_fit_the_least_mtu_of_ipv6)
{
    join(1, true);
    ip("ip link set near mtu 1280");
    set_size(OFFLOAD_MESSAGE_BYTES);
    cr_assert(begin());
    cr_assert(add(1));
    cr_assert_eq(send_frames(), 1);
    receive(1);
    cr_assert_eq(world.arrived[1].by_frame, 1);
}

/* ---- messages ---- */

Test(frame_copies, of_a_confirmed_job_have_the_frame_for_clients_that_want_frames)
{
    confirm_by_frames(20);
    for (uint32_t n = 0; n < 8; n++) {
        join(n, true);
        registry_set_frames(world.shard.registry, client_of(n).slot, n >= 4);
    }
    cr_assert(begin());
    for (uint32_t n = 0; n < 8; n++)
        cr_assert(add(n));
    cr_assert_eq(send_frames(), 8);
    receive(8);
    for (uint32_t n = 0; n < 8; n++)
        cr_assert_eq(world.arrived[n].messages[n >= 4], 1, "client %u", n);
}

Test(frame_copies, of_a_job_that_is_not_confirmed_are_plain)
{
    confirm_by_frames(20);
    cr_assert(begin());
    job.confirmation = NULL;
    join(0, true);
    registry_set_frames(world.shard.registry, client_of(0).slot, true);
    cr_assert(begin());
    cr_assert(add(0));
    cr_assert_eq(send_frames(), 1);
    receive(1);
    cr_assert_eq(world.arrived[0].messages[0], 1);
}

/* The MTU has room for the plain message, and not for the frame. */
Test(frame_copies, are_compared_with_the_mtu_by_their_own_message)
{
    ip("ip link set near mtu 600");
    set_size(100);
    confirm_by_frames(800);
    for (uint32_t n = 0; n < 4; n += 2) {
        join(n, true);
        registry_set_frames(world.shard.registry, client_of(n).slot, n == 2);
    }
    cr_assert(begin());
    cr_assert(add(0));
    cr_assert_not(add(2));
}

/* ---- results ---- */

static void queue(uint32_t count)
{
    for (uint32_t n = 0; n < count; n++)
        join(n, true);
    cr_assert(begin());
    for (uint32_t n = 0; n < count; n++)
        cr_assert(add(n));
}

static void expect_client(const struct client *client, uint32_t n)
{
    const struct addr source = client_source(n);
    cr_assert(addr_equal(&client->source, &source), "not client %u", n);
}

Test(frame_copies, of_all_clients_are_sent_in_their_order)
{
    queue(OFFLOAD_COPIES_MAX);
    cr_assert_eq(frame_copies_queued(world.frames), OFFLOAD_COPIES_MAX);
    const struct frame_copies_result result = frame_copies_send(world.frames);
    cr_assert_eq(result.count, OFFLOAD_COPIES_MAX);
    cr_assert_null(result.first_without);
    for (uint32_t n = 0; n < OFFLOAD_COPIES_MAX; n++)
        expect_client(&result.clients[n], n);
    receive(OFFLOAD_COPIES_MAX);
    for (uint32_t n = 0; n < OFFLOAD_COPIES_MAX; n++)
        cr_assert_eq(world.arrived[n].by_frame, 1);
}

Test(frame_copies, that_the_kernel_refuses_are_not_sent)
{
    const int program = world.program->program;

    queue(100);
    world.program->program = -1;
    const struct frame_copies_result result = frame_copies_send(world.frames);
    world.program->program = program;
    cr_assert_eq(result.count, 0);
    cr_assert_not_null(result.first_without);
    expect_client(result.first_without, 0);
    cr_assert_eq(frame_copies_queued(world.frames), 0);
    receive(0);
}

/* The kernel does not see a page of the copies, so it makes no frames of these. */
Test(frame_copies, that_are_not_sent_are_not_among_the_clients)
{
    enum { PAGE = 4096, PER_PAGE = PAGE / (int)sizeof(struct offload_copy), COUNT = 300 };
    uint8_t *table = (uint8_t *)offload_copies(world.program, 0);

    cr_assert_neq(mmap(table + PAGE, PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                  MAP_FAILED);
    queue(COUNT);
    const struct frame_copies_result result = frame_copies_send(world.frames);
    cr_assert_eq(result.count, COUNT - PER_PAGE);
    cr_assert_not_null(result.first_without);
    expect_client(result.first_without, PER_PAGE);
    for (uint32_t i = 0; i < result.count; i++)
        expect_client(&result.clients[i], i < PER_PAGE ? i : i + PER_PAGE);
    receive(COUNT - PER_PAGE);
    for (uint32_t n = 0; n < COUNT; n++)
        cr_assert_eq(world.arrived[n].by_frame, n < PER_PAGE || n >= 2 * PER_PAGE, "client %u", n);
}
