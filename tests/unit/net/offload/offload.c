#include "net/offload/offload.h"

#include "handover_fixture.h"
#include "net/offload/offload_handover.h"
#include "offload_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

/* The tables of the offload, and its handover to another process. */

static struct addr source4(uint8_t last)
{
    return (struct addr){{192, 0, 2, last}, 0, 40000, ADDR_IPV4};
}

static const struct addr LOCAL4 = {{198, 51, 100, 1}, 0, 3000, ADDR_IPV4};

Test(offload, begins_with_memory_that_is_zero)
{
    struct offload *offload = offload_or_skip(3, 2);

    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(offload_records(offload)[i].seen, 0);
    for (uint32_t i = 0; i < 2; i++) {
        cr_assert_eq(offload_settings_reply(offload_workers(offload)[i].settings), OFFLOAD_PASS);
        cr_assert_eq(offload_count_all(offload, i), 0);
    }
    for (size_t i = 0; i < OFFLOAD_ROTATIONS; i++)
        cr_assert_eq(offload_rotations(offload)[i].turns, 0);
    offload_close(offload);
    offload_close(NULL);
}

Test(offload, a_full_table_takes_no_client_before_one_is_removed)
{
    struct offload *offload = offload_or_skip(3, 1);
    const struct offload_client client = {0, 0, 1};

    for (uint8_t i = 0; i < 3; i++) {
        const struct addr source = source4(i);
        cr_assert_eq(offload_add(offload, &source, &LOCAL4, &client), 0);
    }
    const struct addr fourth = source4(3), first = source4(0);
    cr_assert_eq(offload_add(offload, &fourth, &LOCAL4, &client), -E2BIG);
    cr_assert_eq(offload_add(offload, &first, &LOCAL4, &client), 0, "it is replaced");
    cr_assert_eq(offload_remove(offload, &first, &LOCAL4), 0);
    cr_assert_eq(offload_remove(offload, &first, &LOCAL4), 0, "it is not there");
    cr_assert_eq(offload_add(offload, &fourth, &LOCAL4, &client), 0);
    offload_close(offload);
}

Test(offload, refuses_messages_that_have_no_place)
{
    struct offload *offload = offload_or_skip(1, 1);
    static const uint8_t BYTES[OFFLOAD_MESSAGE_BYTES + 1];

    cr_assert_eq(offload_set_message(offload, 0, 0, BYTES, sizeof BYTES), -EMSGSIZE);
    cr_assert_eq(offload_set_message(offload, OFFLOAD_ROTATIONS, 0, BYTES, 1), -EINVAL);
    cr_assert_eq(offload_set_message(offload, 0, OFFLOAD_MESSAGES_MAX, BYTES, 1), -EINVAL);
    cr_assert_eq(offload_set_message(offload, OFFLOAD_ROTATIONS - 1, OFFLOAD_MESSAGES_MAX - 1,
                                     BYTES, OFFLOAD_MESSAGE_BYTES),
                 0);
    offload_close(offload);
}

Test(offload, reports_an_interface_and_a_worker_that_do_not_exist)
{
    struct offload *offload = offload_or_skip(1, 1);
    uint64_t counters[OFFLOAD_COUNTERS];

    cr_assert_eq(offload_attach(offload, "no-such-device", OFFLOAD_NATIVE), -ENODEV);
    cr_assert_eq(offload_is_attached(offload, 0), 0);
    cr_assert_eq(offload_counters(offload, 1, counters), -ENOENT);
    offload_close(offload);
}

static struct handover_reader hand_over(const struct clients *clients,
                                        struct handover_writer *writer)
{
    handover_begin(writer, 1);
    offload_hand_over(clients->offload, writer);
    handover_end(writer);
    return handover_received(writer);
}

Test(offload, another_process_has_the_same_tables)
{
    struct clients clients = clients_or_skip();
    struct handover_writer writer = {.size = 0};
    struct offload *taken;

    set_reply(&clients, OFFLOAD_ECHO, 0, 100);
    struct frame frame = frame_of(&clients.source[0], &clients.local[0], "x", 1), again = frame;
    cr_assert_eq(offload_run(clients.offload, &frame), TRANSMITTED);
    struct handover_reader reader = hand_over(&clients, &writer);
    cr_assert_eq(offload_take_over(&taken, &reader), 0);
    cr_assert(handover_is_at_end(&reader));
    offload_close(clients.offload);
    clients.offload = taken;
    cr_assert_eq(record_of(&clients, 0)->received, 1);
    cr_assert_eq(offload_run(taken, &again), TRANSMITTED);
    cr_assert_eq(record_of(&clients, 0)->received, 2);
    cr_assert_eq(offload_count(taken, WORKER, OFFLOAD_REPLIED), 2);
    cr_assert_eq(offload_remove(taken, &clients.source[0], &clients.local[0]), 0);
    handover_forget(&reader);
    handover_writer_free(&writer);
    offload_close(taken);
}

Test(offload, a_record_of_another_layout_or_with_too_few_descriptors_is_refused)
{
    const struct clients clients = clients_or_skip();
    struct handover_writer writer = {.size = 0};
    struct offload *taken;

    struct handover_reader reader = hand_over(&clients, &writer);
    const size_t layout = reader.at;
    writer.bytes[layout] ^= 1;
    cr_assert_eq(offload_take_over(&taken, &reader), -EPROTO);
    cr_assert_null(taken);
    for (size_t i = 0; i < reader.descriptor_count; i++)
        cr_assert_eq(reader.descriptors[i], -1, "it is closed");
    handover_forget(&reader);
    writer.bytes[layout] ^= 1;
    reader = handover_received(&writer);
    close(reader.descriptors[--reader.descriptor_count]);
    cr_assert_eq(offload_take_over(&taken, &reader), -EPROTO);
    cr_assert_null(taken);
    handover_forget(&reader);
    handover_writer_free(&writer);
    offload_close(clients.offload);
}
