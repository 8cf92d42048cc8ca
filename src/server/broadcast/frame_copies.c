#include "server/broadcast/frame_copies.h"

#include "os/log/log.h"
#include "os/process/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    IPV4_HEADERS_BYTES = 20 + 8, /* IP without options, and UDP */
    IPV6_HEADERS_BYTES = 40 + 8,
};

/* The messages of a job, by their numbers in the table of the program. */
enum { MESSAGE_PLAIN, MESSAGE_FRAME };
_Static_assert((int)MESSAGE_FRAME < (int)OFFLOAD_COPY_MESSAGES, "the program has room for both");

struct frame_copies {
    struct frame_copies_options options;
    struct offload_link links[OFFLOAD_INTERFACES_MAX];
    size_t link_count;
    bool has_frame; /* the job is confirmed, so clients that want frames get one */
    size_t message_bytes[OFFLOAD_COPY_MESSAGES];
    uint32_t queued;
    struct client clients[OFFLOAD_COPIES_MAX]; /* of the queued copies */
    struct client first_without;               /* a copy, of those that were sent last */
};

int frame_copies_open(struct frame_copies **copies, const struct frame_copies_options *options)
{
    *copies = calloc(1, sizeof **copies);
    if (*copies == NULL)
        return -ENOMEM;
    (*copies)->options = *options;
    return 0;
}

void frame_copies_close(struct frame_copies *copies)
{
    free(copies);
}

static struct offload_copy *own_copies(const struct frame_copies *copies)
{
    return offload_copies(copies->options.program, copies->options.worker);
}

/* ---- a slice begins ---- */

static void read_links(struct frame_copies *copies)
{
    struct offload_link link;
    copies->link_count = 0;
    for (size_t i = 0; i < OFFLOAD_INTERFACES_MAX; i++)
        if (offload_link(copies->options.program, i, &link))
            copies->links[copies->link_count++] = link;
}

/* Returns false if the message is too long for the program. */
static bool set_message(struct frame_copies *copies, uint32_t number, const uint8_t *bytes,
                        size_t size)
{
    copies->message_bytes[number] = size;
    return offload_copies_set_message(copies->options.program, copies->options.worker, number,
                                      bytes, size) == 0;
}

bool frame_copies_begin(struct frame_copies *copies, const struct shard_job *job)
{
    const struct shard_confirmation *confirmation = job->confirmation;
    read_links(copies);
    copies->has_frame = confirmation != NULL;
    return copies->link_count > 0 && set_message(copies, MESSAGE_PLAIN, job->bytes, job->size) &&
           (confirmation == NULL || set_message(copies, MESSAGE_FRAME, confirmation->payload->frame,
                                                confirmation->payload->frame_bytes));
}

/* ---- a copy ---- */

/* A next hop has the low 16 bits of the index. */
static const struct offload_link *find_link(const struct frame_copies *copies, uint64_t next_hop)
{
    const struct offload_link *found = NULL;
    for (size_t i = 0; i < copies->link_count; i++) {
        if ((uint16_t)copies->links[i].index != next_hop >> 48)
            continue;
        if (found != NULL) /* two interfaces have the same low bits */
            return NULL;
        found = &copies->links[i];
    }
    return found;
}

static void set_addresses(struct offload_copy *copy, const struct addr *to, const struct addr *from)
{
    memcpy(copy->to, to->ip, sizeof copy->to);
    memcpy(copy->from, from->ip, sizeof copy->from);
    copy->to_port = htons(to->port);
    copy->from_port = htons(from->port);
}

bool frame_copies_add(struct frame_copies *copies, const struct client *client)
{
    struct addr local;
    uint64_t next_hop = offloaded_clients_next_hop(copies->options.clients, client->slot, &local);
    const struct offload_link *link = next_hop != 0 ? find_link(copies, next_hop) : NULL;
    if (link == NULL)
        return false;
    uint8_t message = copies->has_frame && client->frames ? MESSAGE_FRAME : MESSAGE_PLAIN;
    bool is_ipv6 = local.family == ADDR_IPV6;
    if (copies->message_bytes[message] + (is_ipv6 ? IPV6_HEADERS_BYTES : IPV4_HEADERS_BYTES) >
        link->mtu)
        return false;
    struct offload_copy *copy = &own_copies(copies)[copies->queued];
    set_addresses(copy, &client->source, &local);
    memcpy(copy->ethernet_to, &next_hop, sizeof copy->ethernet_to);
    memcpy(copy->ethernet_from, link->ethernet, sizeof copy->ethernet_from);
    copy->interface = link->index;
    copy->is_ipv6 = is_ipv6;
    copy->message = message;
    copy->is_made = 0;
    copies->clients[copies->queued++] = *client;
    return true;
}

uint32_t frame_copies_queued(const struct frame_copies *copies)
{
    return copies->queued;
}

/* ---- sending ---- */

/* Keeps the clients that have their copies. */
static struct frame_copies_result keep_made(struct frame_copies *copies)
{
    const struct offload_copy *made = own_copies(copies);
    struct frame_copies_result result = {.clients = copies->clients};
    for (uint32_t i = 0; i < copies->queued; i++) {
        if (made[i].is_made != 0) {
            copies->clients[result.count++] = copies->clients[i];
        } else if (result.first_without == NULL) {
            copies->first_without = copies->clients[i];
            result.first_without = &copies->first_without;
        }
    }
    copies->queued = 0;
    return result;
}

struct frame_copies_result frame_copies_send(struct frame_copies *copies)
{
    int error =
        offload_copies_send(copies->options.program, copies->options.worker, copies->queued);
    if (error != 0)
        log_limited(LOG_KIND_OFFLOAD_COPIES, clock_now_ms(),
                    "the offload cannot send copies of a broadcast, which the sockets send",
                    "reason", strerror(-error), "advice",
                    "restart udpsrv if this is repeated, or set offload.mode = off", NULL);
    return keep_made(copies);
}
