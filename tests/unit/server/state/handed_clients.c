/* What the former process of an upgrade hands over before it stops: pieces of memory, and what they
 * depend on. */
#include "server/state/handed_clients.h"

#include "handover_fixture.h"

#include <errno.h>
#include <string.h>

enum { WORKERS = 2, BYTES = 8192, PIECES = WORKERS + 4 };

static struct shared_memory pieces[PIECES]; /* by worker, capacity, prefixes, limiter, names */
static struct clients_setting setting;
static struct handed_clients handed;

static void set_up(void)
{
    for (size_t i = 0; i < PIECES; i++) {
        cr_assert_eq(memory_reserve_shared(&pieces[i], BYTES, 0), 0);
        *(char *)pieces[i].memory = (char)('a' + i);
    }
    setting = (struct clients_setting){
        .layout = 17,
        .worker_count = WORKERS,
        .clients_max = 1000,
        .names_max = 100,
        .names = NAMES_KEYED,
        .names_id = 4711,
        .is_by_source = 1,
        .listener_count = 2,
        .transports = {TRANSPORT_UDP, TRANSPORT_TCP},
        .listeners = {"127.0.0.1:3000", "127.0.0.1:3001"},
    };
}

static void tear_down(void)
{
    for (size_t i = 0; i < PIECES; i++)
        memory_release_shared(&pieces[i]);
}

TestSuite(handed_clients, .init = set_up, .fini = tear_down);

static struct handover_writer written(void)
{
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    clients_setting_hand_over(&setting, &writer);
    for (size_t i = 0; i < PIECES; i++)
        handed_memory_put(&pieces[i], 100 + i, &writer);
    handover_end(&writer);
    return writer;
}

static int take_over(void)
{
    struct handover_writer writer = written();
    struct handover_reader reader = handover_received(&writer);
    int error = handed_clients_take_over(&handed, &reader);
    if (error == 0)
        cr_assert(handover_is_at_end(&reader));
    handover_forget(&reader);
    handover_writer_free(&writer);
    return error;
}

static bool keeps_memory_for(struct clients_setting own)
{
    cr_assert_eq(take_over(), 0);
    handed_clients_decide(&handed, &own);
    handed_clients_close(&handed);
    return handed.keeps_memory;
}

static void expect_piece(struct handed_memory *piece, uint64_t layout, char first)
{
    struct shared_memory memory;
    cr_assert_eq(handed_memory_map(piece, layout, BYTES, 0, &memory), 0);
    cr_assert_eq(*(char *)memory.memory, first);
    cr_assert_eq(piece->descriptor, -1, "it belongs to the memory");
    memory_release_shared(&memory);
}

Test(handed_clients, are_mapped_piece_by_piece)
{
    cr_assert_eq(take_over(), 0);
    expect_piece(&handed.registries[0], 100, 'a');
    expect_piece(&handed.registries[1], 101, 'b');
    expect_piece(&handed.capacity, 102, 'c');
    expect_piece(&handed.prefixes, 103, 'd');
    expect_piece(&handed.limiter, 104, 'e');
    expect_piece(&handed.names, 105, 'f');
    handed_clients_close(&handed);
}

Test(handed_clients, of_another_layout_or_size_are_not_mapped)
{
    struct shared_memory memory = {.memory = NULL};
    cr_assert_eq(take_over(), 0);
    cr_assert_eq(handed_memory_map(&handed.names, 104, BYTES, 0, &memory), -EPROTO);
    cr_assert_eq(handed_memory_map(&handed.names, 105, 2 * BYTES, 0, &memory), -EINVAL);
    cr_assert_eq(memory.memory, NULL);
    int descriptor = handed.names.descriptor;
    cr_assert_geq(descriptor, 0);
    handed_clients_close(&handed);
    cr_assert_eq(fcntl(descriptor, F_GETFD), -1, "it is closed");
    cr_assert_eq(handed_memory_map(&handed.names, 105, BYTES, 0, &memory), -ENOENT);
    cr_assert_eq(handed_memory_map(NULL, 105, BYTES, 0, &memory), -ENOENT);
}

Test(handed_clients, are_kept_under_the_same_setting)
{
    cr_assert(keeps_memory_for(setting));
}

Test(handed_clients, are_not_kept_under_any_other_setting)
{
    struct clients_setting own = setting;
    own.layout++;
    cr_expect_not(keeps_memory_for(own), "another layout");
    own = setting;
    own.worker_count++;
    cr_expect_not(keeps_memory_for(own), "another number of workers");
    own = setting;
    own.clients_max++;
    cr_expect_not(keeps_memory_for(own), "another maximum");
    own = setting;
    own.names_max++;
    cr_expect_not(keeps_memory_for(own), "another maximum of names");
    own = setting;
    own.names = NAMES_TRUSTED;
    cr_expect_not(keeps_memory_for(own), "another mode of names");
    own = setting;
    own.names_id++;
    cr_expect_not(keeps_memory_for(own), "another key of names");
    own = setting;
    own.is_by_source = 0;
    cr_expect_not(keeps_memory_for(own), "another choice of workers");
    own = setting;
    own.listener_count--;
    cr_expect_not(keeps_memory_for(own), "fewer listeners");
    own = setting;
    own.transports[0] = TRANSPORT_TCP;
    cr_expect_not(keeps_memory_for(own), "another transport");
    own = setting;
    strcpy(own.listeners[1], "127.0.0.1:3002");
    cr_expect_not(keeps_memory_for(own), "another address");
}

Test(handed_clients, are_not_kept_if_a_piece_is_missing_that_they_need)
{
    static const bool needs[PIECES] = {true, true, true, false, false, true};
    for (size_t i = 0; i < PIECES; i++) {
        int descriptor = pieces[i].descriptor;
        pieces[i].descriptor = -1;
        cr_expect_eq(keeps_memory_for(setting), !needs[i], "piece %zu", i);
        pieces[i].descriptor = descriptor;
    }
}

Test(handed_clients, with_a_listener_of_no_known_transport_are_refused)
{
    setting.transports[1] = TRANSPORT_UNIX;
    cr_assert_eq(take_over(), 0);
    handed_clients_close(&handed);
    setting.transports[1] = TRANSPORT_UNIX + 1;
    cr_assert_eq(take_over(), -EPROTO);
    handed_clients_close(&handed);
}

Test(handed_clients, of_too_many_workers_are_refused_and_closed)
{
    setting.worker_count = UINT16_MAX;
    cr_assert_eq(take_over(), -EPROTO);
    handed_clients_close(&handed);
}

Test(handed_clients, of_a_damaged_record_are_refused_and_nothing_stays_open)
{
    struct handover_writer writer = written();
    enum { HEAD = 9 /* the type and the length */ };
    int before = dup(0), after;
    close(before);
    for (size_t size = HEAD; size < writer.size; size++) {
        int descriptors[PIECES];
        for (size_t i = 0; i < PIECES; i++)
            descriptors[i] = dup(pieces[i].descriptor);
        struct handover_reader reader = {.bytes = writer.bytes,
                                         .size = size,
                                         .at = HEAD,
                                         .end = size,
                                         .descriptors = descriptors,
                                         .descriptor_count = PIECES};
        cr_assert_eq(handed_clients_take_over(&handed, &reader), -EPROTO, "%zu bytes", size);
        handed_clients_close(&handed);
        for (size_t i = 0; i < PIECES; i++)
            if (descriptors[i] >= 0)
                close(descriptors[i]);
    }
    after = dup(0);
    close(after);
    cr_assert_eq(after, before, "no descriptor is left");
    handover_writer_free(&writer);
}
