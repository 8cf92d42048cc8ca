/* net/socket: UDP sockets, reuseport groups, send-only sockets, buffers. */
#include "sim/net/udp.h"

#include "net/socket/reuseport_group.h"
#include "net/socket/send_only_socket.h"
#include "net/socket/socket_buffer.h"
#include "net/socket/socket_descriptor.h"
#include "os/loop/event_loop.h"
#include "sim/check/restoring.h"
#include "sim/check/totals.h"
#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/hash.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/net/network.h"
#include "sim/os/processes.h"
#include "sim/world/faults.h"
#include "sim/world/plan.h"
#include "sim/world/upgrades.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    SOCKETS_MAX = 4096,
    GROUP_MAX = 64,           /* sockets of one address */
    PACKET_EXTRA_BYTES = 768, /* what the kernel charges in addition: a struct sk_buff */
};

static struct udp *sockets[SOCKETS_MAX];
static size_t socket_count;
static uint16_t next_port = 40000;
static uint32_t arrivals_ended; /* how many times udp_end_arrivals was called */

struct udp *udp_of(int fd)
{
    return (struct udp *)descriptor_object(fd, OBJECT_UDP);
}

struct udp *udp_next(size_t *i)
{
    return *i < socket_count ? sockets[(*i)++] : NULL;
}

/* NULL for a placeholder. */
static struct udp *udp_if_any(int socket)
{
    return descriptor_any(socket)->kind == OBJECT_UDP ? udp_of(socket) : NULL;
}

struct packet *packet_new(const struct addr *from, const struct addr *to, const void *bytes,
                          size_t size)
{
    struct packet *packet = malloc(sizeof *packet + size);
    *packet = (struct packet){.from = *from, .to = *to, .size = (uint32_t)size};
    if (size > 0)
        memcpy(packet->bytes, bytes, size);
    return packet;
}

/* ---- opening and closing ---- */

static unsigned ready(const struct object *object)
{
    const struct udp *udp = (const struct udp *)object;
    return (udp->first != NULL ? LOOP_READ : 0u) |
           (udp->send_used * 2 <= udp->send_limit ? LOOP_WRITE : 0u);
}

static void destroy(struct object *object)
{
    struct udp *udp = (struct udp *)object;
    if (!udp->send_only && plan_is_stopping() && broken_is("bound"))
        return;
    bool has_datagrams =
        udp->first != NULL || udp->arriving != NULL || broken_is("upgrade-datagram");
    if (has_datagrams && !udp->send_only && upgrades_are_closing())
        broken_promise("an upgrade loses no datagram", "one waits at port %d", udp->bound.port);
    for (size_t i = 0; i < socket_count; i++)
        if (sockets[i] == udp)
            sockets[i--] = sockets[--socket_count];
    while (udp->first != NULL) {
        struct packet *packet = udp->first;
        udp->first = packet->next;
        free(packet);
    }
    free(udp->arriving);
    udp->closed = true;
    if (udp->send_used == 0)
        free(udp);
}

static uint32_t raised(uint32_t limit, uint32_t bytes)
{
    return limit < 2 * bytes ? 2 * bytes : limit;
}

static int open_udp(uint32_t receive_bytes, uint32_t send_bytes)
{
    int error = faults_refuse_open();
    if (error != 0)
        return error;
    struct udp *udp = calloc(1, sizeof *udp);
    udp->object = (struct object){.kind = OBJECT_UDP, .ready = ready, .destroy = destroy};
    udp->end = &udp->first;
    udp->opened_by = processes_pid(processes_current());
    udp->receive_limit = 2 * (receive_bytes > 0 ? receive_bytes : 106496);
    udp->send_limit = 2 * (send_bytes > 0 ? send_bytes : 106496);
    if (socket_count == SOCKETS_MAX)
        broken_promise("the number of sockets is bounded", "more than %d", (int)SOCKETS_MAX);
    sockets[socket_count++] = udp;
    return descriptor_open(&udp->object);
}

static bool same_endpoint(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && a->port == b->port && a->scope == b->scope &&
           memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool udp_is_at(const struct udp *udp, const struct addr *bound)
{
    return same_endpoint(&udp->bound, bound);
}

/* Whether the host has an address to bind to: 0 or -errno. */
static int find_address(const struct addr *addr)
{
    if (addr_is_multicast(addr) || addr_is_wildcard(addr))
        return 0;
    if (addr_is_link_local(addr) && host_name(addr->scope) == NULL)
        return addr->scope == 0 ? -EINVAL : -ENODEV;
    return host_has(addr) || broken_is("missing") ? 0 : -EADDRNOTAVAIL;
}

static int bind_to(struct udp *udp, const struct addr *addr, struct udp_socket_options *options,
                   struct addr *bound)
{
    int error = find_address(addr);
    options->is_missing = error == -EADDRNOTAVAIL && options->may_be_missing;
    if (error != 0 && !options->is_missing)
        return error;
    for (size_t i = 0; i < socket_count; i++)
        if (addr->port != 0 && !udp->in_group && !udp->send_only && !udp->is_multicast &&
            !sockets[i]->send_only && !sockets[i]->is_multicast &&
            same_endpoint(&sockets[i]->bound, addr))
            return -EADDRINUSE;
    udp->bound = *addr;
    if (udp->bound.port == 0)
        udp->bound.port = next_port++;
    *bound = udp->bound;
    return 0;
}

int udp_socket_open(const struct addr *addr, struct udp_socket_options *options, struct addr *bound)
{
    int fd = open_udp(options->receive_buffer_bytes, options->send_buffer_bytes);
    if (fd < 0)
        return fd;
    options->receive_buffer_actual_bytes = udp_of(fd)->receive_limit / 2;
    options->send_buffer_actual_bytes = udp_of(fd)->send_limit / 2;
    int error = bind_to(udp_of(fd), addr, options, bound);
    if (error == 0)
        return fd;
    descriptor_close(fd);
    return error;
}

/* A socket of the process before: no service manager passes one. */
int udp_socket_adopt(int socket, const struct addr *addr, struct udp_socket_options *options)
{
    struct udp *udp = udp_of(socket);
    if (!udp_is_at(udp, addr) || broken_is("upgrade-address"))
        upgrades_socket_is_elsewhere(addr->port);
    udp->receive_limit = raised(udp->receive_limit, options->receive_buffer_bytes);
    udp->send_limit = raised(udp->send_limit, options->send_buffer_bytes);
    options->receive_buffer_actual_bytes = udp->receive_limit / 2;
    options->send_buffer_actual_bytes = udp->send_limit / 2;
    return faults_refuse_open();
}

bool udp_socket_reports_destination(const struct addr *addr)
{
    return !addr_is_loopback(addr) && !addr_is_link_local(addr);
}

void udp_socket_allow_sharing(int socket, bool allowed)
{
    (void)allowed;
    (void)socket;
}

int reuseport_group_open(const struct addr *addr, struct udp_socket_options *options,
                         struct addr *bound, int *fds, size_t count)
{
    struct addr at = *addr;
    for (size_t i = 0; i < count; i++) {
        fds[i] = udp_socket_open(&at, options, bound);
        if (fds[i] < 0) {
            int error = fds[i];
            while (i > 0)
                descriptor_close(fds[--i]);
            return error;
        }
        udp_of(fds[i])->in_group = udp_of(fds[i])->drops_all = count > 1;
        udp_of(fds[i])->number = (uint32_t)i;
        at = *bound;
        if (i + 1 < count)
            udp_of(fds[i])->bound.port = 0; /* until all have it, as SO_REUSEPORT would */
    }
    for (size_t i = 0; i < count; i++)
        udp_of(fds[i])->bound = *bound;
    return 0;
}

int reuseport_member_start(int socket)
{
    struct udp *udp = udp_if_any(socket);
    if (udp != NULL)
        udp->drops_all = false;
    return 0;
}

int send_only_socket_open(const struct addr *bound, uint32_t send_buffer_bytes,
                          uint32_t *send_buffer_actual_bytes)
{
    int fd = open_udp(1, send_buffer_bytes);
    if (fd < 0)
        return fd;
    struct udp *udp = udp_of(fd);
    udp->send_only = true;
    udp->opened_arrivals = arrivals_ended;
    udp->bound = *bound;
    *send_buffer_actual_bytes = udp->send_limit / 2;
    int error = send_only_socket_connect(fd, bound);
    if (error == 0 || error == -EADDRNOTAVAIL)
        return fd;
    descriptor_close(fd);
    return error;
}

/* Whether a socket of a process before receives at the address, in which the service goes on. */
static bool is_in_service(const struct udp *udp)
{
    for (size_t i = 0; i < socket_count; i++)
        if (!sockets[i]->send_only && !sockets[i]->is_multicast &&
            sockets[i]->opened_by != udp->opened_by &&
            same_endpoint(&sockets[i]->bound, &udp->bound))
            return true;
    return false;
}

/* In an upgrade only after the wait, since the socket may have been chosen before it was connected.
 */
int send_only_socket_drop_received(int socket)
{
    struct udp *udp = udp_of(socket);
    bool is_early = udp->opened_arrivals == arrivals_ended;
    if (upgrades_are_taken() && ((is_early && is_in_service(udp)) || broken_is("upgrade-stray")))
        broken_promise("an upgrade loses no datagram", "one that only sends may get one at port %d",
                       udp->bound.port);
    udp->drops_received = true;
    return 0;
}

/* The kernel finds no route from an address that the host does not have. */
int send_only_socket_connect(int socket, const struct addr *bound)
{
    if (udp_if_any(socket) == NULL)
        return -EINVAL; /* a placeholder */
    int error = find_address(bound);
    udp_of(socket)->is_connected = error == 0;
    return error;
}

static unsigned never_ready(const struct object *object)
{
    (void)object;
    return 0;
}

static void destroy_placeholder(struct object *object)
{
    free(object);
}

int socket_open_placeholder(void)
{
    struct object *object = calloc(1, sizeof *object);
    *object = (struct object){
        .kind = OBJECT_PLACEHOLDER, .ready = never_ready, .destroy = destroy_placeholder};
    return descriptor_open(object);
}

void socket_close(int socket)
{
    descriptor_close(socket);
}

int socket_duplicate(int socket)
{
    int error = faults_refuse_open();
    return error != 0 ? error : descriptor_duplicate(socket);
}

uint64_t socket_cookie(int socket)
{
    return descriptor_any(socket)->number;
}

int socket_replace_by_duplicate(int old, int source)
{
    descriptor_replace(old, source);
    return 0;
}

int socket_replace(int old, int new)
{
    descriptor_replace(old, new);
    descriptor_close(new);
    return 0;
}

/* ---- buffers ---- */

uint32_t socket_raise_receive_buffer(int socket, uint32_t bytes)
{
    struct udp *udp = udp_if_any(socket);
    if (udp == NULL)
        return bytes;
    udp->receive_limit = raised(udp->receive_limit, bytes);
    return udp->receive_limit / 2;
}

uint32_t socket_raise_send_buffer(int socket, uint32_t bytes)
{
    struct udp *udp = udp_if_any(socket);
    if (udp == NULL)
        return bytes;
    if (udp->send_limit < 2 * bytes)
        udp->send_limit = 2 * bytes;
    return udp->send_limit / 2;
}

uint32_t socket_send_buffer_limit(int socket)
{
    const struct udp *udp = udp_if_any(socket);
    return udp != NULL ? udp->send_limit : 0;
}

uint32_t socket_send_buffer_used(int socket)
{
    const struct udp *udp = udp_if_any(socket);
    return udp != NULL ? udp->send_used : 0;
}

uint32_t socket_receive_drops(int socket)
{
    const struct udp *udp = udp_if_any(socket);
    return udp != NULL ? udp->drops : 0;
}

/* ---- receiving ---- */

static void append(struct udp *udp, struct packet *packet)
{
    packet->next = NULL;
    *udp->end = packet;
    udp->end = &packet->next;
}

void udp_begin_arrival(struct udp *udp)
{
    if (udp->first == NULL || udp->arriving != NULL)
        return;
    struct packet **last = &udp->first;
    while ((*last)->next != NULL)
        last = &(*last)->next;
    udp->arriving = *last;
    *last = NULL;
    udp->end = last;
}

void udp_end_arrivals(void)
{
    arrivals_ended++;
    for (size_t i = 0; i < socket_count; i++)
        if (sockets[i]->arriving != NULL) {
            append(sockets[i], sockets[i]->arriving);
            sockets[i]->arriving = NULL;
        }
}

static void queue(struct udp *udp, struct packet *packet)
{
    uint32_t bytes = packet->size + PACKET_EXTRA_BYTES;
    if (udp->drops_all || udp->queued_bytes + bytes > udp->receive_limit) {
        udp->drops++;
        totals.kernel_drops += !udp->drops_all;
        trace(TRACE_LOST, packet->to.port, packet->from.port, udp->drops_all, 0);
        free(packet);
        return;
    }
    trace(TRACE_ARRIVED, packet->to.port, packet->size, packet->from.port, 0);
    packet->shards = udp->shards;
    append(udp, packet);
    udp->queued_bytes += bytes;
}

/* By the kernel's hash of both ends, which has a random key that is drawn once for a run. */
static size_t choose_by_hash(const struct packet *packet, size_t count)
{
    static uint64_t key;
    if (key == 0)
        key = draw(DRAW_KERNEL) | 1;
    return count == 1 ? 0 : hash_add_addr(hash_add_addr(key, &packet->from), &packet->to) % count;
}

static bool is_member(const struct udp *udp, uint32_t interface)
{
    for (size_t i = 0; i < udp->membership_count; i++)
        if (udp->memberships[i].birth == host_birth(interface))
            return true;
    return false;
}

static bool takes(const struct udp *udp, const struct packet *packet, bool wildcard)
{
    if ((udp->send_only && udp->is_connected) || udp->has_left ||
        udp->bound.port != packet->to.port || udp->bound.family != packet->to.family)
        return false;
    if (udp->is_multicast && !is_member(udp, packet->interface))
        return false;
    if (udp->bound.scope != 0 && udp->bound.scope != packet->interface)
        return false;
    return wildcard ? addr_is_wildcard(&udp->bound) && !addr_is_multicast(&packet->to)
                    : memcmp(udp->bound.ip, packet->to.ip, sizeof udp->bound.ip) == 0;
}

static size_t find_sockets(const struct packet *packet, struct udp *found[GROUP_MAX])
{
    size_t count = 0;
    for (int wildcard = 0; wildcard < 2 && count == 0; wildcard++)
        for (size_t i = 0; i < socket_count && count < GROUP_MAX; i++)
            if (takes(sockets[i], packet, wildcard))
                found[count++] = sockets[i];
    return count;
}

/* By the program of the group, or without one, or if it names no socket, by the hash. */
static struct udp *choose(struct udp *const *found, size_t count, const struct packet *packet)
{
    const struct udp *first = found[0];
    uint32_t number = first->shards > 0 ? shards_of(&first->key, &packet->from, first->shards) : 0;
    if (first->shards > 0 && broken_now("shard", 50))
        number = (number + 1) % first->shards;
    for (size_t i = 0; i < count && first->shards > 0; i++)
        if (found[i]->number == number)
            return found[i];
    return found[choose_by_hash(packet, count)];
}

void udp_deliver(struct packet *packet)
{
    struct udp *found[GROUP_MAX];
    bool is_here = addr_is_multicast(&packet->to) || host_has(&packet->to);
    size_t count = is_here ? find_sockets(packet, found) : 0;
    struct udp *taker = count > 0 ? choose(found, count, packet) : NULL;
    /* A socket that only sends, and is not yet connected, takes what others should get. */
    for (size_t i = 0; i < count; i++)
        if (found[i]->send_only)
            taker = NULL;
    if (taker != NULL && !(broken_is("appears") && host_since_ms(&packet->to) != 0)) {
        queue(taker, packet);
        return;
    }
    restoring_check_lost(packet);
    trace(TRACE_LOST, packet->to.port, packet->from.port, 2, 0);
    free(packet);
}

bool udp_is_joined(const struct addr *group, uint32_t index)
{
    for (size_t i = 0; i < socket_count; i++)
        if (sockets[i]->is_multicast && sockets[i]->bound.port == group->port &&
            memcmp(sockets[i]->bound.ip, group->ip, sizeof group->ip) == 0)
            for (size_t k = 0; k < sockets[i]->membership_count; k++)
                if ((index == 0 || sockets[i]->memberships[k].index == index) &&
                    host_birth(sockets[i]->memberships[k].index) ==
                        sockets[i]->memberships[k].birth)
                    return true;
    return false;
}

bool udp_any_has(uint32_t bytes)
{
    for (size_t i = 0; i < socket_count; i++)
        if (sockets[i]->send_used >= bytes || sockets[i]->send_used * 2 > sockets[i]->send_limit)
            return true;
    return false;
}

void udp_not_watched(int socket)
{
    struct udp *udp = udp_if_any(socket);
    if (udp != NULL)
        udp->unwatched_bytes = udp->send_used;
}

bool udp_any_is_stuck(void)
{
    for (size_t i = 0; i < socket_count; i++)
        if (sockets[i]->unwatched_bytes > 0 && sockets[i]->send_used >= sockets[i]->unwatched_bytes)
            return true;
    return false;
}

/* ---- sending ---- */

struct charge {
    struct udp *udp;
    uint32_t bytes;
};

static void leave(void *state)
{
    struct charge *charge = state;
    charge->udp->send_used -= charge->bytes;
    if (charge->udp->closed && charge->udp->send_used == 0)
        free(charge->udp);
    free(charge);
}

bool udp_has_path(const struct udp *udp)
{
    return (udp->path_index == 0 || host_name(udp->path_index) != NULL) && host_has(&udp->bound);
}

/* Whether the datagram can leave now: 0 or -errno. */
static int find_path(const struct udp *udp, const struct addr *from, const struct addr *to)
{
    if (udp->sends_to_group)
        return udp_has_path(udp) ? 0 : -ENETUNREACH;
    if (from->scope != 0 && host_name(from->scope) == NULL)
        return -ENODEV;
    if (host_route(to) == 0)
        return -ENETUNREACH;
    return addr_is_wildcard(from) || host_has(from) ? 0 : -EINVAL;
}

int udp_send(int fd, const struct addr *to, const struct addr *local, const void *bytes,
             size_t size)
{
    if (descriptor_any(fd)->kind == OBJECT_PLACEHOLDER)
        return EINVAL;
    struct udp *udp = udp_of(fd);
    struct addr from = udp->bound;
    if (udp->send_only && (!udp->drops_received || broken_is("send-only")))
        broken_promise("a socket that only sends drops what it receives", "port %d",
                       udp->bound.port);
    uint32_t charged = (uint32_t)size + PACKET_EXTRA_BYTES;
    if (local->family != ADDR_NONE) {
        memcpy(from.ip, local->ip, sizeof from.ip);
        from.family = local->family;
    }
    if (faults_is_full() || udp->send_used + charged > udp->send_limit)
        return EAGAIN;
    udp->unwatched_bytes = 0;
    int error = faults_refuse_datagram();
    if (error == 0)
        error = find_path(udp, &from, to);
    if (error != 0)
        return -error;
    uint64_t stays_ns = network_queue_ns(to, size);
    if (stays_ns > 0) {
        struct charge *charge = malloc(sizeof *charge);
        *charge = (struct charge){udp, charged};
        udp->send_used += charged; /* the kernel keeps the socket until the datagram has left */
        event_queue_add(stays_ns, leave, charge);
    }
    network_from_server(&from, to, bytes, size, stays_ns);
    return 0;
}
