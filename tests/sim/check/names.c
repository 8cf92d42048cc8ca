#include "sim/check/names.h"

#include "sim/check/hello.h"
#include "sim/check/model_bounds.h"
#include "sim/core/broken.h"
#include "sim/core/device_mac.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <string.h>

enum {
    HEAD_BYTES = 5,
    FLAGS_AT = HEAD_BYTES,
    BODY_AT = FLAGS_AT + 1,
    NAMED_NAME_AT = HEAD_BYTES + 1,
    IS_KEYED = 2,
    GIVEN = 1,
    FULL = 2,
    BAD_MAC = 3,
    OTHER = MODEL_NAMES - 1, /* all names but lamp-0, lamp-1, ...: corrupted ones */
    RECENT_MAX = 4096,
    /* A claim is carried out within this time: a thread may not run for 3 s, the main thread may
     * have to wait for orders that a worker has, and then two workers get theirs. */
    PENDING_MS = 20000,
    FORMER_MS = 120000, /* a keyed name does not go back to an address for that time */
};

/* The clients that may have a name: those that have claimed it lately, and the one before them. */
static struct {
    uint32_t entries[RECENT_MAX];
    size_t count;
    uint32_t last;         /* the last one; 0: none */
    bool is_certain;       /* that one certainly may have it */
    uint32_t given_to;     /* the last one that got it; 0: none */
    uint64_t given_ms;     /* when that one claimed it, at the earliest, */
    uint64_t given_out_ms; /* and its answer came */
    bool was_claimed;
} names[MODEL_NAMES];
static uint64_t claims, others; /* others: of OTHER */
static uint64_t refused;        /* refusals that were sent */
static struct {
    uint64_t least, most;
} bad_names;

void names_reset(void)
{
    memset(names, 0, sizeof names);
    claims = others = refused = 0;
    bad_names.least = bad_names.most = 0;
}

uint64_t names_claims(void)
{
    return claims;
}

/* ---- hellos ---- */

struct hello {
    bool is_keyed;
    const uint8_t *cookie, *code; /* of a keyed one */
    const uint8_t *name;
    size_t name_size;
};

/* Reads a valid hello. */
static struct hello read_hello(const uint8_t *bytes, size_t size)
{
    struct hello hello = {.is_keyed = bytes[FLAGS_AT] & IS_KEYED};
    size_t key_bytes = hello.is_keyed ? DEVICE_COOKIE_BYTES + DEVICE_CODE_BYTES : 0;
    hello.cookie = bytes + BODY_AT;
    hello.code = hello.cookie + DEVICE_COOKIE_BYTES;
    hello.name = bytes + BODY_AT + key_bytes;
    hello.name_size = size - BODY_AT - key_bytes;
    return hello;
}

static size_t index_of(const uint8_t *name, size_t size)
{
    bool is_known = size == 6 && memcmp(name, "lamp-", 5) == 0 && name[5] >= '0';
    return is_known && name[5] - '0' < OTHER ? (size_t)(name[5] - '0') : OTHER;
}

static bool has_code(const struct hello *hello)
{
    uint8_t code[DEVICE_CODE_BYTES];
    device_mac(code, setup.names_key, hello->cookie, hello->name, hello->name_size);
    return memcmp(code, hello->code, sizeof code) == 0;
}

enum chance names_challenge(const struct model_entry *entry, const uint8_t *bytes, size_t size)
{
    struct hello hello = read_hello(bytes, size);
    if (!setup.has_keys || !hello.is_keyed || hello.name_size == 0)
        return NO;
    enum chance proven = model_proves(entry, hello.cookie);
    return proven == YES ? NO : proven == NO ? YES : MAYBE;
}

/* ---- claims ---- */

static void contest(struct model_entry *entry)
{
    entry->contested_until_ms = event_queue_now_ms() + PENDING_MS;
    entry->sure_until_ms = 0;
    model_bounds_changed();
}

/* The name moves away from the client's address, or may do so. */
static void leave(struct model_entry *entry)
{
    contest(entry);
    entry->former_until_ms = event_queue_now_ms() + FORMER_MS + PENDING_MS;
}

static bool may_be_former(const struct model_entry *entry)
{
    return setup.has_keys && entry->former_until_ms >= event_queue_now_ms();
}

/* Whether another claim of the client may not be carried out yet: then this one is ignored. */
static bool may_be_late(const struct model_entry *entry)
{
    for (size_t i = 0; i < MODEL_NAMES; i++)
        if (entry->claimed_ms[i] != 0 && entry->claimed_ms[i] + PENDING_MS >= event_queue_now_ms())
            return true;
    return false;
}

/* The clients that have the name, or may get it, lose it to this one, or it to them. */
static void claim(struct model_entry *entry, size_t name, bool is_certain)
{
    uint64_t now_ms = event_queue_now_ms();
    size_t kept = 0;
    bad_names.most += may_be_former(entry);
    is_certain = is_certain && !may_be_former(entry) && !may_be_late(entry);
    for (size_t i = 0; i < names[name].count; i++) {
        struct model_entry *other = model_entry(names[name].entries[i]);
        if (other == entry)
            continue;
        leave(other);
        if (other->claimed_ms[name] + MODEL_SLOP_MS >= now_ms) {
            leave(entry);
            bad_names.most += setup.has_keys ? 2 : 0; /* either may be decided first */
        }
        /* Its claim is carried out, and before this one: it does not have the name afterwards. */
        if (!is_certain || name == OTHER || other->claimed_ms[name] + PENDING_MS >= now_ms)
            names[name].entries[kept++] = other->number;
    }
    if (kept == RECENT_MAX)
        broken_promise("the simulator itself", "more than %d clients of a name", (int)RECENT_MAX);
    names[name].entries[kept++] = entry->number;
    names[name].count = kept;
    names[name].last = entry->number;
    names[name].is_certain = is_certain;
    names[name].was_claimed = true;
    /* An answer for which it has waited for so long does not come. */
    if (entry->unanswered_ms[name] == 0 || entry->unanswered_ms[name] + PENDING_MS < now_ms)
        entry->unanswered_ms[name] = now_ms;
    entry->claimed_ms[name] = now_ms;
    claims++;
    others += name == OTHER;
}

static void count_bad(enum chance chance)
{
    bad_names.least += chance == YES;
    bad_names.most++;
}

static enum chance both(enum chance a, enum chance b)
{
    return a < b ? a : b;
}

void names_received(struct model_entry *entry, const uint8_t *bytes, size_t size,
                    enum chance registers)
{
    struct hello hello = read_hello(bytes, size);
    enum chance counts = hello_may_be_limited() ? both(registers, MAYBE) : registers;
    if (setup.names_max == 0 || hello.name_size == 0)
        return;
    if (setup.has_keys && !hello.is_keyed) {
        count_bad(counts);
        return;
    }
    if (setup.has_keys)
        counts = both(counts, model_proves(entry, hello.cookie));
    if (counts == NO)
        return;
    if (setup.has_keys && !has_code(&hello))
        count_bad(counts);
    else
        claim(entry, index_of(hello.name, hello.name_size), counts == YES);
}

void names_applied(struct model_entry *entry)
{
    if (entry->contested_until_ms >= event_queue_now_ms())
        entry->sure_until_ms = 0;
}

/* ---- answers ---- */

/* The names that may have a place at the same time. */
static uint64_t names_most(void)
{
    uint64_t most = others;
    for (size_t i = 0; i < OTHER; i++)
        most += names[i].was_claimed;
    return most;
}

static void give(struct model_entry *entry, size_t name)
{
    uint64_t asked_ms = entry->unanswered_ms[name];
    if (entry->claimed_ms[name] == 0 || broken_now("name", 2))
        broken_promise("a client gets a name only if it has asked for it, and proven its key",
                       "source %" PRIu32 " (port %d) has not", entry->number, entry->source.port);
    names[name].given_to = entry->number;
    names[name].given_ms = asked_ms;
    names[name].given_out_ms = event_queue_now_ms();
    /* If it has asked more than once, further answers may come. */
    if (asked_ms == entry->claimed_ms[name])
        entry->unanswered_ms[name] = 0;
}

/* Status 1 and a name, or status 2 or 3 without one. */
void names_answered(struct model_entry *entry, const uint8_t *named, size_t size)
{
    bool is_given = named[HEAD_BYTES] == GIVEN && size > NAMED_NAME_AT;
    bool is_refused = named[HEAD_BYTES] == FULL && size == NAMED_NAME_AT;
    bool is_former = named[HEAD_BYTES] == BAD_MAC && size == NAMED_NAME_AT;
    if (!is_given && !is_refused && !is_former)
        broken_promise("a name is given or refused", "status %d came with %zu bytes",
                       named[HEAD_BYTES], size);
    if (is_given)
        give(entry, index_of(named + NAMED_NAME_AT, size - NAMED_NAME_AT));
    if (is_refused && (names_most() <= setup.names_max || broken_now("place", 2)))
        broken_promise("a name is refused only where there is no place for it",
                       "%" PRIu64 " names, and names-max = %" PRIu32, names_most(),
                       setup.names_max);
    if (is_former && (!may_be_former(entry) || broken_now("former", 2)))
        broken_promise("a proven name is refused only at an address that it has moved away from",
                       "source %" PRIu32 " (port %d) had none, or too long ago", entry->number,
                       entry->source.port);
    refused += is_refused;
    bad_names.least += is_former;
}

void names_check(const struct stats *sum)
{
    uint64_t bad = sum->bad_names + broken_is("bad-name");
    if (bad < bad_names.least || bad > bad_names.most)
        broken_promise("bad_names counts the hellos whose name is not proven",
                       "it is %" PRIu64 ", and must be from %" PRIu64 " to %" PRIu64, bad,
                       bad_names.least, bad_names.most);
    uint64_t most = names_most() <= setup.names_max ? 0 : claims;
    if (sum->refused_names < refused || sum->refused_names > most)
        broken_promise("refused_names counts the names for which there is no place",
                       "it is %" PRIu64 ", and must be from %" PRIu64 " to %" PRIu64,
                       sum->refused_names, refused, most);
}

/* ---- the client of a name ---- */

static void check_newest(size_t name, const struct model_entry *at, uint64_t asked_ms)
{
    if (at->claimed_ms[name] == 0)
        broken_promise("a name leads to a client that has asked for it, and proven its key",
                       "lamp-%zu leads to source %" PRIu32, name, at->number);
    bool is_settled = names[name].given_to != 0 && names[name].given_out_ms < asked_ms;
    if (is_settled && names[name].given_to != at->number &&
        at->claimed_ms[name] + MODEL_SLOP_MS < names[name].given_ms)
        broken_promise("a name leads to the client that has claimed it last",
                       "lamp-%zu leads to source %" PRIu32 " and not to %" PRIu32, name, at->number,
                       names[name].given_to);
}

/* Whether the client has claimed another name, so that it may have lost this one. */
static bool has_other_name(const struct model_entry *entry, size_t name)
{
    for (size_t i = 0; i < MODEL_NAMES; i++)
        if (i != name && entry->claimed_ms[i] + MODEL_SLOP_MS >= entry->claimed_ms[name])
            return true;
    return false;
}

/* Whether the last client that has claimed the name got it before that time, has kept it, and no
 * claim of another one is pending. */
static bool has_holder(size_t name, uint64_t before_ms)
{
    if (names[name].last == 0 || names[name].last != names[name].given_to ||
        !names[name].is_certain || names[name].given_out_ms >= before_ms)
        return false;
    const struct model_entry *entry = model_entry(names[name].last);
    return entry->unanswered_ms[name] == 0 && entry->sure_since_ms < names[name].given_ms &&
           model_is_sure(entry) && !has_other_name(entry, name);
}

static void check_lost(size_t name, uint64_t asked_ms)
{
    const struct model_entry *entry = model_entry(names[name].last);
    if (has_holder(name, asked_ms))
        broken_promise("a name leads to its client while that is registered",
                       "lamp-%zu leads to none and not to source %" PRIu32 " (port %d)", name,
                       entry->number, entry->source.port);
}

void names_found(const char *name, const struct model_entry *at, uint64_t asked_ms)
{
    size_t index = index_of((const uint8_t *)name, strlen(name));
    if (index == OTHER)
        return;
    if (at != NULL && !broken_now("lookup", 2))
        check_newest(index, at, asked_ms);
    else
        check_lost(index, asked_ms);
}

/* ---- restarts ---- */

void names_holders(uint32_t holders[MODEL_NAMES])
{
    for (size_t i = 0; i < MODEL_NAMES; i++)
        holders[i] = i != OTHER && has_holder(i, event_queue_now_ms()) ? names[i].last : 0;
}

void names_restored(struct model_entry *entry, const uint64_t claimed_ms[MODEL_NAMES])
{
    for (size_t i = 0; i < MODEL_NAMES; i++) {
        entry->claimed_ms[i] = claimed_ms[i];
        if (claimed_ms[i] == 0)
            continue;
        if (names[i].count < RECENT_MAX)
            names[i].entries[names[i].count++] = entry->number;
        names[i].was_claimed = true;
        others += i == OTHER;
    }
}

void names_restored_surely(size_t name, const struct model_entry *entry)
{
    names[name].last = names[name].given_to = entry->number;
    names[name].is_certain = true;
    names[name].given_ms = names[name].given_out_ms = event_queue_now_ms() + 1;
}
