/* Copies for everyone in this shard, a slice at a time: walk, pace, send, and look again. */
#include "server/broadcast/shard_broadcast.h"

#include "base/pacer.h"
#include "config/config.h"
#include "os/process/clock.h"
#include "os/process/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The sockets for copies are numbered: those of the first listener, then those of the next. */
enum { SOCKETS_MAX = CONFIG_LISTEN_MAX * SEND_SOCKET_SLOTS_COUNT };

/* Parts one behind the other: the first one runs. */
struct lane {
    struct shard_job *first, **end;
    struct registry_walk walk;
    /* The sockets that had no more room, and for each socket the first place that has no copy yet,
     * as far as the walk has been beyond that. */
    size_t full_count;
    bool full[SOCKETS_MAX];
    uint32_t from[SOCKETS_MAX];
    bool has_passed; /* over somebody: until then, everyone whom the walk finds is due */
    /* From then on, who has its copy: those below that slot, and those of these bits. The socket of
     * a client doesn't say it, since a client may begin to come by another interface. */
    uint32_t done_below, done_end;
    uint64_t *done; /* a bit for each slot; none is set from done_end on */
    struct recipients_walk audience_walks[BROADCAST_RECIPIENTS_MAX];
    size_t audiences_done;
};

struct broadcast {
    struct broadcast_options options;
    struct batch *batch; /* empty between slices */
    struct pacer pace;
    struct loop_task slice;
    struct loop_task room;   /* a socket that was full has room again */
    struct loop_timer timer; /* set while a part waits for its pace */
    struct recipients recipient_sets[BROADCAST_RECIPIENTS_MAX];
    size_t audience_count;
    struct lane lanes[BROADCAST_QUEUES];
    size_t turn; /* the lane that is looked at first */
};

/* A counter that this thread alone writes needs no more than that a reader never sees half of it.
 */
static void add(_Atomic uint64_t *counter, uint64_t count)
{
    uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, before + count, memory_order_relaxed);
}

static uint64_t value(_Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* ---- the life of a part ---- */

static void forget_done(struct lane *lane)
{
    size_t first = lane->done_below / 64, end = ((size_t)lane->done_end + 63) / 64;
    if (first < end)
        memset(&lane->done[first], 0, (end - first) * sizeof lane->done[0]);
    lane->done_below = lane->done_end = 0;
}

static void start_first(struct broadcast *broadcast, struct lane *lane)
{
    struct shard_job *part = lane->first;
    uint64_t targets = registry_count(broadcast->options.registry);
    lane->walk = registry_walk_registered(broadcast->options.registry);
    lane->full_count = 0;
    memset(lane->full, 0, sizeof lane->full);
    lane->has_passed = false;
    forget_done(lane);
    memset(lane->from, 0, sizeof lane->from);
    lane->audiences_done = 0;
    for (size_t i = 0; i < broadcast->audience_count; i++) {
        const struct recipients *recipients = &broadcast->recipient_sets[i];
        lane->audience_walks[i] = (struct recipients_walk){.next = 0};
        targets += recipients->begin(recipients->state, part, &lane->audience_walks[i]);
    }
    add(&part->targets, targets);
    loop_defer(broadcast->options.loop, &broadcast->slice);
}

/* The part is over and out of its lane. */
static void go_home(struct shard_job *part)
{
    add(&part->skipped, value(&part->targets) - value(&part->sent) - value(&part->failed));
    if (part->reply_mailbox != NULL)
        mailbox_post(part->reply_mailbox, &part->mailbox_message);
    else
        part->mailbox_message.open(&part->mailbox_message);
}

static struct shard_job *take_out(struct lane *lane, struct shard_job **link)
{
    struct shard_job *part = *link;
    *link = part->next;
    if (*link == NULL)
        lane->end = link;
    return part;
}

static void end_first(struct broadcast *broadcast, struct lane *lane)
{
    struct shard_job *part = take_out(lane, &lane->first);
    if (lane->first != NULL)
        start_first(broadcast, lane);
    go_home(part);
}

/* ---- sockets that are full ---- */

#define EVERYONE UINT32_MAX /* in place of a slot: all of this socket's clients have theirs */

/* The number of the socket by which a client's copy leaves. */
static size_t socket_of(const struct broadcast *broadcast, const struct client *client)
{
    struct datagram_io *io = broadcast->options.io_by_listener[client->listener];
    return (size_t)client->listener * SEND_SOCKET_SLOTS_COUNT +
           datagram_io_copy_slot(io, &client->local);
}

/* The socket of this client is full. The clients of others don't wait for it: the walk goes on
 * where one of them may have no copy yet. */
static void pass_over(struct lane *lane, size_t socket, const struct client *client)
{
    uint32_t first = EVERYONE;
    if (!lane->has_passed)
        lane->done_below = client->slot;
    lane->has_passed = true;
    lane->full_count += !lane->full[socket];
    lane->full[socket] = true;
    lane->from[socket] = client->slot;
    for (size_t i = 0; i < SOCKETS_MAX; i++)
        if (!lane->full[i] && lane->from[i] < first)
            first = lane->from[i];
    if (first == EVERYONE)
        lane->walk.ended = true;
    else if (lane->walk.next < first)
        lane->walk.next = first;
}

/* One of them has room again, it isn't known which: the walk turns back to the first client that
 * was passed over. Who has a copy doesn't get it a second time. */
static void turn_back(struct lane *lane)
{
    uint32_t here = lane->walk.ended ? EVERYONE : lane->walk.next, first = here;
    for (size_t i = 0; i < SOCKETS_MAX; i++) {
        if (!lane->full[i])
            lane->from[i] = lane->from[i] > here ? lane->from[i] : here;
        else if (lane->from[i] < first)
            first = lane->from[i];
    }
    lane->full_count = 0;
    memset(lane->full, 0, sizeof lane->full);
    registry_walk_rewind(&lane->walk, &(struct client){.slot = first});
}

static void on_room(void *state)
{
    struct broadcast *broadcast = state;
    for (size_t i = 0; i < BROADCAST_QUEUES; i++)
        if (broadcast->lanes[i].full_count != 0)
            turn_back(&broadcast->lanes[i]);
    loop_defer(broadcast->options.loop, &broadcast->slice);
}

/* ---- copies ---- */

/* Notes that these clients have their copies. */
static void mark_done(struct lane *lane, const struct client *clients, uint32_t client_count)
{
    for (uint32_t i = 0; lane->has_passed && i < client_count; i++) {
        uint32_t slot = clients[i].slot;
        lane->done[slot / 64] |= UINT64_C(1) << slot % 64;
        if (slot >= lane->done_end)
            lane->done_end = slot + 1;
    }
}

static bool is_done(const struct lane *lane, uint32_t slot)
{
    return slot < lane->done_below || (lane->done[slot / 64] >> slot % 64 & 1) != 0;
}

static void count(struct broadcast *broadcast, struct shard_job *part, uint32_t sent,
                  uint32_t failed)
{
    add(&part->sent, sent);
    add(&part->failed, failed);
    broadcast->options.stats->copies_sent += sent;
    broadcast->options.stats->copies_failed += failed;
}

/* Sends what the batch holds and empties it. Returns how many of it are done with, sent or failed;
 * fewer than queued when the socket has no more room. */
static uint32_t send_copies(struct broadcast *broadcast, struct shard_job *part, size_t socket)
{
    struct datagram_io *io = broadcast->options.io_by_listener[socket / SEND_SOCKET_SLOTS_COUNT];
    send_socket_send(datagram_io_copies(io, socket % SEND_SOCKET_SLOTS_COUNT), broadcast->batch,
                     &broadcast->room);

    struct batch_tally tally = batch_tally(broadcast->batch);
    if (tally.last_errno != 0)
        *broadcast->options.last_errno = tally.last_errno;
    count(broadcast, part, tally.sent, tally.failed);
    batch_clear(broadcast->batch);
    return tally.sent + tally.failed;
}

/* Sends a copy to each of the clients, those of one socket at a time, until it is full. Returns how
 * many are done with. */
static uint32_t send_to(struct broadcast *broadcast, struct lane *lane,
                        const struct client *clients, uint32_t client_count)
{
    const struct shard_job *part = lane->first;
    uint32_t done = 0;
    for (uint32_t begin = 0, end = 0; begin < client_count; begin = end) {
        size_t socket = socket_of(broadcast, &clients[begin]);
        bool passes = lane->full[socket];
        for (; end < client_count && socket_of(broadcast, &clients[end]) == socket; end++)
            if (!passes)
                batch_address(broadcast->batch, &clients[end].source, &clients[end].local,
                              part->bytes, part->size);
        if (passes)
            continue;
        uint32_t sent = send_copies(broadcast, lane->first, socket);
        done += sent;
        mark_done(lane, &clients[begin], sent);
        if (sent < end - begin)
            pass_over(lane, socket, &clients[begin + sent]);
    }
    return done;
}

/* Whether a client gets its copy now: it hasn't got it, needn't wait for it, and isn't left out. */
static bool is_due(const struct broadcast *broadcast, const struct lane *lane,
                   const struct client *client)
{
    const struct broadcast_except *except = &lane->first->except;
    return !is_done(lane, client->slot) && !lane->full[socket_of(broadcast, client)] &&
           (except->source.family == ADDR_NONE || client->listener != except->listener ||
            !addr_equal(&client->source, &except->source));
}

/* Takes those out who aren't due. Returns how many are left. */
static uint32_t keep_due(const struct broadcast *broadcast, const struct lane *lane,
                         struct client *clients, uint32_t client_count)
{
    if (!lane->has_passed && lane->first->except.source.family == ADDR_NONE)
        return client_count;
    uint32_t left = 0;
    for (uint32_t i = 0; i < client_count; i++) {
        if (!is_due(broadcast, lane, &clients[i]))
            continue;
        if (left < i)
            clients[left] = clients[i];
        left++;
    }
    return left;
}

/* Copies for the registry's clients. Returns how many were sent or failed. */
static uint32_t send_to_registry(struct broadcast *broadcast, struct lane *lane, uint64_t now_ms,
                                 uint32_t may)
{
    struct client clients[BATCH_MAX];
    uint32_t found = (uint32_t)registry_walk_next(broadcast->options.registry, &lane->walk, now_ms,
                                                  clients, may);
    return send_to(broadcast, lane, clients, keep_due(broadcast, lane, clients, found));
}

/* Copies for one audience; *waits tells that it has no room for more. Returns as above. */
static uint32_t send_to_audience(struct broadcast *broadcast, struct lane *lane, uint32_t may,
                                 bool *waits)
{
    const struct recipients *recipients = &broadcast->recipient_sets[lane->audiences_done];
    struct recipients_walk *walk = &lane->audience_walks[lane->audiences_done];
    struct recipients_tally tally = {.sent = 0};
    *waits = !walk->ended &&
             recipients->send(recipients->state, lane->first, walk, may, &tally, &broadcast->slice);
    count(broadcast, lane->first, tally.sent, tally.failed);
    if (walk->ended)
        lane->audiences_done++;
    return tally.sent + tally.failed;
}

enum progress { GO_ON, WAIT, ENDED };

/* Up to a batch of copies of the first part of a lane: for the registry's clients, then for the
 * audiences, and for those who were passed over when they can be reached. */
static enum progress send_slice(struct broadcast *broadcast, struct lane *lane)
{
    uint64_t now_ns = clock_now_ns();
    uint32_t may = pacer_take(&broadcast->pace, now_ns, BATCH_MAX), done = 0;
    bool waits = false;
    if (may == 0) {
        loop_timer_once(&broadcast->timer, pacer_wait_ns(&broadcast->pace));
        return WAIT;
    }
    if (!lane->walk.ended)
        done = send_to_registry(broadcast, lane, now_ns / 1000000, may);
    else if (lane->audiences_done < broadcast->audience_count)
        done = send_to_audience(broadcast, lane, may, &waits);
    else
        waits = lane->full_count != 0;
    pacer_return(&broadcast->pace, may - done);
    if (lane->walk.ended && lane->full_count == 0 &&
        lane->audiences_done == broadcast->audience_count)
        return ENDED;
    return waits ? WAIT : GO_ON;
}

/* A slice of the lane whose turn it is, or of the next one if that has nothing, or has to wait. */
static void run_slice(void *state)
{
    struct broadcast *broadcast = state;
    bool moved = false;
    for (size_t i = 0; i < BROADCAST_QUEUES && !moved; i++) {
        broadcast->turn = (broadcast->turn + 1) % BROADCAST_QUEUES;
        struct lane *lane = &broadcast->lanes[broadcast->turn];
        if (lane->first == NULL)
            continue;
        enum progress progress = send_slice(broadcast, lane);
        if (progress == ENDED)
            end_first(broadcast, lane);
        moved = progress != WAIT;
    }
    if (moved)
        loop_defer(broadcast->options.loop, &broadcast->slice);
}

/* ---- from start to stop ---- */

static size_t done_bytes(const struct broadcast *broadcast)
{
    return ((size_t)registry_slots(broadcast->options.capacity) + 63) / 64 * sizeof(uint64_t);
}

/* Takes memory only where a broadcast passes over somebody. */
static int reserve_done(struct broadcast *broadcast)
{
    for (size_t i = 0; i < BROADCAST_QUEUES; i++) {
        broadcast->lanes[i].done = memory_reserve(done_bytes(broadcast), 0);
        if (broadcast->lanes[i].done == NULL)
            return -errno;
    }
    return 0;
}

static void free_broadcast(struct broadcast *broadcast)
{
    for (size_t i = 0; i < BROADCAST_QUEUES; i++)
        if (broadcast->lanes[i].done != NULL)
            memory_release(broadcast->lanes[i].done, done_bytes(broadcast));
    batch_free(broadcast->batch);
    free(broadcast);
}

int broadcast_open(struct broadcast **broadcast, const struct broadcast_options *options)
{
    struct broadcast *made = memory_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    made->slice = (struct loop_task){.run = run_slice, .state = made};
    made->room = (struct loop_task){.run = on_room, .state = made};
    for (size_t i = 0; i < BROADCAST_QUEUES; i++)
        made->lanes[i].end = &made->lanes[i].first;
    pacer_init_share(&made->pace, options->rate_pps, options->part, options->parts, clock_now_ns());
    made->batch = batch_new(0);
    int error = made->batch == NULL ? -ENOMEM : reserve_done(made);
    if (error == 0)
        error = loop_timer_open(options->loop, &made->timer, run_slice, made);
    if (error != 0) {
        free_broadcast(made);
        return error;
    }
    *broadcast = made;
    return 0;
}

void broadcast_add_recipients(struct broadcast *broadcast, const struct recipients *recipients)
{
    broadcast->recipient_sets[broadcast->audience_count++] = *recipients;
}

void broadcast_close(struct broadcast *broadcast)
{
    if (broadcast == NULL)
        return;
    for (size_t i = 0; i < BROADCAST_QUEUES; i++)
        while (broadcast->lanes[i].first != NULL)
            go_home(take_out(&broadcast->lanes[i], &broadcast->lanes[i].first));
    loop_cancel(broadcast->options.loop, &broadcast->slice);
    loop_cancel(broadcast->options.loop, &broadcast->room);
    loop_timer_close(&broadcast->timer);
    free_broadcast(broadcast);
}

void broadcast_start(struct broadcast *broadcast, struct shard_job *part)
{
    struct lane *lane = &broadcast->lanes[part->lane];
    bool is_first = lane->first == NULL;
    part->next = NULL;
    *lane->end = part;
    lane->end = &part->next;
    if (is_first)
        start_first(broadcast, lane);
}

void broadcast_cancel(struct broadcast *broadcast, const struct shard_job *part)
{
    struct lane *lane = &broadcast->lanes[part->lane];
    if (lane->first == part) {
        end_first(broadcast, lane);
        return;
    }
    for (struct shard_job **link = &lane->first; *link != NULL; link = &(*link)->next) {
        if (*link == part) {
            go_home(take_out(lane, link));
            return;
        }
    }
}

void broadcast_set_rate(struct broadcast *broadcast, uint32_t rate_pps)
{
    if (rate_pps == broadcast->pace.rate_pps)
        return;
    pacer_set_rate(&broadcast->pace, rate_pps, clock_now_ns());
    loop_defer(broadcast->options.loop, &broadcast->slice);
}
