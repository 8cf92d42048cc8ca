#include "core/source_slots.h"

#include <criterion/criterion.h>

static struct addr address(const char *text)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, text, 0));
    return addr;
}

Test(source_slots, gives_each_of_the_first_addresses_a_slot_of_its_own)
{
    static const char *const texts[SOURCE_SLOTS_MAX] = {"10.0.0.1", "10.0.1.1", "192.0.2.7",
                                                        "127.0.0.1"};
    struct source_slots slots;
    source_slots_init(&slots);
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < SOURCE_SLOTS_MAX; i++) {
            struct addr addr = address(texts[i]);
            cr_assert_eq(source_slot(&slots, &addr), i, "%s in round %d", texts[i], round);
        }
}

Test(source_slots, tells_one_link_local_address_on_two_interfaces_apart)
{
    struct source_slots slots;
    source_slots_init(&slots);
    struct addr a = address("[fe80::1%1]:0"), b = address("[fe80::1%2]:0");
    cr_assert_eq(source_slot(&slots, &a), 0);
    cr_assert_eq(source_slot(&slots, &b), 1);
}

Test(source_slots, does_not_look_at_the_port)
{
    struct source_slots slots;
    source_slots_init(&slots);
    struct addr a = address("10.0.0.1:1"), b = address("10.0.0.1:2");
    cr_assert_eq(source_slot(&slots, &a), source_slot(&slots, &b));
}

Test(source_slots, lets_later_addresses_share_the_slots_always_the_same_one)
{
    struct source_slots slots;
    source_slots_init(&slots);
    size_t before[200];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 200; i++) {
            struct addr addr = {.ip = {10, 0, 0, (uint8_t)i}, .family = ADDR_IPV4};
            size_t slot = source_slot(&slots, &addr);
            cr_assert_lt(slot, SOURCE_SLOTS_MAX);
            cr_assert(round == 0 || slot == before[i], "10.0.0.%d moved", i);
            before[i] = slot;
        }
}

Test(source_slots, has_a_slot_for_what_is_sent_from_an_unknown_address)
{
    struct source_slots slots;
    source_slots_init(&slots);
    cr_assert_eq(source_slot(&slots, &(struct addr){.family = ADDR_NONE}), SOURCE_SLOT_UNKNOWN);
    cr_assert_eq(slots.count, 0);
}
