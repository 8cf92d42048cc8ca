#include "net/interface/device_queue.h"

#include "net/interface/netlink.h"

#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

enum {
    /* Memory of the kernel for each packet: struct sk_buff (256 bytes), skb_shared_info (320 bytes)
     * and headroom. The kernel allocates powers of two, so that the data may take twice its size.
     */
    PACKET_BYTES = 1024,
};

/* The statistics are an attribute nested in the attribute TCA_STATS2. */
static const struct gnet_stats_queue *queue_stats(const struct nlmsghdr *message)
{
    const char *nested = netlink_attribute(message, sizeof(struct tcmsg), TCA_STATS2, 0);
    if (nested == NULL)
        return NULL;
    const struct rtattr *outer = (const void *)(nested - RTA_LENGTH(0));
    size_t size = RTA_PAYLOAD(outer), at = 0;
    while (at + sizeof(struct rtattr) <= size) {
        const struct rtattr *inner = (const void *)(nested + at);
        if (inner->rta_len < sizeof *inner || inner->rta_len > size - at)
            return NULL;
        if (inner->rta_type == TCA_STATS_QUEUE &&
            RTA_PAYLOAD(inner) >= sizeof(struct gnet_stats_queue))
            return RTA_DATA(inner);
        at += RTA_ALIGN(inner->rta_len);
    }
    return NULL;
}

/* The root queue of an interface also counts what its child queues hold. */
static int add_queue(void *state, const struct nlmsghdr *message)
{
    const struct tcmsg *queue = NLMSG_DATA(message);
    uint64_t *bytes = state;
    struct gnet_stats_queue stats;
    if (message->nlmsg_type != RTM_NEWQDISC || queue->tcm_parent != TC_H_ROOT)
        return 0;
    const void *found = queue_stats(message);
    if (found == NULL)
        return 0;
    memcpy(&stats, found, sizeof stats);
    *bytes += 2 * (uint64_t)stats.backlog + (uint64_t)PACKET_BYTES * stats.qlen;
    return 0;
}

int device_queue_bytes(uint64_t *bytes)
{
    const struct tcmsg all = {.tcm_family = AF_UNSPEC};
    *bytes = 0;
    return netlink_dump(RTM_GETQDISC, &all, sizeof all, add_queue, bytes);
}
