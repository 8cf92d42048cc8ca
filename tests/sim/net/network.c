#include "sim/net/network.h"
#include "sim/core/broken.h"

#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
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
static uint32_t in_transit;
static struct addr silent[SILENT_MAX];
static size_t silent_count;
static uint64_t slow_free_ns; /* when the slow interface has sent all that waits */

struct transit {
    bool to_server;
    struct packet *packet;
};

void network_begin(network_receiver *receiver)
{
    receive = receiver;
}

void network_end_faults(void)
{
    network = (struct network){.delay_min_ns = 100000, .delay_max_ns = 300000};
    silent_count = 0;
}

uint32_t network_in_transit(void)
{
    return in_transit;
}

/* ---- the host ---- */

static const struct {
    uint8_t family, ip[16];
    uint32_t interface;
} own_addresses[] = {
    {ADDR_IPV4, {127, 0, 0, 1}, INTERFACE_LOOPBACK},
    {ADDR_IPV6, {[15] = 1}, INTERFACE_LOOPBACK},
    {ADDR_IPV4, {192, 0, 2, 1}, INTERFACE_ETH0},
    {ADDR_IPV6, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, INTERFACE_ETH0},
    {ADDR_IPV6, {0xfe, 0x80, [15] = 1}, INTERFACE_ETH0},
    {ADDR_IPV4, {198, 51, 100, 1}, INTERFACE_ETH1},
};

bool network_is_own(const struct addr *addr)
{
    for (size_t i = 0; i < sizeof own_addresses / sizeof own_addresses[0]; i++)
        if (own_addresses[i].family == addr->family &&
            memcmp(own_addresses[i].ip, addr->ip, sizeof addr->ip) == 0)
            return true;
    return false;
}

uint32_t network_interface_to(const struct addr *to)
{
    if (addr_is_loopback(to))
        return INTERFACE_LOOPBACK;
    if (to->scope != 0)
        return to->scope;
    return to->family == ADDR_IPV4 && to->ip[0] == 198 ? INTERFACE_ETH1 : INTERFACE_ETH0;
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
    if (network_interface_to(to) != INTERFACE_ETH1 || now_ns >= network.slow_until_ns)
        return 0;
    if (slow_free_ns < now_ns)
        slow_free_ns = now_ns;
    slow_free_ns += size * SLOW_NS_PER_BYTE;
    return slow_free_ns - now_ns;
}

/* ---- packets on their way ---- */

static void arrive(void *state)
{
    struct transit *transit = state;
    struct packet *packet = transit->packet;
    in_transit--;
    if (transit->to_server) {
        udp_deliver(packet);
    } else {
        receive(&packet->from, &packet->to, packet->bytes, packet->size);
        free(packet);
    }
    free(transit);
}

static void start(struct packet *packet, bool to_server, uint64_t after_ns)
{
    struct transit *transit = malloc(sizeof *transit);
    *transit = (struct transit){to_server, packet};
    in_transit++;
    event_queue_add(after_ns + draw_range(DRAW_NETWORK, network.delay_min_ns, network.delay_max_ns),
                    arrive, transit);
}

static void send(const struct addr *from, const struct addr *to, const void *bytes, size_t size,
                 bool to_server, uint64_t after_ns)
{
    uint32_t interface = network_interface_to(to_server ? from : to);
    if (draw_chance(DRAW_NETWORK, network.loss)) {
        trace(TRACE_LOST, to->port, from->port, 3, 0);
        return;
    }
    int copies = draw_chance(DRAW_NETWORK, network.duplication) ? 2 : 1;
    for (int i = 0; i < copies; i++) {
        struct packet *packet = packet_new(from, to, interface, bytes, size);
        if (size > 0 && draw_chance(DRAW_NETWORK, network.truncation))
            packet->size = (uint32_t)draw_below(DRAW_NETWORK, size);
        if (packet->size > 0 && draw_chance(DRAW_NETWORK, network.corruption))
            packet->bytes[draw_below(DRAW_NETWORK, packet->size)] ^=
                (uint8_t)(1 << draw_below(DRAW_NETWORK, 8));
        start(packet, to_server, after_ns);
    }
}

void network_to_server(const struct addr *from, const struct addr *to, const void *bytes,
                       size_t size)
{
    send(from, to, bytes, size, true, 0);
}

void network_from_server(const struct addr *from, const struct addr *to, const void *bytes,
                         size_t size, uint64_t after_ns)
{
    bool is_broadcast = size > 0 && *(const char *)bytes == 'T';
    if (broken_is(is_broadcast ? "no-copies" : "no-replies"))
        return;
    for (size_t i = 0; i < silent_count; i++)
        if (memcmp(silent[i].ip, to->ip, sizeof to->ip) == 0)
            return;
    send(from, to, bytes, size, false, after_ns);
}
