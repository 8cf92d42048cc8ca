/* Tests of server/send/send_socket_slots: the slots of interfaces. */
#include "server/send/send_socket_slots.h"

#include <criterion/criterion.h>

Test(send_socket_slots, gives_each_of_the_first_interfaces_its_own_slot)
{
    static const uint32_t indexes[SEND_SOCKET_SLOTS_MAX] = {7, 1, 4000000, 2};
    struct send_socket_slots slots = {.count = 0};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < SEND_SOCKET_SLOTS_MAX; i++)
            cr_assert_eq(send_socket_slot(&slots, indexes[i]), i, "%u in round %d", indexes[i],
                         round);
}

Test(send_socket_slots, gives_each_later_interface_always_the_same_shared_slot)
{
    struct send_socket_slots slots = {.count = 0};
    size_t before[200];
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 200; i++) {
            size_t slot = send_socket_slot(&slots, i + 1);
            cr_assert_lt(slot, SEND_SOCKET_SLOTS_MAX);
            cr_assert(round == 0 || slot == before[i], "interface %u moved", i + 1);
            before[i] = slot;
        }
}

Test(send_socket_slots, has_a_slot_for_unknown_interfaces)
{
    struct send_socket_slots slots = {.count = 0};
    cr_assert_eq(send_socket_slot(&slots, 0), SEND_SOCKET_SLOT_UNKNOWN);
    cr_assert_eq(send_socket_slot(&slots, 3), 0);
    cr_assert_eq(send_socket_slot(&slots, 0), SEND_SOCKET_SLOT_UNKNOWN);
    cr_assert_eq(slots.count, 1);
}
