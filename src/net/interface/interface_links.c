#include "net/interface/interface_links.h"

#include "net/interface/netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct list {
    struct interface_link *links;
    size_t count, capacity;
};

/* The number in an attribute, 0 if there is none. */
static uint32_t number_of(const struct nlmsghdr *message, uint16_t type)
{
    uint32_t number = 0;
    const void *found = netlink_attribute(message, sizeof(struct ifinfomsg), type, sizeof number);
    if (found != NULL)
        memcpy(&number, found, sizeof number);
    return number;
}

/* Whether an attribute of IFLA_LINKINFO is that text. */
static bool has_kind(const struct nlmsghdr *message, uint16_t type, const char *kind)
{
    const uint16_t path[] = {IFLA_LINKINFO, type};
    const void *found =
        netlink_nested_attribute(message, sizeof(struct ifinfomsg), path, 2, strlen(kind) + 1);
    return found != NULL && memcmp(found, kind, strlen(kind) + 1) == 0;
}

static bool filters_vlans(const struct nlmsghdr *message)
{
    static const uint16_t PATH[] = {IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_BR_VLAN_FILTERING};
    if (!has_kind(message, IFLA_INFO_KIND, "bridge"))
        return false;
    const uint8_t *found =
        netlink_nested_attribute(message, sizeof(struct ifinfomsg), PATH, 3, sizeof *found);
    return found != NULL && *found != 0;
}

static int add_link(void *state, const struct nlmsghdr *message)
{
    struct list *list = state;
    const struct ifinfomsg *info = NLMSG_DATA(message);
    if (message->nlmsg_type != RTM_NEWLINK)
        return 0;
    if (list->count == list->capacity) {
        size_t capacity = 2 * list->capacity + 16;
        struct interface_link *grown = reallocarray(list->links, capacity, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        list->links = grown;
        list->capacity = capacity;
    }
    list->links[list->count++] = (struct interface_link){
        .index = (uint32_t)info->ifi_index,
        .upper =
            has_kind(message, IFLA_INFO_SLAVE_KIND, "vrf") ? 0 : number_of(message, IFLA_MASTER),
        .mtu = number_of(message, IFLA_MTU),
        .filters_vlans = filters_vlans(message),
    };
    return 0;
}

int interface_links_read(struct interface_link **links, size_t *count)
{
    const struct ifinfomsg all = {.ifi_family = AF_UNSPEC};
    struct list list = {.count = 0};
    int error = netlink_dump(RTM_GETLINK, &all, sizeof all, add_link, &list);
    if (error != 0) {
        free(list.links);
        return error;
    }
    *links = list.links;
    *count = list.count;
    return 0;
}

const struct interface_link *interface_links_find(const struct interface_link *links, size_t count,
                                                  uint32_t index)
{
    for (size_t i = 0; i < count; i++)
        if (links[i].index == index)
            return &links[i];
    return NULL;
}
