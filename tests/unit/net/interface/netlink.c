/* Attributes of the messages of rtnetlink. */
#include "net/interface/netlink.h"

#include <criterion/criterion.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

struct message {
    struct nlmsghdr header;
    struct ifinfomsg link;
    _Alignas(4) uint8_t attributes[200];
};

enum { FIXED = sizeof(struct ifinfomsg) };

static struct message message;
static size_t used; /* bytes of the attributes */

static void begin(void)
{
    memset(&message, 0, sizeof message);
    used = 0;
    message.header.nlmsg_len = NLMSG_LENGTH(FIXED);
}

static struct rtattr *add(uint16_t type, const void *payload, size_t size)
{
    struct rtattr *attribute = (void *)(message.attributes + used);
    *attribute = (struct rtattr){.rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(size)};
    if (size > 0)
        memcpy(RTA_DATA(attribute), payload, size);
    used += RTA_SPACE(size);
    message.header.nlmsg_len = (uint32_t)(NLMSG_LENGTH(FIXED) + used);
    return attribute;
}

/* Adds an attribute that has two others: of type 1, with "one", and of type 4, with "vrf". */
static struct rtattr *add_nested(uint16_t type)
{
    struct {
        struct rtattr first;
        char first_payload[4];
        struct rtattr second;
        char second_payload[4];
    } nested = {{RTA_LENGTH(4), 1}, "one", {RTA_LENGTH(4), IFLA_INFO_SLAVE_KIND}, "vrf"};
    return add(type, &nested, sizeof nested);
}

static const void *find_nested(uint16_t outer, uint16_t type, size_t least_bytes)
{
    const uint16_t path[] = {outer, type};
    return netlink_nested_attribute(&message.header, FIXED, path, 2, least_bytes);
}

static const char *find_kind(void)
{
    return find_nested(IFLA_LINKINFO, IFLA_INFO_SLAVE_KIND, 4);
}

Test(netlink, an_attribute_is_found_by_its_type_with_enough_bytes)
{
    begin();
    cr_assert_null(netlink_attribute(&message.header, FIXED, IFLA_MTU, 0), "there are none");
    add(IFLA_IFNAME, "eth0", 5);
    add(IFLA_MTU, "\1\2\3\4", 4);
    add(IFLA_MASTER, "\5\6", 2);
    cr_assert_str_eq(netlink_attribute(&message.header, FIXED, IFLA_IFNAME, 1), "eth0");
    cr_assert_arr_eq(netlink_attribute(&message.header, FIXED, IFLA_MTU, 4), "\1\2\3\4", 4);
    cr_assert_null(netlink_attribute(&message.header, FIXED, IFLA_MASTER, 4), "it is too short");
    cr_assert_null(netlink_attribute(&message.header, FIXED, IFLA_LINK, 0));
}

Test(netlink, a_nested_attribute_is_found_in_its_outer_one)
{
    begin();
    cr_assert_null(find_kind());
    add(IFLA_INFO_SLAVE_KIND, "dsa", 4);
    cr_assert_null(find_kind(), "it is in no other one");
    add_nested(IFLA_LINKINFO | NLA_F_NESTED);
    cr_assert_str_eq(find_kind(), "vrf");
    cr_assert_null(find_nested(IFLA_LINKINFO, IFLA_INFO_SLAVE_KIND, 5));
    cr_assert_null(find_nested(IFLA_LINKINFO, IFLA_INFO_DATA, 0));
    cr_assert_null(find_nested(IFLA_AF_SPEC, IFLA_INFO_SLAVE_KIND, 4));
}

Test(netlink, an_attribute_is_found_at_the_third_level)
{
    static const uint16_t PATH[] = {IFLA_LINKINFO, IFLA_INFO_DATA, 1};
    struct {
        struct rtattr data, value;
        char payload[4];
    } nested = {{RTA_LENGTH(RTA_SPACE(4)), IFLA_INFO_DATA}, {RTA_LENGTH(4), 1}, "yes"};

    begin();
    add(IFLA_LINKINFO, &nested, sizeof nested);
    cr_assert_str_eq(netlink_nested_attribute(&message.header, FIXED, PATH, 3, 4), "yes");
    cr_assert_null(netlink_nested_attribute(&message.header, FIXED, PATH, 3, 5));
    cr_assert_null(find_nested(IFLA_LINKINFO, 1, 0), "it is not at the second one");
}

/* The kernel sends none of these. */
Test(netlink, lengths_that_do_not_agree_end_the_search)
{
    begin();
    struct rtattr *outer = add_nested(IFLA_LINKINFO), *first = RTA_DATA(outer);
    for (uint16_t length = 0; length < RTA_LENGTH(0); length++) {
        first->rta_len = length;
        cr_assert_null(find_kind(), "it would not end");
    }
    first->rta_len = 100;
    cr_assert_null(find_kind(), "it is longer than the outer one");
    first->rta_len = RTA_LENGTH(4);
    cr_assert_str_eq(find_kind(), "vrf");
    outer->rta_len = (uint16_t)(outer->rta_len - 1);
    cr_assert_null(find_kind(), "the second one ends beyond it");
    outer->rta_len = RTA_LENGTH(2);
    cr_assert_null(find_kind(), "there is no whole header");
    outer->rta_len = 200;
    cr_assert_null(find_kind(), "it is longer than the message");
    message.header.nlmsg_len = NLMSG_LENGTH(FIXED) - 1;
    cr_assert_null(netlink_attribute(&message.header, FIXED, IFLA_LINKINFO, 0));
}
