/* Each datagram walks through three rooms in turn: screen, registry, reply. A whole batch passes
 * one before its first datagram enters the next, so that the registry's memory is under way when it
 * is needed. Nothing here allocates, locks, logs or formats. */
#include "server/service.h"

/* A datagram that passed the screen. */
struct admitted {
    uint64_t hash; /* of its client */
    int i;         /* its place in the batch */
};

void service_ports_add(struct service_ports *ports, uint16_t port)
{
    ports->bits[port / 64] |= UINT64_C(1) << port % 64;
}

static bool is_own_port(const struct service_ports *ports, uint16_t port)
{
    return ports->bits[port / 64] >> port % 64 & 1;
}

/* The counter of the reason to drop a datagram; NULL if there is none. */
static uint64_t *reason_to_drop(const struct service *service, const struct datagram *datagram,
                                struct stats *round)
{
    if (datagram->cut)
        return &round->drop_oversize;
    if (datagram->source.port == 0)
        return &round->drop_port_zero;
    if (is_own_port(service->own_ports, datagram->source.port))
        return &round->drop_own_source;
    if (datagram->to_many)
        return &round->drop_multicast;
    return NULL;
}

static size_t screen(const struct service *service, uint8_t listener,
                     const struct datagram *datagrams, int count, struct admitted *admitted,
                     struct stats *round)
{
    size_t passed = 0;
    for (int i = 0; i < count; i++) {
        uint64_t *drop = reason_to_drop(service, &datagrams[i], round);
        if (drop != NULL) {
            ++*drop;
            continue;
        }
        admitted[passed].i = i;
        admitted[passed].hash = registry_hash(service->registry, listener, &datagrams[i].source);
        passed++;
    }
    return passed;
}

static void record(struct service *service, uint8_t listener, const struct datagram *datagrams,
                   const struct admitted *admitted, size_t count, uint64_t now_ms)
{
    for (size_t k = 0; k < count; k++) {
        const struct datagram *datagram = &datagrams[admitted[k].i];
        switch (registry_touch(service->registry, admitted[k].hash, listener, &datagram->source,
                               &datagram->local, now_ms)) {
        case REGISTRY_RENEWED:
            break;
        case REGISTRY_REJOINED:
            service->stats->expired++;
            service->stats->joined++;
            break;
        case REGISTRY_JOINED:
            service->stats->joined++;
            break;
        case REGISTRY_REFUSED:
            service->stats->refused_full++;
            break;
        }
    }
}

static void rotate(struct reply *reply, struct batch *batch, const struct admitted *admitted,
                   size_t count)
{
    size_t turn = reply_take(reply, count);
    for (size_t k = 0; k < count; k++, turn = reply_next(reply, turn)) {
        const struct message *message = reply_message(reply, turn);
        batch_answer(batch, admitted[k].i, message->bytes, message->size);
    }
}

static void echo(struct batch *batch, const struct datagram *datagrams,
                 const struct admitted *admitted, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        const struct datagram *datagram = &datagrams[admitted[k].i];
        batch_answer(batch, admitted[k].i, datagram->bytes, datagram->size);
    }
}

static void answer(struct service *service, struct batch *batch, const struct datagram *datagrams,
                   const struct admitted *admitted, size_t count, struct stats *round)
{
    switch (reply_mode(service->reply)) {
    case REPLY_ROTATE:
        rotate(service->reply, batch, admitted, count);
        break;
    case REPLY_ECHO:
        echo(batch, datagrams, admitted, count);
        break;
    case REPLY_NONE:
        round->silent += count;
        break;
    }
}

void service_decide(struct service *service, uint8_t listener, struct batch *batch, int count,
                    uint64_t now_ms, struct stats *round)
{
    const struct datagram *datagrams = batch_datagrams(batch);
    struct admitted admitted[BATCH_MAX];

    round->received += (uint64_t)count;
    size_t passed = screen(service, listener, datagrams, count, admitted, round);
    record(service, listener, datagrams, admitted, passed, now_ms);
    answer(service, batch, datagrams, admitted, passed, round);
}
