#include "registry/names/client_names.h"

#include "registry/hash_index.h"
#include "registry/timer_wheel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LAYOUT_VERSION = 1 /* to be increased with each change that the sizes do not show */ };

/* A name and its client. A freed entry has a name of size 0, and holder.worker is the link to the
 * next freed one, as slot + 1. */
struct entry {
    struct name_holder holder;
    uint64_t check_ms; /* when the name is to be checked */
    struct device_name name;
    bool is_waiting; /* its slot is in the wheel, and not being checked */
    bool is_moving;  /* the client that had it before is still to be removed */
    bool is_gone;    /* while it is moving: its client is not registered any more */
};
_Static_assert(sizeof(struct entry) == 128, "an entry has no padding but at its end");

/* Where a name has moved away from. */
struct former_source {
    uint32_t tag;     /* of the client's key */
    uint32_t until_s; /* the name does not go back before; 0: none */
};

struct formers {
    struct former_source list[CLIENT_NAMES_FORMER_COUNT];
};
_Static_assert(sizeof(struct formers) == 64, "the former sources of a name are in one cache line");

struct client_names {
    struct siphash_key key;
    struct siphash_state client_begin; /* of the hash of clients */
    struct hash_index by_name, by_client;
    struct timer_wheel wheel;
    struct entry *entries;
    struct formers *formers; /* by entry; NULL: they are not kept */
    uint64_t former_ms;
    /* The highest number of a name that was given up: lower ones are late for whichever entry has
     * that name next. */
    uint64_t given_up;
    uint32_t max, count;
    uint32_t used; /* entries that were ever used, which are the first ones */
    uint32_t free; /* the head of the list of freed entries, as slot + 1; 0: it is empty */
};

/* The offsets of the parts in the block of memory. */
struct layout {
    size_t by_name, by_client, wheel, entries, formers, end;
};

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static struct layout layout_of(uint32_t max, bool has_formers)
{
    struct layout at;
    at.by_name = 0;
    at.by_client = at.by_name + aligned(hash_index_bytes(max));
    at.wheel = at.by_client + aligned(hash_index_bytes(max));
    at.entries = at.wheel + aligned(timer_wheel_bytes(max));
    at.formers = at.entries + (size_t)max * sizeof(struct entry);
    at.end = at.formers + (has_formers ? (size_t)max * sizeof(struct formers) : 0);
    return at;
}

size_t client_names_bytes(uint32_t max, bool has_formers)
{
    return layout_of(max, has_formers).end;
}

struct client_names *client_names_new(void *block, uint32_t max, const struct siphash_key *key,
                                      uint64_t former_ms, uint64_t now_ms)
{
    struct layout at = layout_of(max, former_ms > 0);
    uint8_t *base = block;
    struct client_names *names = malloc(sizeof *names);
    if (names == NULL)
        return NULL;
    *names = (struct client_names){
        .key = *key,
        .client_begin = siphash_begin(key),
        .entries = (struct entry *)(void *)(base + at.entries),
        .formers = former_ms > 0 ? (struct formers *)(void *)(base + at.formers) : NULL,
        .former_ms = former_ms,
        .max = max,
    };
    hash_index_init(&names->by_name, base + at.by_name, max, max);
    hash_index_init(&names->by_client, base + at.by_client, max, max);
    timer_wheel_init(&names->wheel, base + at.wheel, now_ms);
    return names;
}

void client_names_free(struct client_names *names)
{
    free(names);
}

/* ---- the two indexes ---- */

static uint64_t name_hash(const struct client_names *names, const struct device_name *name)
{
    return siphash13(&names->key, name->bytes, name->size);
}

static uint64_t client_hash(const struct client_names *names, const struct client_key *key)
{
    return client_key_hash(names->client_begin, key);
}

static uint64_t name_hash_of(const void *state, uint32_t slot)
{
    const struct client_names *names = state;
    return name_hash(names, &names->entries[slot].name);
}

static uint64_t client_hash_of(const void *state, uint32_t slot)
{
    const struct client_names *names = state;
    return client_hash(names, &names->entries[slot].holder.key);
}

/* Returns the cell of a name, or the empty cell at which the search for it ends; and likewise of a
 * client. */
static uint32_t name_cell(const struct client_names *names, const struct device_name *name)
{
    const struct hash_index *index = &names->by_name;
    uint64_t hash = name_hash(names, name);
    uint32_t cell = hash_index_find_tag(index, hash_index_start(index, hash), hash);
    while (index->cells[cell] != 0 &&
           !device_name_equal(&names->entries[hash_index_slot(index, cell)].name, name))
        cell = hash_index_find_tag(index, hash_index_next(index, cell), hash);
    return cell;
}

static uint32_t client_cell(const struct client_names *names, const struct client_key *key)
{
    const struct hash_index *index = &names->by_client;
    uint64_t hash = client_hash(names, key);
    uint32_t cell = hash_index_find_tag(index, hash_index_start(index, hash), hash);
    while (index->cells[cell] != 0 &&
           !client_key_equal(&names->entries[hash_index_slot(index, cell)].holder.key, key))
        cell = hash_index_find_tag(index, hash_index_next(index, cell), hash);
    return cell;
}

static struct entry *entry_of_name(const struct client_names *names, const struct device_name *name)
{
    uint32_t cell = name_cell(names, name);
    return names->by_name.cells[cell] == 0
               ? NULL
               : &names->entries[hash_index_slot(&names->by_name, cell)];
}

static struct entry *entry_of_client(const struct client_names *names, const struct client_key *key)
{
    uint32_t cell = client_cell(names, key);
    return names->by_client.cells[cell] == 0
               ? NULL
               : &names->entries[hash_index_slot(&names->by_client, cell)];
}

/* ---- entries ---- */

static uint32_t slot_of(const struct client_names *names, const struct entry *entry)
{
    return (uint32_t)(entry - names->entries);
}

static void add_client(struct client_names *names, const struct entry *entry)
{
    uint32_t cell = client_cell(names, &entry->holder.key);
    hash_index_add(&names->by_client, cell, client_hash(names, &entry->holder.key),
                   slot_of(names, entry));
}

static void remove_client(struct client_names *names, const struct entry *entry)
{
    hash_index_remove(&names->by_client, client_cell(names, &entry->holder.key), client_hash_of,
                      names);
}

static void wait_until(struct client_names *names, struct entry *entry, uint64_t check_ms)
{
    if (entry->is_waiting)
        timer_wheel_remove(&names->wheel, slot_of(names, entry));
    timer_wheel_add(&names->wheel, slot_of(names, entry), check_ms);
    entry->check_ms = check_ms;
    entry->is_waiting = true;
}

static void add(struct client_names *names, const struct device_name *name,
                const struct name_holder *holder, uint64_t check_ms)
{
    uint32_t slot = names->free != 0 ? names->free - 1 : names->used++;
    struct entry *entry = &names->entries[slot];
    if (names->free != 0)
        names->free = entry->holder.worker;
    entry->name = *name;
    entry->holder = *holder;
    if (entry->holder.number < names->given_up)
        entry->holder.number = names->given_up;
    entry->is_waiting = false;
    entry->is_moving = false;
    entry->is_gone = false;
    hash_index_add(&names->by_name, name_cell(names, name), name_hash(names, name), slot);
    add_client(names, entry);
    wait_until(names, entry, check_ms);
    names->count++;
}

static void remove_entry(struct client_names *names, struct entry *entry)
{
    hash_index_remove(&names->by_name, name_cell(names, &entry->name), name_hash_of, names);
    remove_client(names, entry);
    if (entry->is_waiting)
        timer_wheel_remove(&names->wheel, slot_of(names, entry));
    if (names->formers != NULL)
        names->formers[slot_of(names, entry)] = (struct formers){.list = {{0, 0}}};
    if (names->given_up < entry->holder.number)
        names->given_up = entry->holder.number;
    entry->name.size = 0;
    entry->holder.worker = names->free;
    names->free = slot_of(names, entry) + 1;
    names->count--;
}

/* The client of an entry is not registered any more. Its name is free once the client that had it
 * before cannot take it any more. */
static void end_client(struct client_names *names, struct entry *entry)
{
    if (entry->is_moving)
        entry->is_gone = true;
    else
        remove_entry(names, entry);
}

/* ---- former sources ---- */

static uint32_t former_tag(const struct client_names *names, const struct client_key *key)
{
    return (uint32_t)(client_hash(names, key) >> 32);
}

/* Whether the name has moved away from this source less than former_ms ago. */
static bool is_former(const struct client_names *names, const struct entry *entry,
                      const struct client_key *key, uint64_t now_ms)
{
    if (names->formers == NULL)
        return false;
    const struct formers *formers = &names->formers[slot_of(names, entry)];
    uint32_t tag = former_tag(names, key);
    for (size_t i = 0; i < CLIENT_NAMES_FORMER_COUNT; i++)
        if (formers->list[i].tag == tag && now_ms / 1000 < formers->list[i].until_s)
            return true;
    return false;
}

/* Remembers the source of the entry's client in place of the oldest one. */
static void add_former(struct client_names *names, const struct entry *entry, uint64_t now_ms)
{
    if (names->formers == NULL)
        return;
    struct formers *formers = &names->formers[slot_of(names, entry)];
    size_t oldest = 0;
    for (size_t i = 1; i < CLIENT_NAMES_FORMER_COUNT; i++)
        if (formers->list[i].until_s < formers->list[oldest].until_s)
            oldest = i;
    formers->list[oldest] = (struct former_source){
        .tag = former_tag(names, &entry->holder.key),
        .until_s = (uint32_t)((now_ms + names->former_ms) / 1000 + 1),
    };
}

/* ---- claims ---- */

static bool is_same_client(const struct name_holder *a, const struct name_holder *b)
{
    return client_key_equal(&a->key, &b->key) && a->join_number == b->join_number &&
           a->worker == b->worker;
}

/* The client of the entry claims its name again, or another one from the same source does. */
static void renew(struct client_names *names, struct entry *entry, const struct name_holder *holder,
                  uint64_t check_ms)
{
    uint64_t number = entry->holder.number;
    entry->holder = *holder;
    if (entry->holder.number < number)
        entry->holder.number = number;
    wait_until(names, entry, check_ms);
}

static void move(struct client_names *names, struct entry *entry, const struct name_holder *holder,
                 uint64_t check_ms)
{
    remove_client(names, entry);
    entry->holder = *holder;
    entry->is_moving = true;
    add_client(names, entry);
    wait_until(names, entry, check_ms);
}

static bool is_moving(const struct entry *entry)
{
    return entry != NULL && entry->is_moving;
}

enum client_names_outcome client_names_claim(struct client_names *names,
                                             const struct device_name *name,
                                             const struct name_holder *holder, uint64_t claimed_ms,
                                             uint64_t check_ms, struct name_holder *before)
{
    struct entry *entry = entry_of_name(names, name);
    struct entry *other = entry_of_client(names, &holder->key);
    if (is_moving(entry) || is_moving(other))
        return CLIENT_NAMES_LATE;
    if (entry != NULL && entry->holder.number > holder->number &&
        !is_same_client(&entry->holder, holder))
        return CLIENT_NAMES_LATE;
    if (entry != NULL && entry == other) {
        renew(names, entry, holder, check_ms);
        return CLIENT_NAMES_KEPT;
    }
    if (entry != NULL && is_former(names, entry, &holder->key, claimed_ms))
        return CLIENT_NAMES_FORMER;
    if (entry == NULL && other == NULL && names->count == names->max)
        return CLIENT_NAMES_FULL;
    if (other != NULL)
        remove_entry(names, other);
    if (entry == NULL) {
        add(names, name, holder, check_ms);
        return CLIENT_NAMES_ADDED;
    }
    *before = entry->holder;
    add_former(names, entry, claimed_ms);
    move(names, entry, holder, check_ms);
    return CLIENT_NAMES_MOVED;
}

void client_names_settle(struct client_names *names, const struct device_name *name,
                         const struct name_holder *holder, uint64_t number)
{
    struct entry *entry = entry_of_name(names, name);
    if (!is_moving(entry) || !is_same_client(&entry->holder, holder))
        return;
    entry->is_moving = false;
    if (entry->holder.number < number)
        entry->holder.number = number;
    if (entry->is_gone)
        remove_entry(names, entry);
}

bool client_names_find(const struct client_names *names, const struct device_name *name,
                       struct name_holder *holder)
{
    const struct entry *entry = entry_of_name(names, name);
    if (entry != NULL && holder != NULL)
        *holder = entry->holder;
    return entry != NULL;
}

bool client_names_of(const struct client_names *names, const struct client_key *key,
                     struct device_name *name, struct name_holder *holder)
{
    const struct entry *entry = entry_of_client(names, key);
    if (entry != NULL && name != NULL)
        *name = entry->name;
    if (entry != NULL && holder != NULL)
        *holder = entry->holder;
    return entry != NULL;
}

bool client_names_remove(struct client_names *names, const struct client_key *key, uint32_t worker,
                         uint64_t joined_before)
{
    struct entry *entry = entry_of_client(names, key);
    if (entry == NULL || entry->holder.worker != worker ||
        entry->holder.join_number >= joined_before)
        return false;
    end_client(names, entry);
    return true;
}

uint32_t client_names_count(const struct client_names *names)
{
    return names->count;
}

/* ---- checks ---- */

bool client_names_take_due(struct client_names *names, uint64_t now_ms, struct name_holder *holder)
{
    uint32_t slot;
    while ((slot = timer_wheel_take(&names->wheel, now_ms)) != TIMER_WHEEL_NONE) {
        struct entry *entry = &names->entries[slot];
        /* The wheel may be early by a tick, or by more than a lap. */
        if (entry->check_ms > now_ms) {
            timer_wheel_add(&names->wheel, slot, entry->check_ms);
            continue;
        }
        entry->is_waiting = false;
        *holder = entry->holder;
        return true;
    }
    return false;
}

void client_names_checked(struct client_names *names, const struct name_holder *holder,
                          bool is_registered, uint64_t check_ms)
{
    struct entry *entry = entry_of_client(names, &holder->key);
    if (entry == NULL || entry->is_waiting || !is_same_client(&entry->holder, holder))
        return;
    if (is_registered)
        wait_until(names, entry, check_ms);
    else
        end_client(names, entry);
}

bool client_names_next(const struct client_names *names, uint32_t *position,
                       struct device_name *name)
{
    while (*position < names->used) {
        const struct entry *entry = &names->entries[(*position)++];
        if (entry->name.size == 0)
            continue;
        *name = entry->name;
        return true;
    }
    return false;
}

/* ---- an upgrade ---- */

uint64_t client_names_layout(uint32_t max, bool has_formers)
{
    const uint64_t values[] = {
        LAYOUT_VERSION,
        client_names_bytes(max, has_formers),
        max,
        has_formers,
        sizeof(struct entry),
        offsetof(struct entry, check_ms),
        offsetof(struct entry, name),
        offsetof(struct entry, is_waiting),
        offsetof(struct entry, is_moving),
        offsetof(struct entry, is_gone),
        offsetof(struct name_holder, join_number),
        offsetof(struct name_holder, number),
        offsetof(struct name_holder, worker),
        offsetof(struct device_name, size),
        offsetof(struct device_name, bytes),
        sizeof(struct former_source),
        CLIENT_NAMES_FORMER_COUNT,
        CLIENT_KEY_LISTENER_SHIFT,
        CLIENT_KEY_FAMILY_SHIFT,
        CLIENT_KEY_IP4_OR_SCOPE_SHIFT,
        hash_index_bytes(max),
        timer_wheel_bytes(max),
        TIMER_WHEEL_TICK_MS,
        TIMER_WHEEL_BUCKETS,
    };
    return handover_layout(values, sizeof values / sizeof values[0]);
}

void client_names_hand_over(const struct client_names *names, struct handover_writer *writer)
{
    handover_put64(writer, client_names_layout(names->max, names->formers != NULL));
    handover_put64(writer, names->key.k0);
    handover_put64(writer, names->key.k1);
    timer_wheel_hand_over(&names->wheel, writer);
    handover_put64(writer, names->given_up);
    handover_put32(writer, names->count);
    handover_put32(writer, names->used);
    handover_put32(writer, names->free);
}

static void set_key(struct client_names *names, const struct siphash_key *key)
{
    names->key = *key;
    names->client_begin = siphash_begin(key);
}

int client_names_take_over(struct client_names *names, struct handover_reader *reader)
{
    struct client_names taken = *names;
    bool fits = handover_get64(reader) == client_names_layout(names->max, names->formers != NULL);
    struct siphash_key key = {.k0 = handover_get64(reader)};
    key.k1 = handover_get64(reader);
    set_key(&taken, &key);
    fits &= timer_wheel_take_over(&taken.wheel, reader) == 0;
    taken.given_up = handover_get64(reader);
    taken.count = handover_get32(reader);
    taken.used = handover_get32(reader);
    taken.free = handover_get32(reader);
    if (!fits || reader->failed || taken.count > taken.used || taken.used > names->max ||
        taken.free > taken.used)
        return -EPROTO;
    *names = taken;
    return 0;
}

/* ---- an upgrade that registers the clients again ---- */

void client_names_hand_over_key(const struct client_names *names, struct handover_writer *writer)
{
    handover_put64(writer, names->key.k0);
    handover_put64(writer, names->key.k1);
}

int client_names_take_over_key(struct client_names *names, struct handover_reader *reader)
{
    struct siphash_key key = {.k0 = handover_get64(reader)};
    key.k1 = handover_get64(reader);
    if (reader->failed || names->used > 0)
        return -EPROTO;
    set_key(names, &key);
    return 0;
}

static bool has_formers(const struct client_names *names, uint32_t slot)
{
    uint32_t until_s = 0;
    for (size_t i = 0; i < CLIENT_NAMES_FORMER_COUNT; i++)
        until_s |= names->formers[slot].list[i].until_s;
    return names->entries[slot].name.size > 0 && until_s != 0;
}

/* A name of size 0 ends the list. */
void client_names_hand_over_formers(const struct client_names *names,
                                    struct handover_writer *writer)
{
    for (uint32_t slot = 0; names->formers != NULL && slot < names->used; slot++) {
        const struct device_name *name = &names->entries[slot].name;
        if (!has_formers(names, slot))
            continue;
        device_name_hand_over(name, writer);
        for (size_t i = 0; i < CLIENT_NAMES_FORMER_COUNT; i++) {
            handover_put32(writer, names->formers[slot].list[i].tag);
            handover_put32(writer, names->formers[slot].list[i].until_s);
        }
    }
    device_name_hand_over(&(struct device_name){.size = 0}, writer);
}

static void get_formers(struct formers *formers, struct handover_reader *reader)
{
    for (size_t i = 0; i < CLIENT_NAMES_FORMER_COUNT; i++) {
        formers->list[i].tag = handover_get32(reader);
        formers->list[i].until_s = handover_get32(reader);
    }
}

int client_names_take_over_formers(struct client_names *names, struct handover_reader *reader)
{
    struct device_name name;
    while ((name = device_name_take_over(reader)).size > 0) {
        struct formers formers;
        get_formers(&formers, reader);
        if (reader->failed)
            return -EPROTO;
        if (names == NULL || names->formers == NULL)
            continue;
        struct entry *entry = entry_of_name(names, &name);
        if (entry != NULL)
            names->formers[slot_of(names, entry)] = formers;
    }
    return reader->failed ? -EPROTO : 0;
}
