#include "sim/net/network.h"
#include "sim/core/broken.h"

#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/net/offload_program.h"
#include "sim/net/udp.h"

#include <stdlib.h>
#include <string.h>

enum {
    SILENT_MAX = 64,
    ARP_NS = 1000000000,          /* what the kernel waits three times for an answer */
    SLOW_NS_PER_BYTE = 31250,     /* 256 kbit/s */
    QUEUE_BYTES_MAX = 256 * 1024, /* of a slow interface */
};

struct network network;
static network_receiver *receive;
static struct addr silent[SILENT_MAX];
static size_t silent_count;
static uint64_t slow_free_ns; /* when the slow interface has sent all that waits */

void network_begin(network_receiver *receiver)
{
    receive = receiver;
}

void network_end_faults(void)
{
    network = (struct network){.delay_min_ns = 100000, .delay_max_ns = 300000};
    silent_count = 0;
}

void network_set_silent(const struct addr *addr, bool is_silent)
{
    for (size_t i = 0; i < silent_count; i++)
        if (memcmp(silent[i].ip, addr->ip, sizeof addr->ip) == 0)
            silent[i--] = silent[--silent_count];
    if (is_silent && silent_count < SILENT_MAX)
        silent[silent_count++] = *addr;
}

uint64_t network_queue_ns(const struct addr *to, size_t size)
{
    uint64_t now_ns = event_queue_now_ns();
    for (size_t i = 0; i < silent_count; i++)
        if (memcmp(silent[i].ip, to->ip, sizeof to->ip) == 0)
            return 3 * (uint64_t)ARP_NS;
    if (host_route(to) != host_index(HOST_ETH1) || now_ns >= network.slow_until_ns)
        return 0;
    if (slow_free_ns < now_ns)
        slow_free_ns = now_ns;
    slow_free_ns += size * SLOW_NS_PER_BYTE;
    return slow_free_ns - now_ns;
}

/* ---- packets on their way ---- */

/* The Ethernet address that packets of a client have on the link: its own one, or that of one of
 * two routers, which take turns, or that of the sender that has forged it. Of some clients, one of
 * the two passes on packets that the program of the offload does not look at, such as those with a
 * VLAN tag. */
static void set_ethernet(struct packet *packet)
{
    enum { ROUTERS = 2, TURN_MS = 7000, TAGGED_EACH = 3 };
    const struct addr *from = &packet->from;
    uint8_t last = from->ip[from->family == ADDR_IPV4 ? 3 : 15];
    bool is_routed = from->ip[0] == 203 || (from->ip[0] == 0x20 && from->ip[5] == 1);
    uint64_t router = (event_queue_now_ms() / TURN_MS + last) % ROUTERS;
    uint8_t address[] = {2, 0, is_routed, from->ip[0], last, is_routed ? (uint8_t)router : 0};
    if (packet->forged_by != HOST_LO)
        address[5] = 0xff;
    memcpy(packet->ethernet, address, sizeof address);
    packet->is_tagged = is_routed && router == 1 && last % TAGGED_EACH == 0;
}

static uint32_t arrival_interface(const struct packet *packet)
{
    if (packet->forged_by != HOST_LO)
        return host_index(packet->forged_by);
    return addr_is_link_local(&packet->to) ? host_index(HOST_ETH0) : host_route(&packet->from);
}

/* It arrives by the interface that leads to its source, if that exists then; to a link-local
 * address by that of the link, also if its source is forged. The program sees it before the kernel
 * looks at its source. */
static void arrive_at_server(struct packet *packet)
{
    if (addr_is_link_local(&packet->from))
        packet->from.scope = host_index(HOST_ETH0);
    packet->interface = arrival_interface(packet);
    packet->link = host_link(packet->interface);
    set_ethernet(packet);
    bool is_up = host_is_up(packet->interface);
    if (is_up && program_takes(packet))
        return;
    if (is_up && (packet->forged_by == HOST_LO || host_accepts(&packet->from, packet->interface))) {
        udp_deliver(packet);
        return;
    }
    trace(TRACE_LOST, packet->to.port, packet->from.port, is_up ? 5 : 4, 0);
    free(packet);
}

/* A packet on its way to the server. */
struct transit {
    struct packet *packet; /* NULL: it has arrived before its time */
};

enum { LATEST = 16 };
static struct transit *latest[LATEST]; /* those that were sent last and are on their way */
static size_t latest_count;            /* of all that were sent */

static void on_arrival_at_server(void *state)
{
    struct transit *transit = state;
    for (size_t i = 0; i < LATEST; i++)
        if (latest[i] == transit)
            latest[i] = NULL;
    if (transit->packet != NULL)
        arrive_at_server(transit->packet);
    free(transit);
}

static void start_to_server(struct packet *packet, uint64_t delay_ns)
{
    struct transit *transit = malloc(sizeof *transit);
    *transit = (struct transit){packet};
    latest[latest_count++ % LATEST] = transit;
    event_queue_add(delay_ns, on_arrival_at_server, transit);
}

void network_arrive_now(void)
{
    for (size_t i = 0; i < LATEST; i++) {
        if (latest[i] == NULL)
            continue;
        struct packet *packet = latest[i]->packet;
        latest[i]->packet = NULL;
        latest[i] = NULL;
        arrive_at_server(packet);
    }
}

static void on_arrival_at_client(void *state)
{
    struct packet *packet = state;
    receive(&packet->from, &packet->to, packet->bytes, packet->size);
    free(packet);
}

static void start(struct packet *packet, bool to_server, uint64_t after_ns)
{
    uint64_t delay_ns =
        after_ns + draw_range(DRAW_NETWORK, network.delay_min_ns, network.delay_max_ns);
    if (to_server)
        start_to_server(packet, delay_ns);
    else
        event_queue_add_outside(delay_ns, on_arrival_at_client, packet);
}

static void send(const struct addr *from, const struct addr *to, const void *bytes, size_t size,
                 bool to_server, uint64_t after_ns)
{
    if (draw_chance(DRAW_NETWORK, network.loss)) {
        trace(TRACE_LOST, to->port, from->port, 3, 0);
        return;
    }
    int copies = draw_chance(DRAW_NETWORK, network.duplication) ? 2 : 1;
    for (int i = 0; i < copies; i++) {
        struct packet *packet = packet_new(from, to, bytes, size);
        if (size > 0 && draw_chance(DRAW_NETWORK, network.truncation))
            packet->size = (uint32_t)draw_below(DRAW_NETWORK, size);
        if (packet->size > 0 && draw_chance(DRAW_NETWORK, network.corruption))
            packet->bytes[draw_below(DRAW_NETWORK, packet->size)] ^=
                (uint8_t)(1 << draw_below(DRAW_NETWORK, 8));
        start(packet, to_server, after_ns);
    }
}

/* Sends the same by an interface that need not lead to its source. From or to an address of one
 * link or of loopback the kernel would drop it before all else. */
static void forge(const struct addr *from, const struct addr *to, const void *bytes, size_t size)
{
    if (addr_is_loopback(from) || addr_is_loopback(to) || addr_is_link_local(from) ||
        addr_is_link_local(to))
        return;
    struct packet *packet = packet_new(from, to, bytes, size);
    packet->forged_by = draw_below(DRAW_OFFLOAD, 2) == 0 ? HOST_ETH0 : HOST_ETH1;
    start(packet, true, 0);
}

void network_to_server(const struct addr *from, const struct addr *to, const void *bytes,
                       size_t size)
{
    send(from, to, bytes, size, true, 0);
    if (draw_chance(DRAW_OFFLOAD, network.forgery))
        forge(from, to, bytes, size);
}

static void leave(const struct addr *from, const struct addr *to, const void *bytes, size_t size,
                  uint64_t after_ns)
{
    bool is_broadcast = size > 0 && *(const char *)bytes == 'T';
    if (broken_is(is_broadcast ? "no-copies" : "no-replies"))
        return;
    for (size_t i = 0; i < silent_count; i++)
        if (memcmp(silent[i].ip, to->ip, sizeof to->ip) == 0)
            return;
    send(from, to, bytes, size, false, after_ns);
}

/* What has no route was refused before. */
void network_from_server(const struct addr *from, const struct addr *to, const void *bytes,
                         size_t size, uint64_t after_ns)
{
    uint32_t interface = host_route(to);
    if (interface == 0 || host_is_up(interface))
        leave(from, to, bytes, size, after_ns);
}

void network_frame(uint32_t interface, const struct addr *from, const struct addr *to,
                   const void *bytes, size_t size)
{
    if (host_is_up(interface))
        leave(from, to, bytes, size, 0);
}
