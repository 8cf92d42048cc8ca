/* Tests of server/datagram/datagram_decision: hellos, confirms, and datagrams that waited. The
 * other decisions are tested by tests/system/answering and by a fuzz target. */
#include "server/datagram/datagram_decision.h"

#include "udp_socket_fixture.h"
#include "wire/frame.h"

#include <stdlib.h>
#include <unistd.h>

enum { CAPACITY = 4, TTL_MS = 1000, CLIENTS = 3, JOB = 77 };

static struct registry *registry;
static void *memory;
static struct datagram_decider decider;
static struct datagram_answers answers;
static struct stats registry_stats;
static struct own_ports own_ports;
static struct event_publisher publisher;
static struct batch *received;
static struct addr server;
static int receiver, clients[CLIENTS];
static struct addr sources[CLIENTS];
static uint64_t now_ms;
static int messages; /* passed to the message callback */

static void on_message(void *state, uint8_t listener, const struct datagram *datagram, uint64_t at)
{
    (void)state;
    (void)listener;
    cr_assert_eq(at, now_ms);
    cr_assert_not(frame_has_magic(datagram->bytes, datagram->size));
    messages++;
}

static void set_up(void)
{
    static const struct siphash_key key = {1, 2};
    static const struct message yes = {(const uint8_t *)"yes", 3};
    now_ms = 1000;
    memory = aligned_alloc(64, registry_bytes(CAPACITY));
    memset(memory, 0, registry_bytes(CAPACITY));
    registry = registry_new(memory, CAPACITY, &key, TTL_MS, now_ms);
    decider = (struct datagram_decider){
        .registry = registry,
        .reply = reply_rotation_new(REPLY_ROTATE, &yes, 1),
        .events = &publisher,
        .own_ports = &own_ports,
        .stats = &registry_stats,
        .max_datagram_bytes = 64,
        .secrets = cookie_secrets_new(&key, now_ms),
    };
    cr_assert_eq(confirmations_open(&decider.confirmations, registry_slots(CAPACITY)), 0);
    received = batch_new(datagram_bytes_max(decider.max_datagram_bytes));
    answers.replies[0] = batch_new(0);
    answers.on_link.batch = batch_new(0);
    answers.routed.batch = batch_new(0);
    receiver = open_at("127.0.0.1:0", &server);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = open_at("127.0.0.1:0", &sources[i]);
}

static void tear_down(void)
{
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    close(receiver);
    batch_free(answers.routed.batch);
    batch_free(answers.on_link.batch);
    batch_free(answers.replies[0]);
    batch_free(received);
    confirmations_close(decider.confirmations);
    reply_rotation_release(decider.reply);
    registry_free(registry);
    free(memory);
}

TestSuite(datagram_decision, .init = set_up, .fini = tear_down, .timeout = 20);

/* ---- what clients send ---- */

static void send_bytes(int client, const void *bytes, size_t size)
{
    const struct addr none = {.family = ADDR_NONE};
    struct batch *batch = batch_new(0);
    batch_add(batch, &server, &none, bytes, size);
    cr_assert_eq(batch_send(batch, clients[client]), 0);
    cr_assert_eq(batch_counts(batch).sent, 1);
    batch_free(batch);
}

static void send_request(int client)
{
    send_bytes(client, "hi", 2);
}

static void send_hello(int client, bool frames)
{
    uint8_t bytes[FRAME_HELLO_BYTES_MAX];
    send_bytes(client, bytes, frame_write_hello(bytes, frames, "lamp", 4));
}

static void send_leave(int client)
{
    uint8_t bytes[FRAME_CHALLENGE_BYTES];
    send_bytes(client, bytes, frame_write_leave(bytes, NULL));
}

static void send_confirm(int client, uint64_t job)
{
    uint8_t bytes[FRAME_CONFIRM_BYTES];
    send_bytes(client, bytes, frame_write_confirm(bytes, job));
}

/* ---- what is decided ---- */

/* What became of a batch. */
static struct {
    uint64_t replies, nameds, challenges, bad, left, confirmed, again;
} fates;

/* Decides about all that was sent, as one batch. */
static void decide(void)
{
    int count = batch_receive(received, receiver);
    cr_assert_gt(count, 0);
    memset(&answers.stats, 0, sizeof answers.stats);
    answers.routed.nameds = answers.routed.pongs = 0;
    datagram_decide(&decider, 0, received, count, now_ms, &answers);
    const struct stats *stats = &answers.stats;
    struct batch *routed = answers.routed.batch;
    fates.replies = (uint64_t)batch_queued(answers.replies[0]);
    fates.nameds = (uint64_t)__builtin_popcountll(answers.routed.nameds);
    fates.challenges = (uint64_t)batch_queued(routed) - fates.nameds;
    fates.bad = stats->drop_bad_frame;
    fates.left = stats->left;
    fates.confirmed = stats->confirmed;
    fates.again = stats->confirmed_again;
    cr_assert_eq(stats->received,
                 stats_outcomes(stats) + fates.replies + (uint64_t)batch_queued(routed));
    for (int k = 0; k < batch_queued(routed); k++) {
        const void *bytes;
        size_t size;
        batch_get_reply(routed, k, &bytes, &size);
        cr_assert_eq(frame_read(bytes, size).type,
                     answers.routed.nameds >> k & 1 ? FRAME_NAMED : FRAME_CHALLENGE);
    }
    batch_clear(routed);
    batch_clear(answers.replies[0]);
    batch_clear(received);
}

static struct client client_of(int client)
{
    struct client found;
    cr_assert(registry_find(registry, 0, &sources[client], now_ms, &found), "client %d", client);
    return found;
}

static void join(int client)
{
    send_request(client);
    decide();
    cr_assert_eq(fates.replies, 1);
}

/* ---- hello ---- */

Test(datagram_decision, a_hello_sets_and_clears_the_flag_of_its_client)
{
    join(0);
    join(1);
    cr_assert_not(client_of(0).frames);
    send_hello(0, true);
    decide();
    cr_assert_eq(fates.nameds, 1);
    cr_assert(client_of(0).frames);
    cr_assert_not(client_of(1).frames);
    cr_assert_eq(client_of(0).received, 2);
    send_hello(0, false);
    decide();
    cr_assert_eq(fates.nameds, 1);
    cr_assert_not(client_of(0).frames);
}

Test(datagram_decision, the_flag_ends_when_the_client_expires_and_rejoins)
{
    join(0);
    send_hello(0, true);
    decide();
    now_ms += TTL_MS;
    send_hello(0, true);
    decide();
    cr_assert_eq(fates.bad, 1, "the hello of an expired client renews nothing");
    send_request(0);
    send_confirm(0, JOB);
    decide();
    cr_assert_eq(registry_stats.expired, 1);
    cr_assert_not(client_of(0).frames);
}

Test(datagram_decision, a_hello_is_carried_out_before_a_later_leave_in_its_batch)
{
    join(0);
    send_hello(0, true);
    send_leave(0);
    send_hello(0, true);
    send_request(1);
    decide();
    cr_assert_eq(fates.nameds, 1, "the first hello");
    cr_assert_eq(fates.left, 1);
    cr_assert_eq(fates.bad, 1, "the second hello");
    cr_assert_eq(fates.replies, 1);
    cr_assert_not(client_of(1).frames, "it joined in the slot of the other");
}

Test(datagram_decision, a_hello_after_a_leave_and_a_request_in_its_batch_is_of_the_new_life)
{
    join(0);
    send_hello(0, true);
    send_leave(0);
    send_request(0);
    decide();
    cr_assert_not(client_of(0).frames);
    send_leave(0);
    send_request(0);
    send_hello(0, true);
    decide();
    cr_assert_eq(fates.nameds, 1);
    cr_assert(client_of(0).frames);
}

/* ---- clients that the program in the kernel could answer ---- */

static int renewed; /* passed to the callback for renewed clients */
static uint32_t count_at_renewal;

static void on_renewed(void *state, uint8_t listener, const struct registry_datagram *record,
                       uint64_t at)
{
    (void)state;
    (void)listener;
    cr_assert_eq(at, now_ms);
    cr_assert(addr_equal(record->source, &sources[0]));
    count_at_renewal = registry_count(registry);
    renewed++;
}

/* A request in a frame that answers a challenge. */
static void send_answer(int client)
{
    static const uint8_t cookie[FRAME_COOKIE_BYTES];
    uint8_t bytes[FRAME_ANSWER_HEAD_BYTES + 2];
    const size_t head = frame_write_answer_head(bytes, cookie);
    memcpy(bytes + head, "hi", 2);
    send_bytes(client, bytes, head + 2);
}

/* The program notes the link of a frame, too, for copies of broadcasts. */
Test(datagram_decision, a_client_that_is_renewed_is_offered_also_by_a_frame)
{
    decider.on_renewed.call = on_renewed;
    join(0);
    cr_assert_eq(renewed, 0, "it has only joined");
    send_request(0);
    decide();
    cr_assert_eq(renewed, 1);
    send_answer(0);
    decide();
    cr_assert_eq(fates.replies, 1);
    cr_assert_eq(renewed, 2);
    send_leave(0);
    send_answer(0);
    decide();
    cr_assert_eq(renewed, 2, "it has left, and joined anew");
}

/* Otherwise one that joins anew, by another interface, would be offered with the former one. */
Test(datagram_decision, a_client_is_offered_before_its_leave_is_recorded)
{
    decider.on_renewed.call = on_renewed;
    join(0);
    send_request(0);
    send_leave(0);
    decide();
    cr_assert_eq(renewed, 1);
    cr_assert_eq(count_at_renewal, 1);
    cr_assert_eq(registry_count(registry), 0);
}

/* Otherwise a copy could leave by the link of a request, after hellos and confirms by another. */
Test(datagram_decision, a_client_is_offered_by_a_hello_and_a_confirm_too)
{
    decider.on_renewed.call = on_renewed;
    join(0);
    send_request(0);
    send_hello(0, true);
    send_confirm(0, JOB);
    send_hello(1, true);
    decide();
    cr_assert_eq(renewed, 3, "the other hello renews nobody");
}

Test(datagram_decision, a_client_of_a_group_is_not_offered)
{
    static const struct own_addrs own_addrs;
    decider.on_renewed.call = on_renewed;
    decider.groups = (struct multicast_listeners){.bits = 1, .own_addrs = &own_addrs};
    join(0);
    send_request(0);
    send_hello(0, true);
    decide();
    cr_assert_eq(fates.replies, 1);
    cr_assert_eq(renewed, 0);
}

/* ---- names ---- */

static void ignore(struct mailbox_message *wake)
{
    (void)wake;
}

Test(datagram_decision, a_client_that_leaves_is_gone_for_the_names_if_it_may_have_one)
{
    struct loop *loop = loop_new();
    struct mailbox *mailbox = mailbox_new(loop);
    struct name_queue *queue;
    _Atomic uint64_t numbers = 0;
    cr_assert_eq(name_queue_open(&queue, mailbox, &numbers, 1000, ignore, NULL), 0);
    cr_assert_eq(event_queue_open(&publisher.queue, 1000, mailbox, ignore, NULL), 0);
    decider.names = (struct hello_names){.mode = NAMES_TRUSTED, .queue = queue, .worker = 3};
    join(0);
    join(1);
    send_leave(1);
    send_hello(0, false);
    send_leave(0);
    send_request(0);
    send_hello(0, false); /* in the slot of the one before, whose claim is not decided yet */
    decide();
    cr_assert_eq(answers.stats.late_names, 1);
    name_queue_end(queue, client_of(0).slot);
    send_hello(0, false);
    decide();
    const bool expected[] = {false, true, false}; /* client 1 has not asked for a name */
    uint64_t joined[3];
    for (int i = 0; i < 3; i++) {
        const struct name_claim *claim = name_queue_front(queue);
        struct client_key key = client_key_of(0, &sources[0]);
        cr_assert_not_null(claim);
        cr_assert_eq(claim->is_gone, expected[i], "claim %d", i);
        cr_assert(client_key_equal(&claim->holder.key, &key));
        cr_assert_eq(claim->holder.worker, 3);
        joined[i] = claim->holder.join_number;
        name_queue_release(queue);
    }
    cr_assert_null(name_queue_front(queue));
    cr_assert_lt(joined[0], joined[1], "the client that has left");
    cr_assert_lt(joined[0], joined[2], "the next one is another client");
    mailbox_free(mailbox);
    name_queue_free(queue);
    event_queue_free(publisher.queue);
    loop_free(loop);
}

Test(datagram_decision, frames_among_requests_change_no_reply)
{
    join(0);
    join(1);
    for (int i = 0; i < 10; i++) {
        send_request(0);
        send_hello(1, i % 2);
        send_confirm(1, JOB);
    }
    decide();
    cr_assert_eq(fates.replies, 10);
    cr_assert_eq(fates.nameds, 10);
    cr_assert_eq(fates.bad, 10);
    cr_assert(client_of(1).frames, "the last of its hellos");
}

Test(datagram_decision, a_hello_and_a_confirm_are_no_messages)
{
    decider.on_message.call = on_message;
    join(0);
    send_hello(0, true);
    send_request(0);
    send_confirm(0, JOB);
    decide();
    cr_assert_eq(messages, 2, "the two requests");
}

Test(datagram_decision, under_cookie_an_unverified_hello_is_challenged_and_a_confirm_is_not)
{
    datagram_decider_set_rules(&decider, &(struct admission_rules){.cookie = true}, now_ms);
    send_hello(0, true);
    send_confirm(0, JOB);
    decide();
    cr_assert_eq(fates.challenges, 1);
    cr_assert_eq(fates.nameds, 0);
    cr_assert_eq(fates.bad, 1);
    cr_assert_eq(registry_count(registry), 0);
}

/* The rate is checked once for each of them. */
Test(datagram_decision, a_keyed_hello_whose_cookie_has_expired_takes_one_token_for_its_challenge)
{
    static const struct siphash_key key = {3, 4};
    static const uint8_t stale[FRAME_COOKIE_BYTES], mac[FRAME_MAC_BYTES];
    uint8_t hello[FRAME_HELLO_BYTES_MAX];
    size_t size = frame_write_keyed_hello(hello, true, stale, mac, "lamp", 4);
    void *buckets = aligned_alloc(64, rate_limiter_bytes());
    memset(buckets, 0, rate_limiter_bytes());
    join(0);
    decider.rules = (struct admission_rules){.cookie = true,
                                             .dry_run = true,
                                             .limiter = rate_limiter_init(buckets, &key),
                                             .limits = rate_limiter_limits(1, 1)};
    decider.names.mode = NAMES_KEYED;
    for (int i = 0; i < 3; i++)
        send_bytes(0, hello, size);
    decide();
    cr_assert_eq(fates.challenges, 3);
    cr_assert_eq(answers.stats.bad_cookies, 3);
    cr_assert_eq(answers.stats.dry_limited, 2);
    free(buckets);
}

/* Returns how many of 8 datagrams of a client are above a rate of 5 at once, when the program of
 * the offload has taken a token before. */
static uint64_t limited_after_one(bool cookie)
{
    void *buckets = aligned_alloc(64, rate_limiter_bytes());
    struct rate_bucket_set *blocks = memset(buckets, 0, rate_limiter_bytes());
    static const struct siphash_key key = {3, 4};
    decider.rules = (struct admission_rules){.cookie = cookie,
                                             .limiter = rate_limiter_init(buckets, &key),
                                             .limits = rate_limiter_limits(1, 5)};
    const struct rate_limiter_hashes hashes =
        admission_rules_rate_hashes(&decider.rules, &sources[0]);
    const uint64_t after_one_ns = now_ms * 1000000 + 1000000000;
    blocks[rate_bucket_block_of(hashes.address)].ways[2] =
        (struct rate_bucket){hashes.address, after_one_ns};
    for (int i = 0; i < 8; i++)
        send_request(0);
    decide();
    uint64_t limited = answers.stats.drop_limited;
    free(buckets);
    return limited;
}

Test(datagram_decision, clients_take_tokens_from_the_buckets_that_the_offload_has_of_them)
{
    join(0);
    cr_assert_eq(limited_after_one(false), 4);
    cr_assert_eq(limited_after_one(true), 4);
}

Test(datagram_decision, a_hello_may_be_longer_than_a_request)
{
    static const uint8_t cookie[FRAME_COOKIE_BYTES], mac[FRAME_MAC_BYTES];
    uint8_t bytes[FRAME_HELLO_BYTES_MAX + 1] = {0};
    char name[FRAME_NAME_BYTES_MAX];
    memset(name, 'n', sizeof name);
    size_t size = frame_write_keyed_hello(bytes, true, cookie, mac, name, sizeof name);
    cr_assert_eq(size, datagram_bytes_max(decider.max_datagram_bytes));
    join(0);
    send_bytes(0, bytes, size);
    send_bytes(0, bytes, size + 1);
    bytes[0] = 'x';
    send_bytes(0, bytes, size);
    decide();
    cr_assert_eq(fates.nameds, 1);
    cr_assert_eq(answers.stats.drop_oversize, 2, "a longer hello, and a request");
}

/* ---- confirm ---- */

/* Begins the job, and sends a frame of it to a client. */
static void begin_job(int client)
{
    const struct registry_walk walk = registry_walk_registered(registry);
    cr_assert_eq(
        confirmations_begin(decider.confirmations, CONFIRMED_BROADCAST, JOB, walk.joined_before),
        0);
    confirmations_frame_sent(decider.confirmations, JOB, client_of(client).slot);
}

Test(datagram_decision, a_confirm_counts_once_and_again_after_that)
{
    join(0);
    join(1);
    begin_job(0);
    send_confirm(0, JOB);
    send_confirm(0, JOB);
    send_confirm(1, JOB);
    send_confirm(0, JOB + 1);
    send_confirm(2, JOB);
    decide();
    cr_assert_eq(fates.confirmed, 1);
    cr_assert_eq(fates.again, 1);
    cr_assert_eq(fates.bad, 3, "no frame, another job, not registered");
    cr_assert_eq(fates.replies + fates.nameds + fates.challenges, 0);
    cr_assert_eq(client_of(0).received, 4, "each confirm renews its client");
}

Test(datagram_decision, a_confirm_of_a_new_client_in_the_slot_of_another_is_dropped)
{
    join(0);
    begin_job(0);
    uint32_t slot = client_of(0).slot;
    send_leave(0);
    send_request(1);
    send_confirm(1, JOB);
    decide();
    cr_assert_eq(client_of(1).slot, slot);
    cr_assert_eq(fates.bad, 1);
    cr_assert_eq(fates.confirmed, 0);
}

Test(datagram_decision, a_confirm_before_a_leave_in_its_batch_counts)
{
    join(0);
    begin_job(0);
    send_confirm(0, JOB);
    send_leave(0);
    send_request(1);
    decide();
    cr_assert_eq(fates.confirmed, 1);
    cr_assert_eq(fates.left, 1);
}

/* ---- datagrams that waited in a passed socket ---- */

/* Has the decider be the worker that the first client belongs to, or another one. */
static void be_worker_of_first(const struct source_shard_key *key, bool is_its)
{
    uint32_t its = source_shard(key, &sources[0], 2);
    decider.earlier = (struct earlier_datagrams){
        .listeners = 1, .key = key, .workers = 2, .worker = is_its ? its : 1 - its};
}

Test(datagram_decision, an_earlier_datagram_for_another_worker_is_answered_and_registers_nobody)
{
    static const struct source_shard_key key = {7, {11, 13}};
    decider.on_message.call = on_message;
    be_worker_of_first(&key, false);
    join(0); /* it gets a reply */
    cr_assert_eq(registry_count(registry), 0);
    cr_assert_eq(registry_stats.refused_full + registry_stats.joined, 0);
    cr_assert_eq(messages, 0);
    send_leave(0);
    decide();
    cr_assert_eq(fates.bad, 1);
    send_hello(0, false);
    decide();
    cr_assert_eq(fates.bad, 1);
    be_worker_of_first(&key, true);
    join(0);
    cr_assert_eq(registry_count(registry), 1);
    cr_assert_eq(messages, 1);
}

Test(datagram_decision, a_datagram_is_not_earlier_once_the_socket_was_empty)
{
    static const struct source_shard_key key = {7, {11, 13}};
    be_worker_of_first(&key, false);
    datagram_decider_note_empty(&decider, 1);
    join(0);
    cr_assert_eq(registry_count(registry), 0, "the socket of another listener was empty");
    datagram_decider_note_empty(&decider, 0);
    join(0);
    cr_assert_eq(registry_count(registry), 1);
}

Test(datagram_decision, an_earlier_datagram_renews_a_client_that_is_registered_here)
{
    static const struct source_shard_key key = {7, {11, 13}};
    join(0);
    be_worker_of_first(&key, false);
    now_ms += TTL_MS / 2;
    join(0);
    cr_assert_eq(client_of(0).idle_ms, 0);
}
