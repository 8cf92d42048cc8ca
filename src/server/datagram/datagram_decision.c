/* Each datagram walks through three rooms in turn: screen, registry, reply. A whole batch passes
 * one before its first datagram enters the next, so that the registry can ask for the memory of all
 * before it needs that of the first. Nothing here allocates, locks, logs or formats. */
#include "server/datagram/datagram_decision.h"

#include "wire/frame.h"

#include <string.h>

/* The datagrams that passed the screen, in the order of reception. */
struct admitted {
    size_t count;
    uint8_t datagrams[BATCH_MAX]; /* their places in the batch */
    uint8_t heads[BATCH_MAX];     /* bytes before the request: of an answer to a challenge */
    struct registry_datagram visits[BATCH_MAX];
};

/* The batch at hand, and all that is decided about it. */
struct walk {
    struct datagram_decider *datagram_decider;
    struct batch *batch;
    const struct datagram *datagrams;
    struct decided_answers *answers;
    uint64_t now_ms;
    uint8_t listener;
    bool of_group; /* the listener is one */
    struct admitted admitted;
};

void own_ports_add(struct own_ports *ports, const struct addr *addr)
{
    ports->bits[0] |= 1; /* port 0 is looked at more closely, too */
    ports->bits[addr->port / 64] |= UINT64_C(1) << addr->port % 64;
    ports->addrs[ports->count++] = *addr;
}

void datagram_decider_set_rules(struct datagram_decider *datagram_decider,
                                const struct admission_rules *rules, uint64_t now_ms)
{
    if (rules->cookie && !datagram_decider->rules.cookie)
        registry_expire_all(datagram_decider->registry, now_ms);
    datagram_decider->rules = *rules;
    if (rules->prefixes != NULL)
        registry_set_prefix_cap(datagram_decider->registry, rules->prefixes,
                     rules->dry_run ? 0 : rules->per_prefix);
}

/* Whether it is over its rate, and that matters. */
static bool is_limited(struct walk *walk, const struct addr *source,
                       enum rate_limiter_sender sender)
{
    const struct admission_rules *rules = &walk->datagram_decider->rules;
    if (rules->limiter == NULL ||
        rate_limiter_take(rules->limiter, &rules->limits, source, sender, walk->now_ms))
        return false;
    walk->answers->stats.dry_limited += rules->dry_run;
    walk->answers->stats.drop_limited += !rules->dry_run;
    return !rules->dry_run;
}

/* ---- frames ---- */

/* The queue of challenges and pongs for an address. */
static struct challenge_queue *challenges_to(struct walk *walk, const struct addr *addr)
{
    const struct access_list *on_link = walk->datagram_decider->rules.on_link;
    return on_link != NULL && access_list_admits(on_link, addr) ? &walk->answers->on_link
                                                                : &walk->answers->routed;
}

/* Queues a challenge in place of an answer, unless strangers of its source had too many. Its 21
 * bytes, or 69 with the headers of IPv6, are within three times what any datagram brings, which is
 * its own headers at least. */
static void challenge(struct walk *walk, int i)
{
    const struct addr *source = &walk->datagrams[i].source;
    if (is_limited(walk, source, RATE_LIMITER_UNVERIFIED))
        return;
    uint8_t *frame = batch_scratch(walk->batch, i);
    cookie_make(&walk->datagram_decider->secrets, walk->listener, source, frame_challenge(frame));
    batch_answer(challenges_to(walk, source)->batch, walk->batch, i, frame, FRAME_CHALLENGE_BYTES);
}
_Static_assert((int)FRAME_COOKIE_BYTES == (int)COOKIE_BYTES, "a frame has room for a cookie");
_Static_assert(28 + FRAME_CHALLENGE_BYTES <= 3 * 28 && 48 + FRAME_CHALLENGE_BYTES <= 3 * 48,
               "a challenge to an empty datagram is no amplification");

/* Whoever pings is a stranger, where it matters. */
static void pong(struct walk *walk, int i, const struct frame *ping)
{
    if (walk->datagram_decider->rules.cookie &&
        is_limited(walk, &walk->datagrams[i].source, RATE_LIMITER_UNVERIFIED))
        return;
    struct challenge_queue *queue = challenges_to(walk, &walk->datagrams[i].source);
    uint8_t *frame = batch_scratch(walk->batch, i);
    size_t size = frame_pong(frame, ping);
    queue->pongs |= UINT64_C(1) << batch_queued(queue->batch);
    batch_answer(queue->batch, walk->batch, i, frame, size);
}
_Static_assert((int)FRAME_BYTES_MAX <= (int)BATCH_SCRATCH_BYTES, "frames are built in scratch");

/* Whether the cookie of a frame proves its source; without a policy that asks for it, any does. */
static bool is_proof(struct walk *walk, const struct datagram *datagram, const struct frame *frame)
{
    const struct datagram_decider *datagram_decider = walk->datagram_decider;
    if (!datagram_decider->rules.cookie)
        return true;
    if (frame->cookie == NULL)
        return false;
    if (cookie_is_good(&datagram_decider->secrets, walk->listener, &datagram->source, frame->cookie,
                       walk->now_ms))
        return true;
    walk->answers->stats.bad_cookies++;
    return false;
}

/* What begins as a frame does: false, or what it is to the registry, with the bytes before its
 * request. */
static bool screen_frame(struct walk *walk, int i, enum registry_action *verb, uint8_t *head)
{
    const struct datagram *datagram = &walk->datagrams[i];
    struct frame frame = frame_read(datagram->bytes, datagram->size);
    switch (frame.type) {
    case FRAME_ANSWER:
    case FRAME_LEAVE:
        if (!is_proof(walk, datagram, &frame)) {
            challenge(walk, i);
            return false;
        }
        if (walk->datagram_decider->rules.cookie &&
            is_limited(walk, &datagram->source, RATE_LIMITER_VERIFIED))
            return false;
        *verb = frame.type == FRAME_LEAVE ? REGISTRY_LEAVE : REGISTRY_JOIN;
        *head = FRAME_ANSWER_HEAD_BYTES;
        return true;
    case FRAME_PING:
        pong(walk, i, &frame);
        return false;
    default:
        /* A challenge or a pong is meant for a client; who sends one here is a server, or forged
         * its address, and an answer would be the beginning of a loop. */
        walk->answers->stats.drop_bad_frame++;
        return false;
    }
}

/* ---- the screen ---- */

/* Whether the source is an address that we listen on ourselves; of those on all of the host's, the
 * one that it was sent to. */
static bool is_own_addr(const struct own_ports *ports, const struct datagram *datagram)
{
    const struct addr *source = &datagram->source;
    for (uint32_t i = 0; i < ports->count; i++) {
        const struct addr *own = &ports->addrs[i];
        if (own->port != source->port || own->family != source->family)
            continue;
        if (memcmp(own->ip, source->ip, sizeof own->ip) == 0)
            return true;
        if (addr_is_wildcard(own) &&
            (addr_is_loopback(source) ||
             memcmp(datagram->local.ip, source->ip, sizeof source->ip) == 0))
            return true;
    }
    return false;
}

static inline bool is_own_port(const struct own_ports *ports, uint16_t port)
{
    return ports->bits[port / 64] >> port % 64 & 1;
}

/* Whether we are the source of what came by a group. */
static bool is_own_voice(const struct multicast_listeners *groups, const struct addr *source)
{
    for (size_t i = 0; i < groups->own_count; i++)
        if (addr_equal(&groups->own[i], source))
            return true;
    return false;
}

/* Whether nobody in particular is the source: a group, everyone, or an address that isn't there. */
static bool is_from_many(const struct addr *source)
{
    static const uint8_t everyone[4] = {255, 255, 255, 255};
    return addr_is_multicast(source) || addr_is_wildcard(source) ||
           (source->family == ADDR_IPV4 && memcmp(source->ip, everyone, sizeof everyone) == 0);
}

/* Cookie and request of an answer together may be that much longer than a request alone. */
static bool is_oversize(const struct datagram_decider *datagram_decider,
                        const struct datagram *datagram)
{
    return datagram->cut ||
           datagram->size > datagram_decider->max_datagram_bytes + FRAME_ANSWER_HEAD_BYTES ||
           frame_read(datagram->bytes, datagram->size).type != FRAME_ANSWER;
}

/* The counter of the reason to drop a datagram, whoever sent it; NULL if there is none. */
static uint64_t *reason_to_drop(struct walk *walk, const struct datagram *datagram)
{
    const struct datagram_decider *datagram_decider = walk->datagram_decider;
    struct stats *stats = &walk->answers->stats;
    const struct addr *source = &datagram->source;
    if ((datagram->cut || datagram->size > datagram_decider->max_datagram_bytes) &&
        is_oversize(datagram_decider, datagram))
        return &stats->drop_oversize;
    if (source->port == 0)
        return &stats->drop_port_zero;
    /* Another server, or ourselves. Where addresses are proven, clients may have our port at home:
     * another server would be challenged, and drop that. */
    if (walk->of_group ? is_own_voice(&datagram_decider->groups, source)
                       : is_own_port(datagram_decider->own_ports, source->port) &&
                             (!datagram_decider->rules.cookie ||
                              is_own_addr(datagram_decider->own_ports, datagram)))
        return &stats->drop_own_source;
    if (datagram->to_many || is_from_many(source) ||
        broadcast_addrs_has(&datagram_decider->broadcast_addrs, source))
        return &stats->drop_multicast;
    return NULL;
}

/* Whether a source is kept out. Where addresses are proven, how much it sends is looked at when it
 * is known whether it is its own. */
static inline bool is_refused(struct walk *walk, const struct addr *source)
{
    const struct admission_rules *rules = &walk->datagram_decider->rules;
    if (rules->acl != NULL && !access_list_admits(rules->acl, source)) {
        walk->answers->stats.drop_denied++;
        return true;
    }
    return !rules->cookie && is_limited(walk, source, RATE_LIMITER_UNVERIFIED);
}

/* Whether a datagram is as nearly all are: then there is no reason to drop it. Port 0 counts as one
 * of ours here; 0.x.y.z, ::x, what lies behind 223.x.y.z and dfff: and what ends like a broadcast
 * address of ours is looked at more closely. */
static inline bool is_usual(const struct datagram_decider *datagram_decider,
                            const struct datagram *datagram, const struct own_ports *ports,
                            uint32_t max_bytes)
{
    return !datagram->cut && !datagram->to_many && datagram->size <= max_bytes &&
           (uint8_t)(datagram->source.ip[0] - 1) < 223 &&
           !broadcast_addrs_may_have(&datagram_decider->broadcast_addrs, &datagram->source) &&
           !is_own_port(ports, datagram->source.port);
}

static void screen(struct walk *walk, int count)
{
    const struct admission_rules *rules = &walk->datagram_decider->rules;
    const struct own_ports *ports = walk->datagram_decider->own_ports;
    uint32_t max_bytes = walk->datagram_decider->max_datagram_bytes;
    enum registry_action usual = rules->cookie ? REGISTRY_RENEW : REGISTRY_JOIN;
    bool guarded = rules->acl != NULL || rules->limiter != NULL;
    struct admitted *admitted = &walk->admitted;
    size_t passed = 0;
    for (int i = 0; i < count; i++) {
        const struct datagram *datagram = &walk->datagrams[i];
        struct registry_datagram *visit = &admitted->visits[passed];
        uint64_t *drop = NULL;
        if (walk->of_group || !is_usual(walk->datagram_decider, datagram, ports, max_bytes))
            drop = reason_to_drop(walk, datagram);
        if (drop != NULL) {
            ++*drop;
            continue;
        }
        if (guarded && is_refused(walk, &datagram->source))
            continue;
        visit->source = &datagram->source;
        visit->local = &datagram->local;
        visit->action = usual;
        admitted->heads[passed] = 0;
        admitted->datagrams[passed] = (uint8_t)i;
        if (frame_begins(datagram->bytes, datagram->size) &&
            !screen_frame(walk, i, &visit->action, &admitted->heads[passed]))
            continue;
        passed++;
    }
    admitted->count = passed;
}

/* ---- the registry ---- */

static void count_joined(struct walk *walk, const struct addr *source)
{
    const struct admission_rules *rules = &walk->datagram_decider->rules;
    walk->datagram_decider->stats->joined++;
    if (rules->dry_run && rules->per_prefix != 0 &&
        prefix_counts_count(rules->prefixes, source) > rules->per_prefix)
        walk->answers->stats.dry_prefix++;
}

/* Counts what a datagram was to the registry. False if it gets no reply. */
static bool count_visit(struct walk *walk, const struct registry_datagram *visit, int i)
{
    struct stats *stats = walk->datagram_decider->stats;
    switch (visit->outcome) {
    case REGISTRY_RENEWED:
        /* Who had to prove his address has been looked at. */
        return visit->action != REGISTRY_RENEW ||
               !is_limited(walk, visit->source, RATE_LIMITER_VERIFIED);
    case REGISTRY_REJOINED:
        stats->expired++;
        count_joined(walk, visit->source);
        return true;
    case REGISTRY_JOINED:
        count_joined(walk, visit->source);
        return true;
    case REGISTRY_REFUSED:
        stats->refused_full++;
        return true;
    case REGISTRY_PREFIX_FULL:
        stats->refused_prefix++;
        return true;
    case REGISTRY_UNKNOWN:
        if (visit->action == REGISTRY_LEAVE)
            walk->answers->stats.drop_bad_frame++;
        else
            challenge(walk, i);
        return false;
    case REGISTRY_LEFT:
        walk->answers->stats.left++;
        return false;
    }
    return false;
}

/* Tells the others what those of the kept ones said. Who isn't registered isn't heard; the ear sees
 * to that. */
static void tell(const struct walk *walk, size_t first, size_t end)
{
    const struct message_callback *on_message = &walk->datagram_decider->on_message;
    const struct admitted *admitted = &walk->admitted;
    for (size_t k = first; k < end; k++) {
        struct datagram said = walk->datagrams[admitted->datagrams[k]];
        said.bytes += admitted->heads[k];
        said.size -= admitted->heads[k];
        on_message->hear(on_message->state, walk->listener, &said, walk->now_ms);
    }
}

/* Where those end that are recorded at once with the first: all, but where somebody listens they
 * are heard before one of them leaves. */
static size_t end_of_run(const struct walk *walk, size_t first)
{
    const struct admitted *admitted = &walk->admitted;
    size_t end = admitted->count;
    if (walk->datagram_decider->on_message.hear != NULL)
        for (end = first + 1; end < admitted->count; end++)
            if (admitted->visits[end].action == REGISTRY_LEAVE)
                break;
    return end;
}

/* Counts the visits of a run, and moves those that get a reply to behind the kept ones. Returns how
 * many those are then. */
static size_t keep(struct walk *walk, size_t first, size_t end, size_t kept)
{
    struct admitted *admitted = &walk->admitted;
    for (size_t k = first; k < end; k++) {
        if (!count_visit(walk, &admitted->visits[k], admitted->datagrams[k]))
            continue;
        admitted->datagrams[kept] = admitted->datagrams[k];
        admitted->heads[kept++] = admitted->heads[k];
    }
    return kept;
}

/* Has the registry know of the datagrams, and the others of what was said, and keeps those that get
 * a reply. */
static void record(struct walk *walk)
{
    const struct admission_rules *rules = &walk->datagram_decider->rules;
    struct admitted *admitted = &walk->admitted;
    bool limited = rules->cookie && rules->limiter != NULL;
    size_t kept = 0;
    for (size_t first = 0, end; first < admitted->count; first = end) {
        end = end_of_run(walk, first);
        size_t before = kept;
        size_t renewed = registry_update(walk->datagram_decider->registry, walk->listener,
                                         &admitted->visits[first], end - first, walk->now_ms);
        bool stay = renewed == end - first && kept == first && !limited; /* all are old friends */
        kept = stay ? end : keep(walk, first, end, kept);
        if (walk->datagram_decider->on_message.hear != NULL)
            tell(walk, before, kept);
    }
    admitted->count = kept;
}

/* ---- the reply ---- */

/* The batch by which the reply to datagram i leaves. */
static inline struct batch *replies_of(const struct walk *walk, int i, bool by_interface)
{
    struct decided_answers *answers = walk->answers;
    return answers
        ->replies[by_interface ? interface_slot(answers->slots, walk->datagrams[i].local.scope)
                               : 0];
}

static inline void rotate(struct walk *walk, bool by_interface)
{
    struct reply *reply = walk->datagram_decider->reply;
    const struct admitted *admitted = &walk->admitted;
    size_t turn = reply_rotation_take(reply, admitted->count);
    for (size_t k = 0; k < admitted->count; k++, turn = reply_rotation_next(reply, turn)) {
        const struct message *message = reply_rotation_message(reply, turn);
        int i = admitted->datagrams[k];
        batch_answer(replies_of(walk, i, by_interface), walk->batch, i, message->bytes,
                     message->size);
    }
}

static void echo(struct walk *walk, bool by_interface)
{
    const struct admitted *admitted = &walk->admitted;
    for (size_t k = 0; k < admitted->count; k++) {
        int i = admitted->datagrams[k];
        const struct datagram *datagram = &walk->datagrams[i];
        batch_answer(replies_of(walk, i, by_interface), walk->batch, i,
                     datagram->bytes + admitted->heads[k], datagram->size - admitted->heads[k]);
    }
}

static void answer(struct walk *walk)
{
    bool by_interface = walk->answers->slots != NULL;
    switch (reply_mode(walk->datagram_decider->reply)) {
    case REPLY_ROTATE:
        if (by_interface) /* two loops, neither of which asks again */
            rotate(walk, true);
        else
            rotate(walk, false);
        break;
    case REPLY_ECHO:
        echo(walk, by_interface);
        break;
    case REPLY_NONE:
        walk->answers->stats.silent += walk->admitted.count;
        break;
    }
}

void datagram_decide(struct datagram_decider *datagram_decider, uint8_t listener,
                     struct batch *batch, int count, uint64_t now_ms,
                     struct decided_answers *answers)
{
    struct walk walk; /* set where it is used: not all of it is, every time */
    walk.datagram_decider = datagram_decider;
    walk.batch = batch;
    walk.datagrams = batch_datagrams(batch);
    walk.answers = answers;
    walk.now_ms = now_ms;
    walk.listener = listener;
    walk.of_group = datagram_decider->groups.listeners >> listener & 1;

    answers->stats.received += (uint64_t)count;
    screen(&walk, count);
    record(&walk);
    answer(&walk);
}
