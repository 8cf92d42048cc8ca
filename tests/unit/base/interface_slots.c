#include "base/interface_slots.h"

#include <criterion/criterion.h>

Test(interface_slots, gives_each_of_the_first_interfaces_a_slot_of_its_own)
{
    static const uint32_t indexes[INTERFACE_SLOTS_MAX] = {7, 1, 4000000, 2};
    struct interface_slots slots = {.count = 0};
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < INTERFACE_SLOTS_MAX; i++)
            cr_assert_eq(interface_slot(&slots, indexes[i]), i, "%u in round %d", indexes[i],
                         round);
}

Test(interface_slots, lets_later_interfaces_share_the_slots_always_the_same_one)
{
    struct interface_slots slots = {.count = 0};
    size_t before[200];
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 200; i++) {
            size_t slot = interface_slot(&slots, i + 1);
            cr_assert_lt(slot, INTERFACE_SLOTS_MAX);
            cr_assert(round == 0 || slot == before[i], "interface %u moved", i + 1);
            before[i] = slot;
        }
}

Test(interface_slots, has_a_slot_for_what_came_by_an_unknown_interface)
{
    struct interface_slots slots = {.count = 0};
    cr_assert_eq(interface_slot(&slots, 0), INTERFACE_SLOT_UNKNOWN);
    cr_assert_eq(interface_slot(&slots, 3), 0);
    cr_assert_eq(interface_slot(&slots, 0), INTERFACE_SLOT_UNKNOWN);
    cr_assert_eq(slots.count, 1);
}
