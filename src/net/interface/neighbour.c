#include "net/interface/neighbour.h"

#include "address/addr.h"
#include "net/interface/netlink.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* States in which the kernel knows the link-layer address. In the others a datagram waits
 * (incomplete), or the address is resolved again (failed). */
enum { KNOWN = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP };

struct list {
    struct cidr *blocks;
    size_t count, capacity, max;
};

static int append(struct list *list, const struct addr *addr)
{
    if (list->count == list->max)
        return 0;
    if (list->count == list->capacity) {
        size_t capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        struct cidr *grown = reallocarray(list->blocks, capacity, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        list->blocks = grown;
        list->capacity = capacity;
    }
    list->blocks[list->count++] = cidr_of(addr, 128);
    return 0;
}

static int read_neighbour(void *state, const struct nlmsghdr *message)
{
    const struct ndmsg *neighbour = NLMSG_DATA(message);
    bool is_ipv4 = neighbour->ndm_family == AF_INET;
    if (message->nlmsg_type != RTM_NEWNEIGH || (!is_ipv4 && neighbour->ndm_family != AF_INET6) ||
        (neighbour->ndm_state & KNOWN) == 0)
        return 0;
    struct addr addr = {.family = is_ipv4 ? ADDR_IPV4 : ADDR_IPV6};
    size_t bytes = is_ipv4 ? 4 : 16;
    const void *destination = netlink_attribute(message, sizeof *neighbour, NDA_DST, bytes);
    if (destination == NULL)
        return 0;
    memcpy(addr.ip, destination, bytes);
    return append(state, &addr);
}

int neighbour_list(struct cidr **neighbours, size_t *count, size_t max)
{
    struct list list = {.max = max};
    const struct ndmsg all = {.ndm_family = AF_UNSPEC};
    int error = netlink_dump(RTM_GETNEIGH, &all, sizeof all, read_neighbour, &list);
    if (error != 0) {
        free(list.blocks);
        return error;
    }
    *neighbours = list.blocks;
    *count = list.count;
    return 0;
}
