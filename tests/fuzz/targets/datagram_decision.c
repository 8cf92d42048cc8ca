/* The decision about datagrams: server/datagram/datagram_decision with the registry, replies,
 * cookies, access lists and rate limits, and with stubs for the clock and the batch. The input is a
 * script of batches, ticks, rotations and commands; the invariants are checked after each step. */
#include "target.h"

#include "admission/prefix_counts.h"
#include "server/datagram/datagram_decision.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <string.h>

enum {
    SOURCES = 24,
    LISTENERS = 2,
    CAPACITY = 10,
    BATCH = 16,
    MAX_BYTES = 64,
    ROOM_BYTES = MAX_BYTES + FRAME_ANSWER_HEAD_BYTES,
    JOBS = 4,
    STEPS_MAX = 200,
    TTL_MS = 1000,
};

/* ---- the batch ---- */

struct answered {
    const uint8_t *bytes;
    size_t size;
    int datagram;
};

struct batch {
    struct datagram datagrams[BATCH_MAX];
    uint8_t bytes[BATCH_MAX][ROOM_BYTES];
    uint8_t scratch[BATCH_MAX][BATCH_SCRATCH_BYTES];
    bool answered[BATCH_MAX];
    struct answered
        answers[BATCH_MAX]; /* queued in this batch, for datagrams of the received one */
    int count, answer_count;
};

const struct datagram *batch_datagrams(const struct batch *batch)
{
    return batch->datagrams;
}

uint8_t *batch_scratch(struct batch *batch, int i)
{
    must(i >= 0 && i < batch->count);
    return batch->scratch[i];
}

int batch_queued(const struct batch *batch)
{
    return batch->answer_count;
}

void batch_add_reply(struct batch *out, const struct batch *received, int i, const void *bytes,
                     size_t size)
{
    must(i >= 0 && i < received->count && out->answer_count < received->count);
    must(!received->answered[i]);
    ((struct batch *)(uintptr_t)received)->answered[i] = true;
    out->answers[out->answer_count++] = (struct answered){bytes, size, i};
}

/* ---- the state of a run ---- */

struct world {
    struct datagram_decider datagram_decider;
    struct own_ports ports;
    struct stats stats;
    struct batch batch, answers[SEND_SOCKET_SLOTS_COUNT], on_link, routed;
    struct send_socket_slots slots; /* of listener 1 */
    struct access_list *links;
    struct reply *replies[3], *spare;
    struct access_list *acls[2];
    struct rate_limiter *limiter;
    struct prefix_counts *prefixes;
    void *registry_memory, *prefix_memory;
    struct confirmations *confirmations;
    uint64_t jobs;    /* that have begun */
    uint8_t listener; /* of the batch */
    uint64_t now_ms, kicked, expired, left, confirmed, random;
    uint64_t received, fates;

    /* When a source was last verified on a listener, under rules that require it; 0: never. */
    uint64_t verified_ms[LISTENERS][SOURCES];
};

static struct world world;

static const struct siphash_key KEY = {21, 22};

/* Sources of both families, with few prefixes; some are invalid. */
static struct addr source_of(uint32_t i)
{
    struct addr addr = {.port = (uint16_t)(5000 + i % 3), .family = ADDR_IPV4};
    memcpy(addr.ip, (uint8_t[]){10, 0, (uint8_t)(i / 4 % 2), (uint8_t)(i % 4)}, 4);
    if (i >= 8 && i < 14) {
        memset(addr.ip, 0, sizeof addr.ip);
        addr.family = ADDR_IPV6;
        addr.ip[0] = i < 11 ? 0x20 : 0xfe;
        addr.ip[1] = i < 11 ? 0x01 : 0x80;
        addr.ip[15] = (uint8_t)(i % 2);
        addr.scope = i < 11 ? 0 : 1 + i % 2;
    }
    switch (i) {
    case 14:
        addr.port = 0;
        break;
    case 15:
        addr.port = 3000; /* the server's port at another address */
        break;
    case 16:
        memcpy(addr.ip, (uint8_t[]){192, 0, 2, 1}, 4);
        addr.port = 3000; /* the server's own address and port */
        break;
    case 17:
        memset(addr.ip, 255, 4);
        break;
    case 18:
        addr.ip[0] = 224;
        break;
    case 19:
        memset(addr.ip, 0, 4);
        break;
    case 20:
        memcpy(addr.ip, (uint8_t[]){172, 16, 0, 1}, 4); /* denied by one of the lists */
        break;
    default:
        break;
    }
    return addr;
}

static bool is_invalid_source(uint32_t i)
{
    return i == 14 || (i >= 16 && i <= 19);
}

static struct addr listen_addr(int i)
{
    struct addr addr = {.port = 3000, .family = ADDR_IPV4};
    if (i == 0)
        memcpy(addr.ip, (uint8_t[]){192, 0, 2, 1}, 4);
    else
        addr.family = ADDR_IPV6;
    return addr;
}

static void *zeroed(size_t bytes)
{
    bytes = (bytes + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    must(memory != NULL);
    return memset(memory, 0, bytes);
}

static struct cidr block(const char *text)
{
    struct cidr cidr;
    must(cidr_parse(&cidr, text) == NULL);
    return cidr;
}

/* A message for the relay must be a request. A frame would look as if the server had sent it. */
static void check_message(void *state, uint8_t listener, const struct datagram *message,
                          uint64_t now_ms)
{
    (void)state;
    (void)listener;
    must(now_ms == world.now_ms);
    must(message->size <= MAX_BYTES && !frame_has_magic(message->bytes, message->size));
}

/* Makes the large objects once and the small ones for each input. */
static void make_world(void)
{
    struct reply *replies[3];
    struct access_list *acls[2], *links = world.links;
    struct rate_limiter *limiter = world.limiter;
    memcpy(replies, world.replies, sizeof replies);
    memcpy(acls, world.acls, sizeof acls);
    void *registry_memory = world.registry_memory, *prefix_memory = world.prefix_memory;
    confirmations_close(world.confirmations);
    registry_free(world.datagram_decider.registry);
    if (limiter == NULL) {
        static const struct message messages[] = {{(const uint8_t *)"audi", 4},
                                                  {(const uint8_t *)"", 0}};
        struct cidr denied = block("172.16.0.0/12"),
                    allowed[] = {block("10.0.0.0/8"), block("::/0")};
        limiter = rate_limiter_init(zeroed(rate_limiter_bytes()), &KEY);
        registry_memory = zeroed(registry_bytes(CAPACITY));
        prefix_memory = zeroed(prefix_counts_bytes(CAPACITY));
        for (int mode = 0; mode < 3; mode++)
            must((replies[mode] = reply_rotation_new((enum reply_mode)mode, messages, 2)) != NULL);
        must((acls[0] = access_list_new(NULL, 0, &denied, 1)) != NULL);
        must((acls[1] = access_list_new(allowed, 2, &denied, 1)) != NULL);
        struct cidr on_link[] = {block("10.0.0.0/24"), block("fe80::/10")};
        must((links = access_list_new(on_link, 2, NULL, 0)) != NULL);
    }
    memset(&world, 0, sizeof world);
    memset(registry_memory, 0, registry_bytes(CAPACITY));
    memset(prefix_memory, 0, prefix_counts_bytes(CAPACITY));
    memcpy(world.replies, replies, sizeof replies);
    memcpy(world.acls, acls, sizeof acls);
    world.links = links;
    world.limiter = limiter;
    world.registry_memory = registry_memory;
    world.prefix_memory = prefix_memory;
    must(confirmations_open(&world.confirmations, registry_slots(CAPACITY)) == 0);
    world.prefixes = prefix_counts_init(prefix_memory, CAPACITY, &KEY);
    /* Later than any time of the previous input, so all buckets are full again. */
    static uint64_t start_ms = 1000000;
    start_ms += UINT64_C(1) << 22;
    if (start_ms >> 38 != 0) {
        memset(limiter, 0, rate_limiter_bytes());
        rate_limiter_init(limiter, &KEY);
        start_ms = 1000000;
    }
    world.now_ms = start_ms;
    static struct event_publisher nobody; /* there is no subscriber */
    world.datagram_decider = (struct datagram_decider){
        .registry = registry_new(registry_memory, CAPACITY, &KEY, TTL_MS, world.now_ms),
        .confirmations = world.confirmations,
        .reply = world.replies[0],
        .on_message = {.call = check_message},
        .events = &nobody,
        .own_ports = &world.ports,
        .stats = &world.stats,
        .max_datagram_bytes = MAX_BYTES,
        .secrets = cookie_secrets_new(&KEY, world.now_ms),
    };
    for (int i = 0; i < LISTENERS; i++) {
        struct addr addr = listen_addr(i);
        own_ports_add(&world.ports, &addr);
    }
}

static void set_rules(uint32_t bits)
{
    struct admission_rules rules = {
        .cookie = bits & 1,
        .dry_run = (bits & 14) == 14,
        .acl = bits & 16 ? world.acls[bits >> 5 & 1] : NULL,
        .per_prefix = bits & 64 ? 2 : 0,
        .limits = rate_limiter_limits(20, 5),
        .on_link = world.links,
    };
    rules.limiter = bits & 128 ? world.limiter : NULL;
    rules.prefixes = world.datagram_decider.rules.prefixes != NULL || rules.per_prefix != 0
                         ? world.prefixes
                         : NULL;
    if (rules.cookie != world.datagram_decider.rules.cookie)
        memset(world.verified_ms, 0, sizeof world.verified_ms);
    datagram_decider_set_rules(&world.datagram_decider, &rules, world.now_ms);
}

/* ---- datagrams ---- */

struct sent {
    uint32_t source;
    bool has_valid_cookie;
};

/* Writes a hello, with a name or without, or a confirm of a job that has begun or not. */
static size_t write_client_frame(struct script *script, uint32_t kind, uint8_t *bytes)
{
    if (kind & 16)
        return frame_write_confirm(bytes, take(script) % (JOBS + 1));
    return frame_write_hello(bytes, kind & 32, "lamp-7", kind >> 6 & 1 ? 6 : 0);
}

/* Adds a datagram to the batch: a request, or a frame with a valid, a changed or a random cookie.
 */
static struct sent add_datagram(struct script *script, uint8_t listener)
{
    struct batch *batch = &world.batch;
    int i = batch->count++;
    struct sent sent = {.source = take(script) % SOURCES};
    struct addr source = source_of(sent.source);
    uint8_t *bytes = batch->bytes[i], cookie[COOKIE_BYTES];
    uint32_t kind = take(script);
    size_t size = 0;
    if (kind & 7) {
        memcpy(bytes, (uint8_t[]){0, 0x55, 0x44, 0x50, (uint8_t)(kind & 7)}, 5);
        size = 5;
    }
    if (kind & 8) {
        cookie_make(&world.datagram_decider.secrets, listener, &source, cookie);
        if (kind & 16)
            cookie[kind >> 5] ^= (uint8_t)(1 << take(script) % 8);
        memcpy(bytes + size, cookie, sizeof cookie);
        size += sizeof cookie;
    }
    sent.has_valid_cookie = (kind & 24) == 8 && ((kind & 7) == FRAME_ANSWER);
    uint32_t more = take(script);
    if ((kind & 15) == FRAME_MESSAGE) { /* which no client sends: for two frames that it does */
        size = write_client_frame(script, kind, bytes);
        more = 0;
    }
    for (uint32_t k = more % 80; k > 0 && size < ROOM_BYTES; k--)
        bytes[size++] = (uint8_t)(more >= 160 ? 'x' : take(script));
    batch->datagrams[i] = (struct datagram){
        .bytes = bytes,
        .size = (uint32_t)size,
        .truncated = more == 255,
        .is_multicast = more == 254,
        .source = source,
        .local = listener == 0 ? (struct addr){.family = ADDR_NONE} : source_of(9),
    };
    return sent;
}

/* Checks what is true of every answer to any datagram. */
static const struct datagram *check_answer(const struct answered *answer, const struct sent *sent)
{
    const struct datagram *datagram = &world.batch.datagrams[answer->datagram];
    must(!is_invalid_source(sent[answer->datagram].source) && !datagram->truncated &&
         !datagram->is_multicast);
    must(world.datagram_decider.rules.acl == NULL ||
         access_list_admits(world.datagram_decider.rules.acl, &datagram->source));
    return datagram;
}

/* Only a client that is registered gets an answer to a hello, and its flag is in effect. In the
 * batch it may have left since then, and joined again. */
static void check_hello(const struct answered *answer)
{
    const struct datagram *datagram = &world.batch.datagrams[answer->datagram];
    struct frame hello = frame_read(datagram->bytes, datagram->size);
    struct client client;
    must(hello.type == FRAME_HELLO);
    for (int i = answer->datagram + 1; i < world.batch.count; i++)
        if (addr_equal(&world.batch.datagrams[i].source, &datagram->source))
            return;
    must(registry_find(world.datagram_decider.registry, world.listener, &datagram->source,
                       world.now_ms, &client));
    must(client.frames == ((hello.flags & FRAME_HELLO_FRAMES) != 0));
}

static void check_challenges(const struct challenge_queue *queue, bool on_link,
                             const struct sent *sent)
{
    const struct batch *batch = queue->batch;
    must(batch->answer_count == 64 || (queue->pongs | queue->nameds) >> batch->answer_count == 0);
    must((queue->pongs & queue->nameds) == 0);
    for (int k = 0; k < batch->answer_count; k++) {
        const struct answered *answer = &batch->answers[k];
        const struct datagram *datagram = check_answer(answer, sent);
        size_t headers = datagram->source.family == ADDR_IPV4 ? 28 : 48;
        enum frame_type type = frame_read(answer->bytes, answer->size).type;
        must(access_list_admits(world.links, &datagram->source) == on_link);
        if (queue->pongs >> k & 1) {
            must(type == FRAME_PONG && answer->size <= datagram->size);
        } else if (queue->nameds >> k & 1) {
            must(type == FRAME_NAMED && answer->size <= datagram->size);
            check_hello(answer);
        } else {
            must(world.datagram_decider.rules.cookie && type == FRAME_CHALLENGE);
            must(headers + answer->size <= 3 * (headers + datagram->size));
        }
    }
}

static void check_reply(const struct answered *answer, uint8_t listener, const struct sent *sent)
{
    check_answer(answer, sent);
    must(frame_read(answer->bytes, answer->size).type == FRAME_NONE); /* an echo, too */
    if (!world.datagram_decider.rules.cookie)
        return;
    uint64_t *verified_ms = &world.verified_ms[listener][sent[answer->datagram].source];
    must(sent[answer->datagram].has_valid_cookie ||
         (*verified_ms != 0 && world.now_ms - *verified_ms < TTL_MS));
    *verified_ms = world.now_ms;
}

/* Returns the number of answers. */
static uint64_t check_answers(const struct datagram_answers *answers, uint8_t listener,
                              const struct sent *sent)
{
    int count = world.on_link.answer_count + world.routed.answer_count;
    check_challenges(&answers->on_link, true, sent);
    check_challenges(&answers->routed, false, sent);
    for (size_t slot = 0; slot < SEND_SOCKET_SLOTS_COUNT; slot++) {
        const struct batch *replies = &world.answers[slot];
        count += replies->answer_count;
        for (int k = 0; k < replies->answer_count; k++) {
            const struct datagram *request = &world.batch.datagrams[replies->answers[k].datagram];
            must(slot ==
                 (listener == 0 ? 0 : send_socket_slot(&world.slots, request->local.scope)));
            check_reply(&replies->answers[k], listener, sent);
        }
    }
    return (uint64_t)count;
}

/* Begins a job, and sends a frame of it to each client that asked for frames. */
static void do_job(void)
{
    struct client clients[CAPACITY];
    struct registry_walk walk = registry_walk_registered(world.datagram_decider.registry);
    uint64_t job = world.jobs;
    if (world.jobs == JOBS)
        return;
    must(confirmations_begin(world.confirmations, CONFIRMED_BROADCAST, job, walk.joined_before) ==
         0);
    world.jobs++;
    while (!walk.ended) {
        size_t count = registry_walk_next(world.datagram_decider.registry, &walk, world.now_ms,
                                          clients, CAPACITY);
        for (size_t i = 0; i < count; i++)
            if (clients[i].frames)
                confirmations_frame_sent(world.confirmations, job, clients[i].slot);
    }
}

/* Each confirmation that counted is of a client that got a frame. */
static void check_confirmations(void)
{
    uint64_t confirmed = 0;
    for (uint64_t job = 0; job < world.jobs; job++) {
        const struct confirmation_counts *counts = confirmations_counts(world.confirmations, job);
        must(counts->confirmed <= counts->framed);
        confirmed += counts->confirmed;
    }
    must(confirmed == world.confirmed);
}

/* A hello or confirm renews its client, which was verified. */
static void renew_verified(uint8_t listener, const struct sent *sent)
{
    for (int i = 0; i < world.batch.count; i++) {
        const struct datagram *datagram = &world.batch.datagrams[i];
        enum frame_type type = frame_read(datagram->bytes, datagram->size).type;
        uint64_t *verified_ms = &world.verified_ms[listener][sent[i].source];
        if ((type == FRAME_HELLO || type == FRAME_CONFIRM) && *verified_ms != 0 &&
            world.now_ms - *verified_ms < TTL_MS)
            *verified_ms = world.now_ms;
    }
}

static void do_batch(struct script *script)
{
    uint32_t how = take(script);
    uint8_t listener = how & 1;
    int count = 1 + (int)(how >> 1) % BATCH;
    struct datagram_answers answers = {.slots = listener == 0 ? NULL : &world.slots,
                                       .on_link.batch = &world.on_link,
                                       .routed.batch = &world.routed};
    struct sent sent[BATCH];
    world.batch.count = world.on_link.answer_count = world.routed.answer_count = 0;
    memset(world.batch.answered, 0, sizeof world.batch.answered);
    for (size_t slot = 0; slot < SEND_SOCKET_SLOTS_COUNT; slot++) {
        answers.replies[slot] = &world.answers[slot];
        world.answers[slot].answer_count = 0;
    }
    world.listener = listener;
    for (int i = 0; i < count; i++)
        sent[i] = add_datagram(script, listener);
    datagram_decide(&world.datagram_decider, listener, &world.batch, count, world.now_ms, &answers);

    must(answers.stats.received == (uint64_t)count);
    renew_verified(listener, sent);
    must(stats_outcomes(&answers.stats) + check_answers(&answers, listener, sent) ==
         (uint64_t)count);
    /* A frame with a valid cookie is proof also in reply mode none. */
    for (int i = 0; i < count; i++)
        if (sent[i].has_valid_cookie)
            world.verified_ms[listener][sent[i].source] = world.now_ms;
    if (answers.stats.silent > 0)
        for (int i = 0; i < count; i++)
            if (world.verified_ms[listener][sent[i].source] != 0)
                world.verified_ms[listener][sent[i].source] = world.now_ms;
    world.left += answers.stats.left;
    world.confirmed += answers.stats.confirmed;
    check_confirmations();
}

/* ---- invariants ---- */

static void check_registry(void)
{
    struct client clients[CAPACITY + 1];
    struct registry_walk walk = registry_walk_all();
    size_t count = 0;
    while (!walk.ended) {
        count += registry_walk_next(world.datagram_decider.registry, &walk, world.now_ms,
                                    clients + count, CAPACITY + 1 - count);
        must(count <= CAPACITY);
    }
    must(registry_count(world.datagram_decider.registry) <= CAPACITY);
    must(world.stats.joined == registry_count(world.datagram_decider.registry) +
                                   world.stats.expired + world.kicked + world.left);
    for (size_t i = 0; i < count && world.datagram_decider.rules.cookie; i++) {
        uint32_t source = 0;
        for (; source < SOURCES; source++) {
            struct addr addr = source_of(source);
            if (addr_equal(&addr, &clients[i].source) &&
                world.verified_ms[clients[i].listener][source] != 0)
                break;
        }
        must(source < SOURCES); /* every client has proved its address */
    }
}

static void do_step(struct script *script)
{
    uint32_t what = take(script);
    uint64_t expired = 0;
    struct addr source;
    struct siphash_key key;
    switch (what % 8) {
    case 0:
        world.now_ms += take_two(script) % 3000;
        while (registry_sweep(world.datagram_decider.registry, world.now_ms, 1 + what / 8 % 3,
                              &expired))
            continue;
        world.stats.expired += expired;
        break;
    case 1:
        world.now_ms += take(script);
        break;
    case 2:
        key = (struct siphash_key){++world.random, what};
        cookie_secrets_rotate(&world.datagram_decider.secrets, &key, world.now_ms);
        break;
    case 3:
        source = source_of(take(script) % SOURCES);
        world.kicked += registry_remove(world.datagram_decider.registry, what / 8 % 2, &source);
        break;
    case 4:
        set_rules(take(script));
        break;
    case 5:
        if (what / 8 % 4 == 3)
            do_job();
        else
            world.datagram_decider.reply = world.replies[what / 8 % 4];
        break;
    default:
        do_batch(script);
        break;
    }
    check_registry();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct script script = {bytes, bytes + size};
    make_world();
    set_rules(take(&script));
    for (int step = 0; step < STEPS_MAX && script.next < script.end; step++)
        do_step(&script);
    return 0;
}
