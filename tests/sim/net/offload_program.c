#include "sim/net/offload_program.h"

#include "net/interface/interface_links.h"
#include "sim/check/observe.h"
#include "sim/core/broken.h"
#include "sim/core/hash.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/net/network.h"
#include "sim/os/process.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PROGRAMS_MAX = 16 };

static struct program *programs[PROGRAMS_MAX];
static size_t program_count;

/* ---- making ---- */

static unsigned never_ready(const struct object *object)
{
    (void)object;
    return 0;
}

static void destroy(struct object *object)
{
    struct program *program = (struct program *)object;
    for (size_t i = 0; i < program_count; i++)
        if (programs[i] == program)
            programs[i--] = programs[--program_count];
    simulated_memory_file_close(program->rate_file, program->rate_blocks, PROGRAM_RATE_BYTES);
    free(program->senders);
    free(program->records);
    free(program->workers);
    free(program->rotations);
    free(program->messages);
    free(program->counters);
    free(program->entries);
    free(program->places);
    free(program);
}

/* Of zeros. */
static void *new_array(size_t alignment, size_t bytes)
{
    void *array = aligned_alloc(alignment, bytes);
    memset(array, 0, bytes);
    return array;
}

struct program *program_new(const struct offload_size *size)
{
    struct program *program = calloc(1, sizeof *program);
    uint32_t record_count = size->records, worker_count = size->workers;
    if (program_count == PROGRAMS_MAX)
        broken_promise("the simulator itself", "more than %d programs", (int)PROGRAMS_MAX);
    *program = (struct program){
        .object = {.kind = OBJECT_PROGRAM, .ready = never_ready, .destroy = destroy},
        .record_count = record_count,
        .worker_count = worker_count,
        .sender_count = size->senders,
        .senders =
            new_array(_Alignof(struct program_sender), size->senders * sizeof *program->senders),
        .records =
            new_array(_Alignof(struct offload_record), record_count * sizeof *program->records),
        .workers = calloc(worker_count, sizeof *program->workers),
        .rotations = calloc(OFFLOAD_ROTATIONS, sizeof *program->rotations),
        .messages =
            calloc((size_t)OFFLOAD_ROTATIONS * OFFLOAD_MESSAGES_MAX, sizeof *program->messages),
        .counters = calloc((size_t)worker_count * OFFLOAD_COUNTERS, sizeof *program->counters),
        .entries = calloc(record_count, sizeof *program->entries),
        .place_count = 2 * (size_t)record_count,
    };
    void *rate_blocks = NULL;
    program->rate_file = simulated_memory_file(PROGRAM_RATE_BYTES, &rate_blocks);
    program->rate_blocks = rate_blocks;
    program->places = calloc(program->place_count, sizeof *program->places);
    programs[program_count++] = program;
    return program;
}

struct program *program_next(size_t *i)
{
    return *i < program_count ? programs[(*i)++] : NULL;
}

static struct program *attached_to(uint32_t birth)
{
    for (size_t i = 0; birth != 0 && i < program_count; i++)
        for (size_t k = 0; k < programs[i]->interface_count; k++)
            if (programs[i]->births[k] == birth)
                return programs[i];
    return NULL;
}

bool program_is_attached(uint32_t birth)
{
    return attached_to(birth) != NULL;
}

/* ---- the interfaces ---- */

void program_set_ingress(struct program *program, const struct interface_link *links, size_t count)
{
    program->ingress_count = 0;
    for (size_t i = 0; i < program->interface_count; i++)
        for (size_t k = 0; k < count; k++)
            if (links[k].index == program->indexes[i])
                program->ingress[program->ingress_count++] =
                    (struct program_ingress){links[k].index, links[k].mtu};
}

const struct program_ingress *program_ingress_of(const struct program *program, uint32_t index)
{
    for (size_t i = 0; i < program->ingress_count; i++)
        if (program->ingress[i].index == index)
            return &program->ingress[i];
    return NULL;
}

/* ---- the tables ---- */

/* The source in a key has no scope. */
static bool is_same(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

static uint64_t hash_of(const struct addr *source, const struct addr *local)
{
    struct addr from = *source;
    from.scope = 0;
    return hash_add_addr(hash_add_addr(1, &from), local);
}

/* Returns the place of an entry, or the free one where it would be. */
static size_t place_of(const struct program *program, const struct addr *source,
                       const struct addr *local)
{
    size_t at = hash_of(source, local) % program->place_count;
    for (; program->places[at] != 0; at = (at + 1) % program->place_count) {
        const struct program_entry *entry = &program->entries[program->places[at] - 1];
        if (is_same(&entry->source, source) && is_same(&entry->local, local) &&
            entry->local.scope == local->scope)
            break;
    }
    return at;
}

static struct program_entry *find(const struct program *program, const struct addr *source,
                                  const struct addr *local)
{
    uint32_t number = program->places[place_of(program, source, local)];
    return number != 0 ? &program->entries[number - 1] : NULL;
}

int program_add(struct program *program, const struct program_entry *entry)
{
    struct program_entry *found = find(program, &entry->source, &entry->local);
    if (found != NULL) {
        *found = *entry;
        return 0;
    }
    if (program->entry_count == program->record_count)
        broken_promise("each client has a record of its own", "there are more than %" PRIu32,
                       program->record_count);
    program->entries[program->entry_count++] = *entry;
    program->places[place_of(program, &entry->source, &entry->local)] =
        (uint32_t)program->entry_count;
    return 0;
}

/* Puts an entry at its place again, after a place before it has become free. */
static void place_again(struct program *program, size_t at)
{
    uint32_t number = program->places[at];
    const struct program_entry *entry = &program->entries[number - 1];
    program->places[at] = 0;
    program->places[place_of(program, &entry->source, &entry->local)] = number;
}

/* Returns the number of the entry that names a record, + 1; 0: there is none. */
static uint32_t number_of(const struct program *program, uint32_t record)
{
    for (uint32_t i = 0; i < program->entry_count; i++)
        if (program->entries[i].client.record == record)
            return i + 1;
    return 0;
}

void program_remove(struct program *program, uint32_t record)
{
    uint32_t number = number_of(program, record);
    if (number == 0)
        return;
    const struct program_entry *removed = &program->entries[number - 1];
    size_t at = place_of(program, &removed->source, &removed->local);
    program->places[at] = 0;
    for (size_t next = (at + 1) % program->place_count; program->places[next] != 0;
         next = (next + 1) % program->place_count)
        place_again(program, next);
    const struct program_entry *last = &program->entries[program->entry_count - 1];
    if (number < program->entry_count) {
        program->places[place_of(program, &last->source, &last->local)] = number;
        program->entries[number - 1] = *last;
    }
    program->entry_count--;
}

/* ---- the decision ---- */

/* What is known of the client of a packet. */
struct found {
    struct program *program;
    const struct offload_client *client;
    struct offload_record *record;
    const struct offload_worker *worker;
    size_t reply_max; /* bytes that fit into the MTU */
    uint64_t now_ms;
};

static struct program_result count(const struct found *found, enum offload_counter counter,
                                   enum program_action action)
{
    uint32_t worker = found->client->worker;
    if (counter > OFFLOAD_SILENCED || !broken_now("offload-count", 5))
        found->program->counters[worker * (size_t)OFFLOAD_COUNTERS + counter]++;
    return (struct program_result){.action = action, .worker = worker};
}

static bool is_frame(const struct packet *packet)
{
    return packet->size >= 4 && memcmp(packet->bytes, "\0UDP", 4) == 0;
}

/* Whether the server still wants the program to answer for the client, which has not expired. */
static bool is_current(const struct found *found)
{
    return offload_settings_reply(found->worker->settings) != OFFLOAD_PASS &&
           found->record->generation == offload_settings_generation(found->worker->settings) &&
           offload_seen_tag(found->record->seen) == found->client->tag &&
           found->now_ms < offload_seen_ms(found->record->seen) + found->worker->ttl_ms;
}

/* As offload_record.next_hop states it. */
static uint64_t next_hop_of(const struct packet *packet)
{
    uint64_t next_hop = (uint64_t)(uint16_t)packet->link << 48;
    for (size_t i = 0; i < sizeof packet->ethernet; i++)
        next_hop |= (uint64_t)packet->ethernet[i] << 8 * i;
    return next_hop ^ (broken_now("frame-hop", 20) ? UINT64_C(1) << 40 : 0);
}

/* The bucket of a tag; NULL: the server has made none. */
static struct rate_bucket *bucket_of(const struct found *found, uint64_t tag)
{
    struct rate_bucket_set *set =
        &found->program->rate_blocks[1 + ((tag >> 48) * RATE_LIMITER_SETS >> 16)];
    for (size_t i = 0; i < RATE_LIMITER_WAYS; i++)
        if (set->ways[i].tag == tag)
            return &set->ways[i];
    return NULL;
}

/* Stores in *full_ns when a bucket will be full, after a token is taken. Returns false if there is
 * no token. */
static bool would_take(const struct found *found, const struct rate_bucket *bucket,
                       const struct token_bucket *limit, uint64_t *full_ns)
{
    const uint64_t now_ns = found->now_ms * 1000000;
    uint64_t wait_ns = 0;
    if (bucket == NULL)
        return false;
    if (bucket->full_ns > now_ns)
        wait_ns = bucket->full_ns - now_ns;
    /* A bucket of an older limit is at most empty. */
    if (wait_ns > limit->slack_ns + limit->interval_ns)
        wait_ns = limit->slack_ns + limit->interval_ns;
    *full_ns = now_ns + wait_ns + limit->interval_ns;
    return wait_ns <= limit->slack_ns;
}

/* Takes a token of the client's address and one of its prefix. Returns false if one of them has
 * none, and takes none then. */
static bool take_tokens(const struct found *found)
{
    struct rate_bucket *address = bucket_of(found, found->record->address_hash),
                       *prefix = bucket_of(found, found->record->prefix_hash);
    uint64_t address_ns, prefix_ns;
    if (!would_take(found, address, &found->worker->address_limit, &address_ns) ||
        !would_take(found, prefix, &found->worker->prefix_limit, &prefix_ns))
        return false;
    if (broken_is("offload-rate"))
        return true;
    address->full_ns = address_ns;
    prefix->full_ns = prefix_ns;
    return true;
}

static void renew(const struct found *found)
{
    uint64_t now = offload_seen(found->now_ms, found->client->tag);
    if (found->record->seen < now && !broken_is("offload-renewal"))
        found->record->seen = now;
    found->record->received++;
}

/* Takes a datagram that is answered. Returns false if its rate has it passed on. */
static bool take(const struct found *found)
{
    if (found->worker->address_limit.interval_ns != 0 && !take_tokens(found))
        return false;
    renew(found);
    return true;
}

/* Returns whether the record is the client's still. */
static bool note_next_hop(const struct found *found, const struct packet *packet)
{
    if (offload_seen_tag(found->record->seen) != found->client->tag)
        return false;
    found->record->next_hop = next_hop_of(packet);
    found->record->next_hop_ms = found->now_ms;
    return true;
}

static struct program_result rotate(const struct found *found, bool has_room)
{
    struct program *program = found->program;
    uint32_t number = offload_settings_rotation(found->worker->settings);
    if (number >= OFFLOAD_ROTATIONS)
        return count(found, OFFLOAD_PASSED_SETTINGS, PROGRAM_PASS);
    struct offload_rotation *rotation = &program->rotations[number];
    if (rotation->count == 0 || rotation->count > OFFLOAD_MESSAGES_MAX ||
        rotation->max_bytes > OFFLOAD_MESSAGE_BYTES)
        return count(found, OFFLOAD_PASSED_SETTINGS, PROGRAM_PASS);
    if (!has_room || rotation->max_bytes > found->reply_max)
        return count(found, OFFLOAD_PASSED_ROOM, PROGRAM_PASS);
    if (!take(found))
        return count(found, OFFLOAD_PASSED_RATE, PROGRAM_PASS);
    uint64_t turn = rotation->turns++ % rotation->count;
    const struct offload_message *message =
        &program->messages[(size_t)number * OFFLOAD_MESSAGES_MAX + turn];
    if (message->size > rotation->max_bytes)
        broken_promise("a rotation says how long its messages are", "%" PRIu32 " of %" PRIu32,
                       message->size, rotation->max_bytes);
    struct program_result result = count(found, OFFLOAD_REPLIED, PROGRAM_REPLY);
    result.bytes = message->bytes;
    result.size = message->size;
    return result;
}

static struct program_result echo(const struct found *found, const struct packet *packet)
{
    if (packet->size > found->reply_max)
        return count(found, OFFLOAD_PASSED_ROOM, PROGRAM_PASS);
    if (!take(found))
        return count(found, OFFLOAD_PASSED_RATE, PROGRAM_PASS);
    struct program_result result = count(found, OFFLOAD_REPLIED, PROGRAM_REPLY);
    result.bytes = packet->bytes;
    result.size = packet->size;
    return result;
}

static struct program_result answer(const struct found *found, const struct packet *packet,
                                    bool has_room)
{
    if (!is_current(found))
        return count(found, OFFLOAD_PASSED_SETTINGS, PROGRAM_PASS);
    if (packet->size > OFFLOAD_REQUEST_BYTES ||
        packet->size > offload_settings_max_bytes(found->worker->settings))
        return count(found, OFFLOAD_PASSED_SIZE, PROGRAM_PASS);
    if (is_frame(packet))
        return count(found, OFFLOAD_PASSED_FRAME, PROGRAM_PASS);
    switch (offload_settings_reply(found->worker->settings)) {
    case OFFLOAD_ROTATE:
        return rotate(found, has_room);
    case OFFLOAD_ECHO:
        return echo(found, packet);
    default:
        return take(found) ? count(found, OFFLOAD_SILENCED, PROGRAM_DROP)
                           : count(found, OFFLOAD_PASSED_RATE, PROGRAM_PASS);
    }
}

static const struct program_entry *find_client(const struct program *program,
                                               const struct packet *packet, uint32_t interface)
{
    struct addr local = packet->to;
    local.scope = interface;
    return find(program, &packet->from, &local);
}

static size_t reply_max(const struct program_ingress *ingress, const struct packet *packet)
{
    size_t headers = packet->from.family == ADDR_IPV4 ? 28 : 48;
    return ingress->mtu > headers ? ingress->mtu - headers : 0;
}

struct program_result program_run(struct program *program, const struct packet *packet,
                                  uint64_t now_ms, bool has_room)
{
    const struct program_ingress *ingress = program_ingress_of(program, packet->link);
    const struct program_entry *entry =
        ingress != NULL ? find_client(program, packet, packet->link) : NULL;
    for (size_t i = 0; broken_is("offload-interface") && entry == NULL && ingress != NULL &&
                       i < program->ingress_count;
         i++)
        entry = find_client(program, packet, program->ingress[i].index);
    if (entry == NULL)
        return (struct program_result){.action = PROGRAM_PASS};
    const struct offload_client *client = &entry->client;
    if (client->record >= program->record_count || client->worker >= program->worker_count)
        broken_promise("the tables name records and workers that exist",
                       "record %" PRIu32 " of worker %" PRIu32, client->record, client->worker);
    const struct found found = {.program = program,
                                .client = client,
                                .record = &program->records[client->record],
                                .worker = &program->workers[client->worker],
                                .reply_max = reply_max(ingress, packet),
                                .now_ms = now_ms};
    bool is_noted = note_next_hop(&found, packet);
    struct program_result result = answer(&found, packet, has_room);
    result.is_noted = is_noted;
    return result;
}

/* ---- packets ---- */

void program_break_next_hops(struct program *program)
{
    for (size_t i = 0; i < program->entry_count; i++) {
        const struct program_entry *entry = &program->entries[i];
        struct packet packet = {.from = entry->source, .link = entry->local.scope};
        struct offload_record *record = &program->records[entry->client.record];
        if (record->next_hop == 0)
            record->next_hop = next_hop_of(&packet);
    }
}

bool program_takes(struct packet *packet)
{
    struct program *program = attached_to(host_birth(packet->link));
    if (program == NULL || packet->is_tagged || addr_is_multicast(&packet->to))
        return false;
    struct program_result result =
        program_run(program, packet, simulated_clock_ms(), !faults_lacks_room());
    if (result.is_noted)
        observe_noted(packet);
    if (result.action == PROGRAM_PASS)
        return false;
    trace(TRACE_OFFLOAD, packet->to.port, packet->from.port, packet->size, result.action);
    observe_offloaded(packet, (int)result.worker, result.action == PROGRAM_REPLY, result.bytes,
                      result.size);
    if (result.action == PROGRAM_REPLY)
        network_from_server(&packet->to, &packet->from, result.bytes, result.size, 0);
    free(packet);
    return true;
}
