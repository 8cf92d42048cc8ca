/* The kernel's table of neighbours, read by netlink. */
#include "net/neighbour.h"

#include "core/addr.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel's dumps come in parts of up to 32 KiB (NLMSG_GOODSIZE, netlink_dump). */
enum { PART_BYTES = 32 << 10 };

/* States in which a datagram is sent to the known link-layer address: of the others, incomplete
 * waits and failed is looked up anew. */
enum { KNOWN = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP };

struct list {
    struct cidr *blocks;
    size_t count, room, max;
};

static int append(struct list *list, const struct addr *addr)
{
    if (list->count == list->max)
        return 0;
    if (list->count == list->room) {
        size_t room = list->room > 0 ? 2 * list->room : 64;
        struct cidr *grown = reallocarray(list->blocks, room, sizeof *grown);
        if (grown == NULL)
            return -ENOMEM;
        list->blocks = grown;
        list->room = room;
    }
    list->blocks[list->count++] = cidr_of(addr, 128);
    return 0;
}

/* Finds the attribute with the neighbour's address among those after the fixed part. */
static bool read_destination(const struct nlmsghdr *message, struct addr *addr)
{
    const struct ndmsg *neighbour = NLMSG_DATA(message);
    size_t bytes = neighbour->ndm_family == AF_INET ? 4 : 16;
    size_t at = NLMSG_LENGTH(sizeof *neighbour);
    while (at + sizeof(struct rtattr) <= message->nlmsg_len) {
        const struct rtattr *attribute = (const void *)((const char *)message + at);
        if (attribute->rta_len < sizeof *attribute || attribute->rta_len > message->nlmsg_len - at)
            return false;
        if (attribute->rta_type == NDA_DST && RTA_PAYLOAD(attribute) == bytes) {
            *addr = (struct addr){.family = bytes == 4 ? ADDR_IPV4 : ADDR_IPV6};
            memcpy(addr->ip, RTA_DATA(attribute), bytes);
            return true;
        }
        at += RTA_ALIGN(attribute->rta_len);
    }
    return false;
}

/* One message of the answer. 1 at its end, 0, or -errno. */
static int read_message(const struct nlmsghdr *message, struct list *list)
{
    if (message->nlmsg_type == NLMSG_DONE)
        return 1;
    if (message->nlmsg_type == NLMSG_ERROR)
        return message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))
                   ? ((const struct nlmsgerr *)NLMSG_DATA(message))->error
                   : -EPROTO;
    const struct ndmsg *neighbour = NLMSG_DATA(message);
    struct addr addr;
    if (message->nlmsg_type != RTM_NEWNEIGH ||
        message->nlmsg_len < NLMSG_LENGTH(sizeof *neighbour) ||
        (neighbour->ndm_family != AF_INET && neighbour->ndm_family != AF_INET6) ||
        (neighbour->ndm_state & KNOWN) == 0 || !read_destination(message, &addr))
        return 0;
    return append(list, &addr);
}

/* The messages of one part of the answer: as read_message. */
static int read_part(const char *part, size_t size, struct list *list)
{
    size_t at = 0;
    while (at + sizeof(struct nlmsghdr) <= size) {
        const struct nlmsghdr *message = (const void *)(part + at);
        if (message->nlmsg_len < sizeof *message || message->nlmsg_len > size - at)
            return -EPROTO;
        int error = read_message(message, list);
        if (error != 0)
            return error;
        at += NLMSG_ALIGN(message->nlmsg_len);
    }
    return 0;
}

static int read_answer(int socket, struct list *list)
{
    _Alignas(struct nlmsghdr) char part[PART_BYTES];
    int error = 0;
    while (error == 0) {
        ssize_t size = recv(socket, part, sizeof part, 0);
        if (size >= 0)
            error = read_part(part, (size_t)size, list);
        else if (errno != EINTR)
            error = -errno;
    }
    return error < 0 ? error : 0;
}

static int ask(int socket)
{
    const struct {
        struct nlmsghdr header;
        struct ndmsg neighbour;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = RTM_GETNEIGH,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
    };
    return send(socket, &request, sizeof request, 0) == sizeof request ? 0 : -errno;
}

int neighbour_list(struct cidr **neighbours, size_t *count, size_t max)
{
    struct list list = {.max = max};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        return -errno;
    int error = ask(fd);
    if (error == 0)
        error = read_answer(fd, &list);
    close(fd);
    if (error != 0) {
        free(list.blocks);
        return error;
    }
    *neighbours = list.blocks;
    *count = list.count;
    return 0;
}
