#include "server/datagram/datagram_decision.h"

#include "wire/frame.h"

#include <string.h>

/* The steps are taken by the whole batch, one after the other: filter (steps 1 to 7 of the header),
 * update_registry (8 and 9), reply (10). */

/* The datagrams that passed the filter, in the order of reception. */
struct admitted {
    size_t count;
    uint8_t indexes[BATCH_MAX];      /* in the batch */
    uint8_t header_bytes[BATCH_MAX]; /* of the frame, before the request; 0 without a frame */
    struct registry_datagram records[BATCH_MAX];
};

/* A batch, and what is decided about it so far. */
struct decision {
    struct datagram_decider *decider;
    struct batch *batch;
    const struct datagram *datagrams;
    struct datagram_answers *answers;
    uint64_t now_ms;
    uint8_t listener;
    bool to_group;          /* the listener is a multicast group */
    bool may_be_earlier;    /* see struct earlier_datagrams */
    uint64_t elsewhere;     /* a bit for each datagram whose source another worker registers */
    uint64_t client_frames; /* a bit for each hello and confirm that passed the filter */
    struct admitted admitted;
};

void datagram_decider_set_rules(struct datagram_decider *decider,
                                const struct admission_rules *rules, uint64_t now_ms)
{
    if (rules->cookie && !decider->rules.cookie)
        registry_expire_all(decider->registry, now_ms);
    decider->rules = *rules;
    if (rules->prefixes != NULL)
        registry_set_prefix_cap(decider->registry, rules->prefixes,
                                rules->dry_run ? 0 : rules->per_prefix);
}

/* Counts a datagram against the rate of its source. Returns whether it is above the rate and has to
 * be dropped. */
static bool is_limited(struct decision *decision, const struct addr *source,
                       enum rate_limiter_sender sender)
{
    const struct admission_rules *rules = &decision->decider->rules;
    if (rules->limiter == NULL ||
        rate_limiter_take(rules->limiter, &rules->limits, source, sender, decision->now_ms))
        return false;
    decision->answers->stats.dry_limited += rules->dry_run;
    decision->answers->stats.drop_limited += !rules->dry_run;
    return !rules->dry_run;
}

/* ---- frames ---- */

/* Returns the queue of challenges and pongs to an address. */
static struct challenge_queue *challenge_queue_of(struct decision *decision,
                                                  const struct addr *addr)
{
    const struct access_list *on_link = decision->decider->rules.on_link;
    return on_link != NULL && access_list_admits(on_link, addr) ? &decision->answers->on_link
                                                                : &decision->answers->routed;
}

/* Queues a challenge instead of a reply. It has 21 bytes, 49 with the headers of IPv4 and 69 with
 * those of IPv6, for at least 28 and 48 that were received: at most 1.75 times as many
 * (docs/security.md). */
static void queue_challenge(struct decision *decision, int i)
{
    const struct addr *source = &decision->datagrams[i].source;
    uint8_t *frame = batch_scratch(decision->batch, i);
    cookie_make(&decision->decider->secrets, decision->listener, source,
                frame_write_challenge(frame));
    batch_add_reply(challenge_queue_of(decision, source)->batch, decision->batch, i, frame,
                    FRAME_CHALLENGE_BYTES);
}
_Static_assert((int)FRAME_COOKIE_BYTES == (int)COOKIE_BYTES, "a cookie fits into a frame");
_Static_assert(28 + FRAME_CHALLENGE_BYTES <= 3 * 28 && 48 + FRAME_CHALLENGE_BYTES <= 3 * 48,
               "a challenge to an empty datagram is no amplification");

/* Challenges a datagram, unless the unverified ones of its source are above the rate. */
static void challenge(struct decision *decision, int i)
{
    if (!is_limited(decision, &decision->datagrams[i].source, RATE_LIMITER_UNVERIFIED))
        queue_challenge(decision, i);
}

/* Queues a pong. Under the cookie policy a ping counts as unverified. */
static void pong(struct decision *decision, int i, const struct frame *ping)
{
    if (decision->decider->rules.cookie &&
        is_limited(decision, &decision->datagrams[i].source, RATE_LIMITER_UNVERIFIED))
        return;
    struct challenge_queue *queue = challenge_queue_of(decision, &decision->datagrams[i].source);
    uint8_t *frame = batch_scratch(decision->batch, i);
    size_t size = frame_write_pong(frame, ping);
    queue->pongs |= UINT64_C(1) << batch_queued(queue->batch);
    batch_add_reply(queue->batch, decision->batch, i, frame, size);
}
_Static_assert((int)FRAME_REPLY_BYTES_MAX <= (int)BATCH_SCRATCH_BYTES,
               "frames are built in scratch");

/* Returns whether the cookie of a frame proves its source; true for any without that policy. */
static bool is_verified(struct decision *decision, const struct datagram *datagram,
                        const struct frame *frame)
{
    const struct datagram_decider *decider = decision->decider;
    if (!decider->rules.cookie)
        return true;
    if (frame->cookie == NULL)
        return false;
    if (cookie_is_valid(&decider->secrets, decision->listener, &datagram->source, frame->cookie,
                        decision->now_ms))
        return true;
    decision->answers->stats.bad_cookies++;
    return false;
}

/* Step 7: a datagram that begins like a frame. Returns false if it does not reach the registry;
 * otherwise sets the action for the registry, and the number of bytes before its request. */
static bool filter_frame(struct decision *decision, int i, enum registry_action *action,
                         uint8_t *header_bytes)
{
    const struct datagram *datagram = &decision->datagrams[i];
    struct frame frame = frame_read(datagram->bytes, datagram->size);
    switch (frame.type) {
    case FRAME_ANSWER:
    case FRAME_LEAVE:
        if (!is_verified(decision, datagram, &frame)) {
            challenge(decision, i);
            return false;
        }
        if (decision->decider->rules.cookie &&
            is_limited(decision, &datagram->source, RATE_LIMITER_VERIFIED))
            return false;
        *action = frame.type == FRAME_LEAVE ? REGISTRY_LEAVE : REGISTRY_JOIN;
        *header_bytes = FRAME_ANSWER_HEAD_BYTES;
        return true;
    case FRAME_PING:
        pong(decision, i, &frame);
        return false;
    case FRAME_HELLO:
    case FRAME_CONFIRM:
        *action = REGISTRY_RENEW;
        decision->client_frames |= UINT64_C(1) << i;
        return true;
    default:
        /* Only servers send challenges, pongs, messages and nameds: this is another server, or a
         * forged source, and an answer could begin a loop. */
        decision->answers->stats.drop_bad_frame++;
        return false;
    }
}

/* Queues the answer to a hello. */
static void named(struct decision *decision, int i, enum frame_named_status status)
{
    struct challenge_queue *queue = challenge_queue_of(decision, &decision->datagrams[i].source);
    uint8_t *frame = batch_scratch(decision->batch, i);
    size_t size = frame_write_named(frame, status, NULL, 0);
    queue->nameds |= UINT64_C(1) << batch_queued(queue->batch);
    batch_add_reply(queue->batch, decision->batch, i, frame, size);
}

/* Decides about a hello of a client, whose rate was checked. Its flags are in effect unless it is
 * challenged. */
static void answer_hello(struct decision *decision, int i, const struct client *client,
                         const struct frame *hello)
{
    const struct datagram_decider *decider = decision->decider;
    enum frame_named_status status;
    enum hello_outcome outcome = hello_decide(
        &decider->names, &decider->secrets, client, hello, decision->now_ms,
        decision->now_ms + registry_ttl(decider->registry), &decision->answers->stats, &status);
    if (outcome == HELLO_CHALLENGE) {
        queue_challenge(decision, i);
        return;
    }
    registry_set_frames(decider->registry, client->slot, hello->flags & FRAME_HELLO_FRAMES);
    if (outcome == HELLO_WAITS)
        registry_set_named(decider->registry, client->slot);
    if (outcome == HELLO_ANSWER)
        named(decision, i, status);
    else
        decision->answers->stats.named++;
}

static void record_confirm(struct decision *decision, const struct client *client,
                           const struct frame *confirm)
{
    struct stats *stats = &decision->answers->stats;
    switch (confirmations_confirm(decision->decider->confirmations, confirm->job, client->slot,
                                  client->join_number)) {
    case CONFIRMATION_FIRST:
        stats->confirmed++;
        break;
    case CONFIRMATION_AGAIN:
        stats->confirmed_again++;
        break;
    case CONFIRMATION_UNKNOWN:
        stats->drop_bad_frame++;
        break;
    }
}

/* Step 9 of a hello or confirm, whose source was to be renewed in the registry. */
static void decide_client_frame(struct decision *decision, const struct registry_datagram *record,
                                int i)
{
    const struct datagram_decider *decider = decision->decider;
    const struct datagram *datagram = &decision->datagrams[i];
    struct frame frame = frame_read(datagram->bytes, datagram->size);
    struct client client;
    if (record->outcome != REGISTRY_RENEWED ||
        !registry_find(decider->registry, decision->listener, record->source, decision->now_ms,
                       &client)) {
        if (decider->rules.cookie && frame.type == FRAME_HELLO)
            challenge(decision, i);
        else
            decision->answers->stats.drop_bad_frame++;
        return;
    }
    /* Under any other policy the filter has checked the rate. */
    if (decider->rules.cookie && is_limited(decision, record->source, RATE_LIMITER_VERIFIED))
        return;
    if (frame.type == FRAME_HELLO)
        answer_hello(decision, i, &client, &frame);
    else
        record_confirm(decision, &client, &frame);
}

/* ---- the filter ---- */

/* Returns whether an address is multicast, wildcard or broadcast, which no single sender has. */
static bool is_invalid_source(const struct addr *source)
{
    static const uint8_t broadcast[4] = {255, 255, 255, 255};
    return addr_is_multicast(source) || addr_is_wildcard(source) ||
           (source->family == ADDR_IPV4 && memcmp(source->ip, broadcast, sizeof broadcast) == 0);
}

/* Decides about a datagram that is longer than a plain request may be. An answer to a challenge may
 * be longer by the frame's header, and hellos and confirms have lengths of their own. */
static bool is_oversize(const struct datagram_decider *decider, const struct datagram *datagram)
{
    if (datagram->truncated)
        return true;
    switch (frame_read(datagram->bytes, datagram->size).type) {
    case FRAME_ANSWER:
        return datagram->size > decider->max_datagram_bytes + FRAME_ANSWER_HEAD_BYTES;
    case FRAME_HELLO:
    case FRAME_CONFIRM:
        return false;
    default:
        return true;
    }
}

/* Steps 1 to 4. Returns the counter of the reason to drop a datagram, or NULL if there is none. */
static uint64_t *drop_reason(struct decision *decision, const struct datagram *datagram)
{
    const struct datagram_decider *decider = decision->decider;
    struct stats *stats = &decision->answers->stats;
    const struct addr *source = &datagram->source;
    if ((datagram->truncated || datagram->size > decider->max_datagram_bytes) &&
        is_oversize(decider, datagram))
        return &stats->drop_oversize;
    if (source->port == 0)
        return &stats->drop_port_zero;
    /* Under the cookie policy a client may send from the port number on which we listen: if it is
     * another server, it gets a challenge, which it drops. */
    if (decision->to_group
            ? own_addrs_has(decider->groups.own_addrs, source)
            : own_ports_has(decider->own_ports, source->port) &&
                  (!decider->rules.cookie || own_ports_has_source(decider->own_ports, datagram)))
        return &stats->drop_own_source;
    if (datagram->is_multicast || is_invalid_source(source) ||
        broadcast_addrs_contains(&decider->broadcast_addrs, source))
        return &stats->drop_multicast;
    return NULL;
}

/* Steps 5 and 6. Under the cookie policy the rate is checked later, when it is known whether the
 * source is verified. */
static inline bool is_denied_or_limited(struct decision *decision, const struct addr *source)
{
    const struct admission_rules *rules = &decision->decider->rules;
    if (rules->acl != NULL && !access_list_admits(rules->acl, source)) {
        decision->answers->stats.drop_denied++;
        return true;
    }
    return !rules->cookie && is_limited(decision, source, RATE_LIMITER_UNVERIFIED);
}

/* The fast path of steps 1 to 4: returns true for nearly all datagrams that need not be dropped,
 * and false if drop_reason has to decide. own_ports_has is true for port 0, too; 0.x.y.z, ::x,
 * addresses above 223.x.y.z and dfff:, and those that end like a broadcast address of ours take the
 * slow path. */
static inline bool needs_no_check(const struct datagram_decider *decider,
                                  const struct datagram *datagram, const struct own_ports *ports,
                                  uint32_t max_bytes)
{
    return !datagram->truncated && !datagram->is_multicast && datagram->size <= max_bytes &&
           (uint8_t)(datagram->source.ip[0] - 1) < 223 &&
           !broadcast_addrs_may_contain(&decider->broadcast_addrs, &datagram->source) &&
           !own_ports_has(ports, datagram->source.port);
}

/* Has a source that would be registered only be renewed if another worker receives it from now on.
 */
static void leave_to_other_worker(struct decision *decision, struct registry_datagram *record,
                                  int i)
{
    const struct earlier_datagrams *earlier = &decision->decider->earlier;
    if (record->action != REGISTRY_JOIN ||
        source_shard(earlier->key, record->source, earlier->workers) == earlier->worker)
        return;
    record->action = REGISTRY_RENEW;
    decision->elsewhere |= UINT64_C(1) << i;
}

static void filter(struct decision *decision, int count)
{
    const struct admission_rules *rules = &decision->decider->rules;
    const struct own_ports *ports = decision->decider->own_ports;
    uint32_t max_bytes = decision->decider->max_datagram_bytes;
    enum registry_action action = rules->cookie ? REGISTRY_RENEW : REGISTRY_JOIN;
    bool has_rules = rules->acl != NULL || rules->limiter != NULL;
    struct admitted *admitted = &decision->admitted;
    size_t passed = 0;
    for (int i = 0; i < count; i++) {
        const struct datagram *datagram = &decision->datagrams[i];
        struct registry_datagram *record = &admitted->records[passed];
        uint64_t *drop = NULL;
        if (decision->to_group || !needs_no_check(decision->decider, datagram, ports, max_bytes))
            drop = drop_reason(decision, datagram);
        if (drop != NULL) {
            ++*drop;
            continue;
        }
        if (has_rules && is_denied_or_limited(decision, &datagram->source))
            continue;
        record->source = &datagram->source;
        record->local = &datagram->local;
        record->action = action;
        admitted->header_bytes[passed] = 0;
        admitted->indexes[passed] = (uint8_t)i;
        if (frame_has_magic(datagram->bytes, datagram->size) &&
            !filter_frame(decision, i, &record->action, &admitted->header_bytes[passed]))
            continue;
        if (decision->may_be_earlier)
            leave_to_other_worker(decision, record, i);
        passed++;
    }
    admitted->count = passed;
}

/* ---- the registry ---- */

static void count_joined(struct decision *decision, const struct addr *source)
{
    const struct admission_rules *rules = &decision->decider->rules;
    decision->decider->stats->joined++;
    if (rules->dry_run && rules->per_prefix != 0 &&
        prefix_counts_count(rules->prefixes, source) > rules->per_prefix)
        decision->answers->stats.dry_prefix++;
}

/* Publishes an event of the client that sent a datagram. */
static void publish(const struct decision *decision, const struct registry_datagram *record,
                    enum event_kind kind, enum event_reason reason)
{
    const struct client client = {.source = *record->source,
                                  .listener = decision->listener,
                                  .join_number = EVENT_JOIN_NUMBER_UNKNOWN};
    event_publisher_client(decision->decider->events, kind, reason, &client, decision->now_ms);
}

/* The client of a datagram has left, and may have a name. Those that have joined by now and claim
 * one do so later. */
static void free_name(const struct datagram_decider *decider,
                      const struct registry_datagram *record)
{
    name_queue_add_gone(decider->names.queue, &record->key, decider->names.worker,
                        registry_walk_registered(decider->registry).joined_before,
                        event_publisher_mark(decider->events));
}

/* Counts what became of a datagram in the registry. Returns whether it gets a reply. */
static bool count_record(struct decision *decision, const struct registry_datagram *record, int i)
{
    struct stats *stats = decision->decider->stats;
    bool is_elsewhere = decision->elsewhere >> i & 1;
    if (decision->client_frames >> i & 1) {
        decide_client_frame(decision, record, i);
        return false;
    }
    switch (record->outcome) {
    case REGISTRY_RENEWED:
        /* Any other action was checked against the rate by the filter. */
        return record->action != REGISTRY_RENEW || is_elsewhere ||
               !is_limited(decision, record->source, RATE_LIMITER_VERIFIED);
    case REGISTRY_REJOINED:
        stats->expired++;
        count_joined(decision, record->source);
        publish(decision, record, EVENT_REJOINED, EVENT_REASON_NONE);
        return true;
    case REGISTRY_JOINED:
        count_joined(decision, record->source);
        publish(decision, record, EVENT_JOINED, EVENT_REASON_NONE);
        return true;
    case REGISTRY_REFUSED:
        stats->refused_full++;
        publish(decision, record, EVENT_REFUSED, EVENT_REASON_FULL);
        return true;
    case REGISTRY_PREFIX_FULL:
        stats->refused_prefix++;
        publish(decision, record, EVENT_REFUSED, EVENT_REASON_PREFIX);
        return true;
    case REGISTRY_UNKNOWN:
        if (record->action == REGISTRY_LEAVE)
            decision->answers->stats.drop_bad_frame++;
        else if (!is_elsewhere)
            challenge(decision, i);
        return is_elsewhere;
    case REGISTRY_LEFT:
        decision->answers->stats.left++;
        publish(decision, record, EVENT_LEFT, EVENT_REASON_NONE);
        if (record->was_named)
            free_name(decision->decider, record);
        return false;
    }
    return false;
}

/* Whether a datagram got a reply, and its source is not registered. */
static bool is_refused(const struct registry_datagram *record)
{
    return record->outcome == REGISTRY_REFUSED || record->outcome == REGISTRY_PREFIX_FULL ||
           record->outcome == REGISTRY_UNKNOWN;
}

/* Passes the datagrams that have renewed their clients, also those that get no reply. */
static void pass_renewed(const struct decision *decision, size_t first, size_t end)
{
    const struct renewal_callback *on_renewed = &decision->decider->on_renewed;
    const struct registry_datagram *records = decision->admitted.records;
    for (size_t k = first; k < end; k++)
        if (records[k].outcome == REGISTRY_RENEWED)
            on_renewed->call(on_renewed->state, decision->listener, &records[k], decision->now_ms);
}

/* Passes the payloads of the datagrams that get a reply, if their sources are registered. */
static void pass_messages(const struct decision *decision, size_t first, size_t end)
{
    const struct message_callback *on_message = &decision->decider->on_message;
    const struct admitted *admitted = &decision->admitted;
    for (size_t k = first; k < end; k++) {
        if (is_refused(&admitted->records[k]))
            continue;
        struct datagram message = decision->datagrams[admitted->indexes[k]];
        message.bytes += admitted->header_bytes[k];
        message.size -= admitted->header_bytes[k];
        on_message->call(on_message->state, decision->listener, &message, decision->now_ms);
    }
}

/* Returns the end of the run of datagrams that are recorded together with the first: all; or, with
 * callbacks or frames of clients, those before the next leave: until then the client is there. */
static size_t run_end(const struct decision *decision, size_t first)
{
    const struct admitted *admitted = &decision->admitted;
    size_t end = admitted->count;
    if (decision->decider->on_message.call != NULL || decision->decider->on_renewed.call != NULL ||
        decision->client_frames != 0)
        for (end = first + 1; end < admitted->count; end++)
            if (admitted->records[end].action == REGISTRY_LEAVE)
                break;
    return end;
}

/* Counts the records of a run, and appends the datagrams that get a reply to the first `kept` ones.
 * Returns the new number of them. */
static size_t keep_replied(struct decision *decision, size_t first, size_t end, size_t kept)
{
    struct admitted *admitted = &decision->admitted;
    for (size_t k = first; k < end; k++) {
        if (!count_record(decision, &admitted->records[k], admitted->indexes[k]))
            continue;
        if (kept != k)
            admitted->records[kept] = admitted->records[k];
        admitted->indexes[kept] = admitted->indexes[k];
        admitted->header_bytes[kept++] = admitted->header_bytes[k];
    }
    return kept;
}

/* Steps 8 and 9, and the callbacks. Keeps the datagrams that get a reply. */
static void update_registry(struct decision *decision)
{
    const struct admission_rules *rules = &decision->decider->rules;
    struct admitted *admitted = &decision->admitted;
    bool each = (rules->cookie && rules->limiter != NULL) || decision->client_frames != 0;
    size_t kept = 0;
    for (size_t first = 0, end; first < admitted->count; first = end) {
        end = run_end(decision, first);
        size_t before = kept;
        size_t renewed = registry_update(decision->decider->registry, decision->listener,
                                         &admitted->records[first], end - first, decision->now_ms);
        if (decision->decider->on_renewed.call != NULL && !decision->to_group)
            pass_renewed(decision, first, end);
        /* Mostly all of them are clients that were renewed, and each gets a reply. */
        bool keep_all = renewed == end - first && kept == first && !each;
        kept = keep_all ? end : keep_replied(decision, first, end, kept);
        if (decision->decider->on_message.call != NULL)
            pass_messages(decision, before, kept);
    }
    admitted->count = kept;
}

/* ---- the reply ---- */

/* Returns the batch in which the reply to datagram i is queued. */
static inline struct batch *reply_batch(const struct decision *decision, int i, bool by_interface)
{
    struct datagram_answers *answers = decision->answers;
    return answers->replies[by_interface ? send_socket_slot(answers->slots,
                                                            decision->datagrams[i].local.scope)
                                         : 0];
}

static inline void reply_by_rotation(struct decision *decision, bool by_interface)
{
    struct reply *rotation = decision->decider->reply;
    const struct admitted *admitted = &decision->admitted;
    size_t turn = reply_rotation_take(rotation, admitted->count);
    for (size_t k = 0; k < admitted->count; k++, turn = reply_rotation_next(rotation, turn)) {
        const struct message *message = reply_rotation_message(rotation, turn);
        int i = admitted->indexes[k];
        batch_add_reply(reply_batch(decision, i, by_interface), decision->batch, i, message->bytes,
                        message->size);
    }
}

static void reply_by_echo(struct decision *decision, bool by_interface)
{
    const struct admitted *admitted = &decision->admitted;
    for (size_t k = 0; k < admitted->count; k++) {
        int i = admitted->indexes[k];
        const struct datagram *datagram = &decision->datagrams[i];
        batch_add_reply(reply_batch(decision, i, by_interface), decision->batch, i,
                        datagram->bytes + admitted->header_bytes[k],
                        datagram->size - admitted->header_bytes[k]);
    }
}

static void reply(struct decision *decision)
{
    bool by_interface = decision->answers->slots != NULL;
    switch (reply_rotation_mode(decision->decider->reply)) {
    case REPLY_ROTATE:
        if (by_interface) /* inlined twice: no test in the loop */
            reply_by_rotation(decision, true);
        else
            reply_by_rotation(decision, false);
        break;
    case REPLY_ECHO:
        reply_by_echo(decision, by_interface);
        break;
    case REPLY_NONE:
        decision->answers->stats.silent += decision->admitted.count;
        break;
    }
}

void datagram_decide(struct datagram_decider *decider, uint8_t listener, struct batch *batch,
                     int count, uint64_t now_ms, struct datagram_answers *answers)
{
    /* Not initialised as a whole: admitted is large, and only what is used of it is written. */
    struct decision decision;
    decision.decider = decider;
    decision.batch = batch;
    decision.datagrams = batch_datagrams(batch);
    decision.answers = answers;
    decision.now_ms = now_ms;
    decision.listener = listener;
    decision.client_frames = 0;
    decision.elsewhere = 0;
    decision.to_group = decider->groups.bits >> listener & 1;
    decision.may_be_earlier = decider->earlier.listeners >> listener & 1;

    answers->stats.received += (uint64_t)count;
    filter(&decision, count);
    update_registry(&decision);
    reply(&decision);
}
