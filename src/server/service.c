/* Each datagram walks through three rooms in turn: screen, registry, reply. A whole batch passes
 * one before its first datagram enters the next, so that the registry can ask for the memory of all
 * before it needs that of the first. Nothing here allocates, locks, logs or formats. */
#include "server/service.h"

/* The datagrams that passed the screen, in the order of reception. */
struct admitted {
    size_t count;
    int datagrams[BATCH_MAX]; /* their places in the batch */
    struct registry_visit visits[BATCH_MAX];
};

void service_ports_add(struct service_ports *ports, uint16_t port)
{
    ports->bits[port / 64] |= UINT64_C(1) << port % 64;
}

static bool is_own_port(const struct service_ports *ports, uint16_t port)
{
    return ports->bits[port / 64] >> port % 64 & 1;
}

static bool is_own_addr(const struct service_groups *groups, const struct addr *source)
{
    for (size_t i = 0; i < groups->own_count; i++)
        if (addr_equal(&groups->own[i], source))
            return true;
    return false;
}

/* The counter of the reason to drop a datagram; NULL if there is none. */
static uint64_t *reason_to_drop(const struct service *service, bool of_group,
                                const struct datagram *datagram, struct stats *round)
{
    if (datagram->cut)
        return &round->drop_oversize;
    if (datagram->source.port == 0)
        return &round->drop_port_zero;
    if (of_group ? is_own_addr(&service->groups, &datagram->source)
                 : is_own_port(service->own_ports, datagram->source.port))
        return &round->drop_own_source;
    if (datagram->to_many)
        return &round->drop_multicast;
    return NULL;
}

static void screen(const struct service *service, uint8_t listener,
                   const struct datagram *datagrams, int count, struct admitted *admitted,
                   struct stats *round)
{
    size_t passed = 0;
    bool of_group = service->groups.listeners >> listener & 1;
    for (int i = 0; i < count; i++) {
        const struct datagram *datagram = &datagrams[i];
        uint64_t *drop = reason_to_drop(service, of_group, datagram, round);
        if (drop != NULL) {
            ++*drop;
            continue;
        }
        admitted->datagrams[passed] = i;
        admitted->visits[passed].source = &datagram->source;
        admitted->visits[passed].local = &datagram->local;
        passed++;
    }
    admitted->count = passed;
}

static void count_visits(struct stats *stats, const struct admitted *admitted)
{
    for (size_t k = 0; k < admitted->count; k++) {
        switch (admitted->visits[k].touched) {
        case REGISTRY_RENEWED:
            break;
        case REGISTRY_REJOINED:
            stats->expired++;
            stats->joined++;
            break;
        case REGISTRY_JOINED:
            stats->joined++;
            break;
        case REGISTRY_REFUSED:
            stats->refused_full++;
            break;
        }
    }
}

static void record(struct service *service, uint8_t listener, struct admitted *admitted,
                   uint64_t now_ms)
{
    size_t renewed =
        registry_touch(service->registry, listener, admitted->visits, admitted->count, now_ms);
    if (renewed < admitted->count)
        count_visits(service->stats, admitted);
}

static void rotate(struct reply *reply, struct batch *batch, const struct admitted *admitted)
{
    size_t turn = reply_take(reply, admitted->count);
    for (size_t k = 0; k < admitted->count; k++, turn = reply_next(reply, turn)) {
        const struct message *message = reply_message(reply, turn);
        batch_answer(batch, admitted->datagrams[k], message->bytes, message->size);
    }
}

static void echo(struct batch *batch, const struct datagram *datagrams,
                 const struct admitted *admitted)
{
    for (size_t k = 0; k < admitted->count; k++) {
        const struct datagram *datagram = &datagrams[admitted->datagrams[k]];
        batch_answer(batch, admitted->datagrams[k], datagram->bytes, datagram->size);
    }
}

static void answer(struct service *service, struct batch *batch, const struct datagram *datagrams,
                   const struct admitted *admitted, struct stats *round)
{
    switch (reply_mode(service->reply)) {
    case REPLY_ROTATE:
        rotate(service->reply, batch, admitted);
        break;
    case REPLY_ECHO:
        echo(batch, datagrams, admitted);
        break;
    case REPLY_NONE:
        round->silent += admitted->count;
        break;
    }
}

static void tell(const struct service_ear *ear, uint8_t listener, const struct datagram *datagrams,
                 const struct admitted *admitted, uint64_t now_ms)
{
    for (size_t k = 0; k < admitted->count; k++)
        if (admitted->visits[k].touched != REGISTRY_REFUSED)
            ear->hear(ear->state, listener, &datagrams[admitted->datagrams[k]], now_ms);
}

void service_decide(struct service *service, uint8_t listener, struct batch *batch, int count,
                    uint64_t now_ms, struct stats *round)
{
    const struct datagram *datagrams = batch_datagrams(batch);
    struct admitted admitted;

    round->received += (uint64_t)count;
    screen(service, listener, datagrams, count, &admitted, round);
    record(service, listener, &admitted, now_ms);
    answer(service, batch, datagrams, &admitted, round);
    if (service->ear.hear != NULL)
        tell(&service->ear, listener, datagrams, &admitted, now_ms);
}
