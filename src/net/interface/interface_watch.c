#include "net/interface/interface_watch.h"

#include "os/loop/timer.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    POLL_MS = 1000,
    /* Longer than any message of the kernel: NLMSG_GOODSIZE is a page or 8 KiB. */
    MESSAGE_BYTES_MAX = 32 << 10,
};

struct interface_watch {
    const struct interface_watch_callbacks *callbacks;
    void *state;
    struct loop_handler handler;
    struct loop_timer timer;
    int netlink; /* -1 if it is not permitted */
    bool polls;
    _Alignas(struct nlmsghdr) char message[MESSAGE_BYTES_MAX];
};

static void on_tick(void *state)
{
    struct interface_watch *watch = state;
    watch->callbacks->changed(watch->state);
}

/* A port that leaves its bridge is reported as a deleted link of family AF_BRIDGE, but the
 * interface still exists. */
static void read_message(struct interface_watch *watch, const struct nlmsghdr *header)
{
    const struct ifinfomsg *link = NLMSG_DATA(header);
    if (header->nlmsg_type == RTM_DELLINK && header->nlmsg_len >= NLMSG_LENGTH(sizeof *link) &&
        link->ifi_family == AF_UNSPEC)
        watch->callbacks->removed(watch->state, (uint32_t)link->ifi_index);
}

/* Reads one datagram of messages; returns false if there is none. Lost messages (ENOBUFS) count as
 * a change of which nothing is known. */
static bool read_datagram(struct interface_watch *watch)
{
    struct sockaddr_nl from = {.nl_family = AF_NETLINK};
    socklen_t from_size = sizeof from;
    ssize_t size = recvfrom(watch->netlink, watch->message, sizeof watch->message, MSG_DONTWAIT,
                            (struct sockaddr *)&from, &from_size);
    if (size < 0)
        return errno == EINTR || errno == ENOBUFS;
    if (from.nl_pid != 0) /* not the kernel */
        return true;
    size_t left = (size_t)size;
    for (const struct nlmsghdr *header = (const struct nlmsghdr *)watch->message;
         NLMSG_OK(header, left); header = NLMSG_NEXT(header, left))
        read_message(watch, header);
    return true;
}

static void on_netlink(void *state, unsigned events)
{
    enum { DATAGRAMS_MAX = 1000 }; /* before other handlers run */
    struct interface_watch *watch = state;
    (void)events;
    for (int i = 0; i < DATAGRAMS_MAX && read_datagram(watch); i++)
        ;
    watch->callbacks->changed(watch->state);
}

static int open_netlink(void)
{
    const struct sockaddr_nl groups = {
        .nl_family = AF_NETLINK,
        .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
    };
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&groups, sizeof groups) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

int interface_watch_open(struct interface_watch **watch, struct loop *loop,
                         const struct interface_watch_callbacks *callbacks, void *state)
{
    struct interface_watch *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->callbacks = callbacks;
    made->state = state;
    int error = loop_timer_open(loop, &made->timer, on_tick, made);
    if (error != 0) {
        free(made);
        return error;
    }
    made->netlink = open_netlink();
    if (made->netlink >= 0 &&
        loop_add(loop, &made->handler, made->netlink, LOOP_READ, on_netlink, made) != 0) {
        close(made->netlink);
        made->netlink = -1;
    }
    if (made->netlink < 0)
        loop_timer_every(&made->timer, POLL_MS);
    *watch = made;
    return 0;
}

void interface_watch_poll(struct interface_watch *watch, bool each_second)
{
    if (watch->netlink < 0 || watch->polls == each_second)
        return;
    watch->polls = each_second;
    loop_timer_every(&watch->timer, each_second ? POLL_MS : 0);
}

void interface_watch_close(struct interface_watch *watch)
{
    if (watch == NULL)
        return;
    loop_remove(&watch->handler);
    if (watch->netlink >= 0)
        close(watch->netlink);
    loop_timer_close(&watch->timer);
    free(watch);
}
