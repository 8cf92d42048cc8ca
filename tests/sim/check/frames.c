#include "sim/check/frames.h"

#include "sim/check/offloaded.h"
#include "sim/core/broken.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/os/process.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <string.h>

static uint64_t count;

void frames_noted(struct model_entry *entry, const struct packet *packet)
{
    if (entry == NULL)
        broken_promise("the tables of the offload have registered clients only",
                       "port %d was never seen", packet->from.port);
    entry->link.birth = host_birth(packet->link);
    memcpy(entry->link.ethernet, packet->ethernet, sizeof entry->link.ethernet);
    entry->link.local = packet->to;
    entry->link.seen_ms = simulated_clock_ms();
}

static bool is_same_ip(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

void frames_renewed(struct model_entry *entry, const struct addr *local)
{
    if (entry->link.seen_ms + FRAMES_NOTED_MS + MODEL_SLOP_MS < simulated_clock_ms() ||
        host_birth(local->scope) != entry->link.birth || !is_same_ip(local, &entry->link.local))
        entry->link.birth = 0;
}

void frames_ended(struct model_entry *entry)
{
    entry->link.birth = 0;
}

/* During a reload either of two paces may be in effect. */
static bool may_have_pace(void)
{
    return settings.copies_pps != 0 || (settings_change && next_settings.copies_pps != 0);
}

static void check_link(const struct observed_frame *frame, const struct model_entry *to)
{
    uint8_t ethernet[6];
    host_ethernet(frame->interface, ethernet);
    if (host_birth(frame->interface) != to->link.birth ||
        memcmp(frame->ethernet_to, to->link.ethernet, sizeof to->link.ethernet) != 0)
        broken_promise("a frame goes back by the link on which its client was seen last",
                       "port %d, by interface %" PRIu32, to->source.port, frame->interface);
    if (memcmp(frame->ethernet_from, ethernet, sizeof ethernet) != 0)
        broken_promise("a frame has the Ethernet address of its interface",
                       "port %d, by interface %" PRIu32, to->source.port, frame->interface);
}

static void check_size(const struct observed_frame *frame)
{
    size_t headers = frame->to.family == ADDR_IPV4 ? 28 : 48;
    if (headers + frame->size > host_mtu(frame->interface))
        broken_promise("a frame fits into the MTU of its interface", "%zu bytes of %" PRIu32,
                       headers + frame->size, host_mtu(frame->interface));
}

struct model_entry *frames_check(const struct observed_frame *frame)
{
    struct model_entry *to = model_find(offloaded_listener(&frame->from), &frame->to);
    if (to == NULL)
        broken_promise("a frame goes to a registered client", "port %d was never seen",
                       frame->to.port);
    if (!may_have_pace() || broken_now("frame-pace", 20))
        broken_promise("copies leave as frames only with a pace", "broadcast.rate is %" PRIu32,
                       settings.copies_pps);
    if (to->link.birth == 0)
        broken_promise("a client that the offload has not seen lately gets no frame",
                       "source %" PRIu32 " (port %d) has got one", to->number, to->source.port);
    if (frame->from.port != to->link.local.port || !is_same_ip(&frame->from, &to->link.local))
        broken_promise("a frame comes from the address that its client has sent to",
                       "port %d to port %d", frame->from.port, frame->to.port);
    check_link(frame, to);
    check_size(frame);
    count++;
    return to;
}

uint64_t frames_count(void)
{
    return count;
}

void frames_reset(void)
{
    count = 0;
}
