#include "net/offload/offload_ingress.h"

#include <criterion/criterion.h>
#include <string.h>

/* The table of the interfaces by which the program receives frames, for links of a host. */

static struct offload_ingress ingress;

static void update(const struct offload_attachment *attachments, size_t count,
                   const struct interface_link *links, size_t link_count)
{
    memset(&ingress, 0xff, sizeof ingress); /* what was there before does not stay */
    offload_ingress_update(&ingress, attachments, count, links, link_count);
}

/* Expects these words, and no others after them. */
static void expect(const uint64_t *words, size_t count)
{
    for (size_t i = 0; i < OFFLOAD_INGRESS_MAX; i++)
        cr_assert_eq(ingress.interfaces[i], i < count ? words[i] : 0, "place %zu", i);
}

#define UPDATE(attachments, links)                                           \
    update(attachments, sizeof(attachments) / sizeof(attachments)[0], links, \
           sizeof(links) / sizeof(links)[0])
#define EXPECT(...)                         \
    expect((const uint64_t[]){__VA_ARGS__}, \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

Test(offload_ingress, a_word_has_all_that_it_was_made_of)
{
    const uint64_t greatest =
                       offload_ingress_word(OFFLOAD_INTERFACE_MASK, 1, OFFLOAD_MTU_MAX, true),
                   least = offload_ingress_word(1, OFFLOAD_INTERFACE_MASK, 1, false);

    cr_assert_eq(offload_ingress_index(greatest), OFFLOAD_INTERFACE_MASK);
    cr_assert_eq(offload_ingress_upper(greatest), 1);
    cr_assert_eq(offload_ingress_mtu(greatest), OFFLOAD_MTU_MAX);
    cr_assert(offload_ingress_is_generic(greatest));
    cr_assert_eq(offload_ingress_index(least), 1);
    cr_assert_eq(offload_ingress_upper(least), OFFLOAD_INTERFACE_MASK);
    cr_assert_eq(offload_ingress_mtu(least), 1);
    cr_assert_not(offload_ingress_is_generic(least));
}

Test(offload_ingress, has_the_attached_interfaces_with_their_mtu_and_mode)
{
    static const struct offload_attachment ATTACHED[] = {{3, false}, {2, true}};
    static const struct interface_link LINKS[] = {
        {1, 0, 65536, false}, {2, 0, 1500, false}, {3, 0, 9000, false}, {4, 0, 1500, false}};

    UPDATE(ATTACHED, LINKS);
    EXPECT(offload_ingress_word(3, 3, 9000, false), offload_ingress_word(2, 2, 1500, true));
    cr_assert(offload_ingress_is_upper(&ingress, 2));
    cr_assert(offload_ingress_is_upper(&ingress, 3));
    cr_assert_not(offload_ingress_is_upper(&ingress, 1));
    cr_assert_not(offload_ingress_is_upper(&ingress, 4));
    cr_assert_not(offload_ingress_is_upper(&ingress, 0), "a socket that reports no interface");
}

Test(offload_ingress, an_interface_that_was_deleted_is_not_in_it)
{
    static const struct offload_attachment ATTACHED[] = {{3, false}, {2, false}};
    static const struct interface_link LINKS[] = {{2, 0, 1500, false}};

    UPDATE(ATTACHED, LINKS);
    EXPECT(offload_ingress_word(2, 2, 1500, false));
    cr_assert_not(offload_ingress_is_upper(&ingress, 3));
}

Test(offload_ingress, the_stack_receives_by_the_uppermost_interface)
{
    static const struct offload_attachment ATTACHED[] = {{2, false}, {3, false}};
    static const struct interface_link LINKS[] = {
        {2, 5, 1500, false}, {3, 6, 1500, false}, {5, 6, 1400, false}, {6, 0, 1300, false}};

    UPDATE(ATTACHED, LINKS);
    EXPECT(offload_ingress_word(2, 6, 1300, false), offload_ingress_word(3, 6, 1300, false));
    cr_assert(offload_ingress_is_upper(&ingress, 6));
    cr_assert_not(offload_ingress_is_upper(&ingress, 2));
    cr_assert_not(offload_ingress_is_upper(&ingress, 5));
}

Test(offload_ingress, a_bridge_that_filters_vlans_has_no_clients)
{
    static const struct offload_attachment ATTACHED[] = {{2, false}, {3, false}};
    static const struct interface_link LINKS[] = {
        {2, 6, 1500, false}, {3, 5, 1500, false}, {5, 6, 1400, false}, {6, 0, 1500, true}};

    UPDATE(ATTACHED, LINKS);
    EXPECT(offload_ingress_word(2, 2, 1500, false), offload_ingress_word(3, 5, 1400, false));
    cr_assert_not(offload_ingress_is_upper(&ingress, 6));
}

Test(offload_ingress, has_the_ports_of_an_attached_bond)
{
    static const struct offload_attachment ATTACHED[] = {{5, false}};
    static const struct interface_link LINKS[] = {
        {2, 5, 1500, false}, {3, 5, 1500, false}, {4, 0, 1500, false}, {5, 0, 1500, false}};

    UPDATE(ATTACHED, LINKS);
    EXPECT(offload_ingress_word(5, 5, 1500, false), offload_ingress_word(2, 5, 1500, false),
           offload_ingress_word(3, 5, 1500, false));
}

Test(offload_ingress, the_generic_path_is_that_of_the_bond_itself)
{
    static const struct offload_attachment ATTACHED[] = {{5, true}};
    static const struct interface_link LINKS[] = {{2, 5, 1500, false}, {5, 0, 1500, false}};

    UPDATE(ATTACHED, LINKS);
    EXPECT(offload_ingress_word(5, 5, 1500, true));
}

Test(offload_ingress, a_port_and_its_bond_are_in_it_once_each)
{
    static const struct offload_attachment ATTACHED[] = {{2, true}, {5, false}};
    static const struct interface_link LINKS[] = {{2, 5, 1500, false}, {5, 0, 1500, false}};

    UPDATE(ATTACHED, LINKS);
    EXPECT(offload_ingress_word(2, 5, 1500, true), offload_ingress_word(5, 5, 1500, false));
}

Test(offload_ingress, attached_interfaces_come_before_ports)
{
    enum { PORTS = 40 };
    static const struct offload_attachment ATTACHED[] = {{100, false}, {101, false}};
    struct interface_link links[PORTS + 2] = {{100, 0, 1500, false}, {101, 0, 1500, false}};

    for (uint32_t i = 0; i < PORTS; i++)
        links[2 + i] = (struct interface_link){200 + i, 100, 1500, false};
    UPDATE(ATTACHED, links);
    cr_assert_eq(ingress.interfaces[1], offload_ingress_word(101, 101, 1500, false));
    for (uint32_t i = 2; i < OFFLOAD_INGRESS_MAX; i++)
        cr_assert_eq(ingress.interfaces[i], offload_ingress_word(198 + i, 100, 1500, false));
}

Test(offload_ingress, what_a_word_has_no_room_for_is_not_in_it)
{
    static const struct offload_attachment ATTACHED[] = {
        {OFFLOAD_INTERFACE_MASK + 1, false}, {2, false}, {OFFLOAD_INTERFACE_MASK, false}};
    static const struct interface_link LINKS[] = {{2, OFFLOAD_INTERFACE_MASK + 1, 1500, false},
                                                  {OFFLOAD_INTERFACE_MASK, 0, 100000, false},
                                                  {OFFLOAD_INTERFACE_MASK + 1, 0, 1500, false}};

    UPDATE(ATTACHED, LINKS);
    EXPECT(offload_ingress_word(OFFLOAD_INTERFACE_MASK, OFFLOAD_INTERFACE_MASK, OFFLOAD_MTU_MAX,
                                false));
}

/* As it can be read while a port is moved. */
Test(offload_ingress, links_that_lead_to_themselves_end)
{
    static const struct offload_attachment ATTACHED[] = {{2, false}};
    static const struct interface_link LINKS[] = {{2, 3, 1500, false}, {3, 2, 1500, false}};

    UPDATE(ATTACHED, LINKS);
    cr_assert_eq(offload_ingress_index(ingress.interfaces[0]), 2);
    cr_assert_eq(offload_ingress_index(ingress.interfaces[1]), 3, "it is a port of 2");
}
