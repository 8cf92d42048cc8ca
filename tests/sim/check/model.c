#include "sim/check/model.h"

#include "sim/check/confirmed.h"
#include "sim/check/frames.h"
#include "sim/check/hello.h"
#include "sim/check/model_bounds.h"
#include "sim/check/model_places.h"
#include "sim/check/names.h"
#include "sim/check/restoring.h"
#include "sim/check/saved.h"
#include "sim/check/selection.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/hash.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/os/log.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <string.h>

enum {
    TABLE = 2 * MODEL_ENTRIES_MAX,
    HEAD_BYTES = 5,
    COOKIE_BYTES = 16,
    KICKED_MAX = 64,
    KICKED_SOME_MAX = 8,
    /* A command whose session has ended is carried out within this time: its connection may have to
     * wait for a descriptor of the server. */
    LOST_MS = 60000,
    SWEEP_SLOP_MS = 20,
    /* A cookie is valid for 60 to 120 s; a thread that does not run for 3 s replaces its secret
     * late. */
    COOKIE_MIN_MS = 60000 - 3500,
    COOKIE_MAX_MS = 120000 + 100,
    CURRENT_MAX_MS = 60000 + 3500,
    ROTATION_SLOP_MS = 200,
    GROUP_PORTS = 40000, /* and the next ones: of the reply sockets of groups */
};

static struct model_entry entries[MODEL_ENTRIES_MAX + 1];
static uint32_t table[TABLE]; /* numbers of entries; 0: free */
static uint32_t count;
static struct addr kicked[KICKED_MAX]; /* by commands that are not answered */
static size_t kicked_count;
static struct {
    struct selection selection;
    uint64_t asked_ms, until_ms; /* it may be carried out until then; 0: the place is free */
} kicked_some[KICKED_SOME_MAX];
static uint64_t leap_ms; /* when the clock last leapt; cookies of before may be too old */

/* ---- entries ---- */

static uint32_t place_of(int listener, const struct addr *source)
{
    uint32_t at = (uint32_t)(hash_add_addr((uint64_t)listener, source) % TABLE);
    while (table[at] != 0 && (entries[table[at]].listener != listener ||
                              memcmp(&entries[table[at]].source, source, sizeof *source) != 0))
        at = (at + 1) % TABLE;
    return at;
}

struct model_entry *model_find(int listener, const struct addr *source)
{
    uint32_t number = table[place_of(listener, source)];
    return number != 0 ? &entries[number] : NULL;
}

struct model_entry *model_get(int listener, const struct addr *source)
{
    uint32_t at = place_of(listener, source);
    if (table[at] == 0) {
        if (count == MODEL_ENTRIES_MAX)
            broken_promise("the simulator itself", "more than %d sources", (int)MODEL_ENTRIES_MAX);
        table[at] = ++count;
        entries[count] = (struct model_entry){
            .source = *source, .listener = listener, .worker = -1, .number = count};
    }
    return &entries[table[at]];
}

void model_reset(void)
{
    memset(table, 0, sizeof table);
    count = 0;
    model_places_reset();
    kicked_count = 0;
    memset(kicked_some, 0, sizeof kicked_some);
    leap_ms = 0;
    model_bounds_changed();
}

uint32_t model_count(void)
{
    return count;
}

struct model_entry *model_entry(uint32_t number)
{
    return &entries[number];
}

bool model_is_sure(const struct model_entry *entry)
{
    return event_queue_now_ms() <= entry->sure_until_ms;
}

bool model_is_possible(const struct model_entry *entry)
{
    return event_queue_now_ms() <= entry->may_until_ms;
}

bool model_occupies(const struct model_entry *entry)
{
    return event_queue_now_ms() <= entry->kept_until_ms;
}

/* ---- what may happen to a datagram ---- */

bool model_same_prefix(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && memcmp(a->ip, b->ip, a->family == ADDR_IPV4 ? 3 : 8) == 0;
}

static bool is_own_port(uint16_t port)
{
    for (size_t i = 0; i < setup.listener_count; i++)
        if (setup.listeners[i].kind == LISTEN_UDP && setup.listeners[i].addr.port == port)
            return true;
    return port >= GROUP_PORTS && port < GROUP_PORTS + 1000;
}

/* Whether it is a broadcast address of one of the links: those of addresses that exist. */
static enum chance is_broadcast(const struct addr *source)
{
    static const struct addr links[] = {{{192, 0, 2, 1}, .family = ADDR_IPV4},
                                        {{198, 51, 100, 1}, .family = ADDR_IPV4}};
    for (size_t i = 0; i < 2; i++)
        if (source->family == ADDR_IPV4 && memcmp(source->ip, links[i].ip, 3) == 0 &&
            source->ip[3] == 255)
            return host_since_ms(&links[i]) != 0 && !restoring_is_due(host_since_ms(&links[i]))
                       ? MAYBE
                   : host_has(&links[i]) ? YES
                                         : NO;
    return NO;
}

enum chance model_is_wrong_source(const struct addr *source)
{
    return source->port == 0 || addr_is_multicast(source) || addr_is_wildcard(source)
               ? YES
               : is_broadcast(source);
}

enum chance model_proves(const struct model_entry *entry, const uint8_t cookie[COOKIE_BYTES])
{
    uint64_t now_ms = event_queue_now_ms();
    enum chance best = NO;
    for (unsigned i = 0; i < entry->cookie_count; i++) {
        if (memcmp(entry->cookies[i].bytes, cookie, COOKIE_BYTES) != 0)
            continue;
        uint64_t age_ms = now_ms - entry->cookies[i].issued_ms;
        bool is_late = entry->cookies[i].issued_ms < leap_ms + ROTATION_SLOP_MS;
        enum chance chance = is_late && age_ms < COOKIE_MAX_MS ? MAYBE
                             : age_ms < COOKIE_MIN_MS          ? YES
                             : age_ms < COOKIE_MAX_MS          ? MAYBE
                                                               : NO;
        best = chance > best ? chance : best;
    }
    return best;
}

/* Whether the cookie of an answer or a leave does. */
static enum chance proof(const struct model_entry *entry, const uint8_t *bytes, size_t size)
{
    return size >= HEAD_BYTES + COOKIE_BYTES ? model_proves(entry, bytes + HEAD_BYTES) : NO;
}

bool model_is_oversize(const uint8_t *bytes, size_t size, bool truncated)
{
    size_t most = setup.max_datagram;
    enum model_frame frame = model_frame_of(bytes, size);
    if (frame == FRAME_IS_ANSWER)
        most += HEAD_BYTES + COOKIE_BYTES;
    if (frame == FRAME_IS_HELLO || frame == FRAME_IS_CONFIRM)
        most = size; /* their lengths are limited by their form */
    return truncated || size > most;
}

static bool is_to_unicast(const struct model_entry *entry)
{
    for (size_t i = 0; i < setup.listener_count; i++)
        if (setup.listeners[i].number == entry->listener)
            return setup.listeners[i].kind == LISTEN_UDP;
    return false;
}

/* Without the cookie policy a port of the server's own is dropped, whatever its address is; with it
 * only the addresses of this host are, and so they are by groups. */
static enum chance own_source(const struct model_entry *entry, const struct settings *rules)
{
    if (!is_own_port(entry->source.port))
        return NO;
    return is_to_unicast(entry) && entry->source.port < GROUP_PORTS && !rules->cookie ? YES : MAYBE;
}

bool model_may_be_own_source(const struct model_entry *entry)
{
    return is_own_port(entry->source.port);
}

bool model_is_own_source(const struct model_entry *entry)
{
    return own_source(entry, &settings) == YES &&
           (!settings_change || own_source(entry, &next_settings) == YES);
}

/* Whether a datagram passes the access list. */
static enum chance admission(const struct model_entry *entry, const struct settings *rules)
{
    enum chance is_own = own_source(entry, rules);
    if (settings_deny(rules, &entry->source) || is_own == YES)
        return NO;
    return is_own == MAYBE ? MAYBE : YES;
}

static enum chance within_rate(const struct settings *rules)
{
    return rules->rate_pps != 0 && !rules->dry_run ? MAYBE : YES;
}

/* ---- what it means for the registry ---- */

struct effect {
    enum chance leaves, registers;
};

static enum chance both(enum chance a, enum chance b)
{
    return a < b ? a : b;
}

/* A client that is registered already needs no place. */
static enum chance place(const struct model_entry *entry, const struct settings *rules,
                         enum chance known)
{
    return known == YES || model_has_place(entry, rules) ? YES : MAYBE;
}

/* Whether it is registered also a little later, when the server reads its clock. */
static bool stays_sure(const struct model_entry *entry)
{
    return event_queue_now_ms() + MODEL_SLOP_MS <= entry->sure_until_ms;
}

/* Whether it is registered before its datagram is handled. */
static enum chance known_now(const struct model_entry *entry)
{
    return stays_sure(entry) ? YES : model_is_possible(entry) ? MAYBE : NO;
}

static struct effect effect_of(const struct model_entry *entry, const struct settings *rules,
                               const uint8_t *bytes, size_t size)
{
    enum chance admitted = admission(entry, rules);
    enum chance counted = both(admitted, within_rate(rules));
    enum chance proven = rules->cookie ? proof(entry, bytes, size) : YES;
    enum chance known = known_now(entry);
    switch (model_frame_of(bytes, size)) {
    case FRAME_IS_LEAVE:
        return (struct effect){.leaves = both(counted, proven)};
    case FRAME_IS_ANSWER:
        return (struct effect){.registers =
                                   both(both(counted, proven), place(entry, rules, known))};
    case FRAME_IS_NONE:
        /* Under the cookie policy a client is renewed before its rate is checked. */
        if (rules->cookie)
            return (struct effect){.registers = both(known, admitted)};
        return (struct effect){.registers = both(counted, place(entry, rules, known))};
    case FRAME_IS_HELLO:
    case FRAME_IS_CONFIRM:
        return (struct effect){.registers = both(known, rules->cookie ? admitted : counted)};
    default:
        return (struct effect){.leaves = NO};
    }
}

static enum chance either(enum chance a, enum chance b)
{
    return a == b ? a : MAYBE;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool may_be_kicked(const struct model_entry *entry)
{
    for (size_t i = 0; i < kicked_count; i++)
        if (addr_equal(&kicked[i], &entry->source))
            return true;
    for (size_t i = 0; i < KICKED_SOME_MAX; i++)
        if (kicked_some[i].until_ms >= event_queue_now_ms() &&
            selection_has(&kicked_some[i].selection, &entry->source, entry->listener))
            return true;
    return false;
}

static void apply(struct model_entry *entry, struct effect effect, enum chance known)
{
    uint64_t now_ms = event_queue_now_ms();
    uint64_t low_ms = settings.ttl_ms, high_ms = settings.ttl_ms, sweep_ms = settings.sweep_ms;
    if (settings_change) {
        low_ms = next_settings.ttl_ms < low_ms ? next_settings.ttl_ms : low_ms;
        high_ms = later(high_ms, next_settings.ttl_ms);
        sweep_ms = later(sweep_ms, next_settings.sweep_ms);
    }
    if (effect.leaves != NO)
        entry->sure_until_ms = 0;
    if (effect.leaves == YES) {
        entry->may_until_ms = entry->kept_until_ms = now_ms;
        model_add_occupying(entry); /* in this ms, also if it was not one before */
    }
    /* All clients expire in the worker that learns that addresses are to be proven. */
    bool may_expire = settings_change && next_settings.cookie && !settings.cookie;
    bool may_be_removed = may_be_kicked(entry);
    if (effect.registers == YES)
        entry->renewed_ms = now_ms;
    /* It was idle for too long to be removed by a command that is not answered, and now it is not.
     */
    if (may_be_removed)
        entry->sure_until_ms = 0;
    if (effect.registers == YES && !may_expire && !may_be_removed) {
        /* The server reads its clock a little later, and may find it expired. */
        if (now_ms + MODEL_SLOP_MS > entry->sure_until_ms)
            entry->sure_since_ms = now_ms;
        entry->sure_until_ms = now_ms + low_ms;
    } else if (effect.registers != NO && now_ms + low_ms < entry->sure_until_ms) {
        entry->sure_until_ms = now_ms + low_ms; /* it may have got a shorter ttl */
    }
    if (effect.registers != NO) {
        if (!model_is_possible(entry))
            entry->may_since_ms = now_ms;
        entry->registered_ms = now_ms;
        uint64_t until_ms = now_ms + high_ms + 1 + MODEL_SLOP_MS;
        uint64_t kept_ms = until_ms + sweep_ms + SWEEP_SLOP_MS;
        /* A client that is certainly renewed has the ttl of now, also if it is shorter. */
        bool is_exact = effect.registers == YES && !settings_change;
        entry->may_until_ms = is_exact ? until_ms : later(entry->may_until_ms, until_ms);
        entry->kept_until_ms = is_exact ? kept_ms : later(entry->kept_until_ms, kept_ms);
        model_add_occupying(entry);
    }
    saved_applied(entry, known, effect.registers);
}

/* ---- datagrams ---- */

static void count_bytes(struct model_entry *entry, size_t size)
{
    entry->bytes_in += size + (entry->source.family == ADDR_IPV4 ? 28 : 48);
}

struct model_entry *model_receive(int listener, int worker, const struct datagram *datagram,
                                  bool is_earlier)
{
    const uint8_t *bytes = datagram->bytes;
    const size_t size = datagram->size;
    struct model_entry *entry = model_get(listener, &datagram->source);
    struct bounded before = model_bounds_of(entry);
    entry->worker = worker;
    count_bytes(entry, size);
    enum chance dropped =
        model_is_oversize(bytes, size, datagram->truncated) || datagram->is_multicast
            ? YES
            : model_is_wrong_source(&datagram->source);
    if (dropped == YES) {
        model_bounds_keep(entry, before);
        return entry;
    }
    struct effect effect = effect_of(entry, &settings, bytes, size);
    if (settings_change) {
        struct effect next = effect_of(entry, &next_settings, bytes, size);
        effect.leaves = either(effect.leaves, next.leaves);
        effect.registers = either(effect.registers, next.registers);
    }
    if (dropped == MAYBE || is_earlier)
        effect = (struct effect){both(effect.leaves, MAYBE), both(effect.registers, MAYBE)};
    entry->proven |= !settings.cookie || (settings_change && !next_settings.cookie) ||
                     proof(entry, bytes, size) != NO;
    entry->has_cookie |= proof(entry, bytes, size) != NO;
    hello_received(entry, bytes, size, stays_sure(entry), model_is_possible(entry),
                   effect.registers);
    if (model_frame_of(bytes, size) == FRAME_IS_CONFIRM)
        confirmed_received(entry, bytes, effect.registers);
    if (effect.leaves == YES)
        entry->frames = NO; /* of its next life, until it asks */
    if (effect.registers != NO && datagram->local.scope != entry->received_by)
        entry->received_by = effect.registers == YES ? datagram->local.scope : 0;
    if (effect.leaves == YES || known_now(entry) == NO)
        frames_ended(entry);
    else if (effect.registers == YES)
        frames_renewed(entry, &datagram->local);
    apply(entry, effect, known_now(entry));
    names_applied(entry);
    model_bounds_keep(entry, before);
    return entry;
}

struct model_entry *model_offloaded(int listener, int worker, const struct addr *source,
                                    size_t size)
{
    struct model_entry *entry = model_find(listener, source);
    if (entry == NULL || !model_is_possible(entry))
        broken_promise("the offload answers only for registered clients",
                       "listener %d, port %d: %s", listener, source->port,
                       entry == NULL ? "never seen" : "not registered any more");
    struct bounded before = model_bounds_of(entry);
    entry->worker = worker;
    count_bytes(entry, size);
    apply(entry, (struct effect){.registers = YES}, YES);
    names_applied(entry);
    model_bounds_keep(entry, before);
    return entry;
}

/* A worker sends a cookie only while its secret is the current one. */
static void check_age(const struct model_entry *entry, uint64_t age_ms)
{
    uint64_t most_ms = broken_is("secret") ? 1000 : CURRENT_MAX_MS;
    if (age_ms > most_ms && event_queue_now_ms() > leap_ms + ROTATION_SLOP_MS)
        broken_promise("a source gets another cookie after a minute",
                       "source %" PRIu32 " has got the same one for %" PRIu64 " ms", entry->number,
                       age_ms);
}

void model_challenged(struct model_entry *entry, const uint8_t *cookie)
{
    unsigned i = 0, oldest = 0;
    /* Until its secret is replaced, a source gets the same cookie. */
    for (; i < entry->cookie_count; i++) {
        if (memcmp(entry->cookies[i].bytes, cookie, COOKIE_BYTES) == 0)
            break;
        if (entry->cookies[i].issued_ms < entry->cookies[oldest].issued_ms)
            oldest = i;
    }
    if (i == MODEL_COOKIES)
        i = oldest;
    else if (i == entry->cookie_count)
        entry->cookie_count++;
    uint64_t now_ms = event_queue_now_ms();
    if (memcmp(entry->cookies[i].bytes, cookie, COOKIE_BYTES) != 0)
        entry->cookies[i].first_ms = now_ms;
    memcpy(entry->cookies[i].bytes, cookie, COOKIE_BYTES);
    entry->cookies[i].issued_ms = now_ms;
    check_age(entry, now_ms - entry->cookies[i].first_ms);
}

bool model_kick(const struct addr *source)
{
    if (kicked_count == KICKED_MAX)
        return false;
    kicked[kicked_count++] = *source;
    model_bounds_changed();
    for (uint32_t i = 1; i <= count; i++)
        if (addr_equal(&entries[i].source, source))
            entries[i].sure_until_ms = 0;
    return true;
}

void model_kicked(const struct addr *source)
{
    for (size_t i = 0; i < kicked_count; i++)
        if (addr_equal(&kicked[i], source)) {
            kicked[i] = kicked[--kicked_count];
            return;
        }
}

uint32_t model_kick_some(const struct selection *selection)
{
    uint64_t now_ms = event_queue_now_ms();
    uint32_t place = 0;
    while (place < KICKED_SOME_MAX && kicked_some[place].until_ms >= now_ms)
        place++;
    if (place == KICKED_SOME_MAX)
        return 0;
    kicked_some[place].selection = *selection;
    kicked_some[place].asked_ms = now_ms;
    kicked_some[place].until_ms = UINT64_MAX;
    model_bounds_changed();
    for (uint32_t i = 1; i <= count; i++)
        if (selection_may_match(selection, &entries[i], now_ms))
            entries[i].sure_until_ms = 0;
    return place + 1;
}

/* A source that has matched from the beginning, and has sent nothing since then, is not registered
 * any more. If it had expired before, it is still to be swept. */
void model_kicked_some(uint32_t number, bool done)
{
    uint64_t now_ms = event_queue_now_ms(), asked_ms = kicked_some[number - 1].asked_ms;
    kicked_some[number - 1].until_ms = 0;
    for (uint32_t i = 1; done && i <= count; i++) {
        struct model_entry *entry = &entries[i];
        bool is_silent = entry->registered_ms + MODEL_SLOP_MS < asked_ms;
        if (is_silent && entry->may_until_ms > now_ms &&
            selection_matches(&kicked_some[number - 1].selection, entry, asked_ms))
            entry->may_until_ms = now_ms;
    }
}

void model_kick_lost(uint32_t number)
{
    kicked_some[number - 1].until_ms = event_queue_now_ms() + LOST_MS;
}

void model_clock_leapt(uint64_t before_ms)
{
    uint64_t now_ms = event_queue_now_ms();
    if (now_ms - before_ms > 60000 - COOKIE_MIN_MS)
        leap_ms = now_ms;
    model_bounds_changed();
    for (uint32_t i = 1; i <= count; i++) {
        if (entries[i].kept_until_ms < before_ms)
            continue;
        entries[i].kept_until_ms = later(entries[i].kept_until_ms, now_ms + SWEEP_SLOP_MS);
        model_add_occupying(&entries[i]);
    }
}

void model_settings_change(void)
{
    model_bounds_changed();
    for (uint32_t i = 1; i <= count; i++)
        if (model_occupies(&entries[i]))
            entries[i].kept_until_ms =
                later(entries[i].kept_until_ms,
                      entries[i].may_until_ms + next_settings.sweep_ms + SWEEP_SLOP_MS);
    /* All clients expire where addresses are to be proven from now on. */
    if (settings.cookie || !next_settings.cookie)
        return;
    for (uint32_t i = 1; i <= count; i++)
        entries[i].sure_until_ms = 0;
}

void model_expire_unproven(uint64_t since_ms)
{
    uint64_t now_ms = event_queue_now_ms();
    for (uint32_t i = 1; i <= count; i++)
        if (entries[i].registered_ms < since_ms && entries[i].may_until_ms > now_ms)
            entries[i].may_until_ms = now_ms;
}

bool model_is_denied(const struct addr *source)
{
    return settings_deny(&settings, source) &&
           (!settings_change || settings_deny(&next_settings, source));
}

bool model_is_admitted(const struct model_entry *entry)
{
    return !settings_deny(&settings, &entry->source) && !model_may_be_own_source(entry) &&
           model_is_wrong_source(&entry->source) == NO;
}
