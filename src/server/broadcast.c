/* Copies for everyone in this shard, a slice at a time: walk, pace, send, and look again. */
#include "server/broadcast.h"

#include "core/pace.h"
#include "net/clock.h"
#include "net/memory.h"

#include <errno.h>
#include <stdlib.h>

struct broadcast {
    struct broadcast_options options;
    struct batch *batch; /* empty between slices */
    struct pace pace;
    struct loop_task slice;
    struct loop_timer timer; /* set while a part waits for its pace */

    struct broadcast_part *part; /* that runs, NULL if none does */
    struct registry_walk walk;
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

static void end_part(struct broadcast *broadcast)
{
    struct broadcast_part *part = broadcast->part;
    broadcast->part = NULL;
    add(&part->skipped, value(&part->targets) - value(&part->sent) - value(&part->failed));
    mailbox_post(part->home, &part->mail);
}

/* Sends what the batch holds and empties it. Returns how many of it are done with, sent or failed;
 * fewer than queued when the socket has no more room. */
static uint32_t send_copies(struct broadcast *broadcast, struct endpoint *endpoint)
{
    struct broadcast_part *part = broadcast->part;
    if (batch_send(broadcast->batch, endpoint_socket(endpoint)) != 0)
        endpoint_when_writable(endpoint, &broadcast->slice);

    struct batch_tally tally = batch_tally(broadcast->batch);
    if (tally.last_errno != 0)
        *broadcast->options.last_errno = tally.last_errno;
    add(&part->sent, tally.sent);
    add(&part->failed, tally.failed);
    broadcast->options.stats->copies_sent += tally.sent;
    broadcast->options.stats->copies_failed += tally.failed;
    batch_clear(broadcast->batch);
    return tally.sent + tally.failed;
}

/* Sends a copy to each of the clients, those of one listener at a time. Returns how many are done
 * with. */
static uint32_t send_to(struct broadcast *broadcast, const struct client *clients, uint32_t count)
{
    const struct broadcast_part *part = broadcast->part;
    uint32_t done = 0;
    while (done < count) {
        uint8_t listener = clients[done].listener;
        uint32_t end = done;
        for (; end < count && clients[end].listener == listener; end++)
            batch_address(broadcast->batch, &clients[end].source, &clients[end].local, part->bytes,
                          part->size);
        uint32_t run = end - done;
        uint32_t sent = send_copies(broadcast, broadcast->options.endpoints[listener]);
        done += sent;
        if (sent < run)
            break;
    }
    return done;
}

enum progress { GO_ON, WAIT, ENDED };

/* Up to a batch of copies. */
static enum progress send_slice(struct broadcast *broadcast)
{
    struct client clients[BATCH_MAX];
    uint64_t now_ns = clock_now_ns();
    uint32_t may = pace_take(&broadcast->pace, now_ns, BATCH_MAX);
    if (may == 0) {
        loop_timer_once(&broadcast->timer, pace_wait_ns(&broadcast->pace));
        return WAIT;
    }
    uint32_t count = (uint32_t)registry_walk(broadcast->options.registry, &broadcast->walk,
                                             now_ns / 1000000, clients, may);
    uint32_t done = send_to(broadcast, clients, count);
    pace_return(&broadcast->pace, may - done);
    if (done < count) {
        /* The socket is full. Who has no copy yet is looked at again, for by then it may have
         * fallen silent. */
        registry_walk_back(&broadcast->walk, &clients[done]);
        return WAIT;
    }
    return broadcast->walk.ended ? ENDED : GO_ON;
}

static void run_slice(void *state)
{
    struct broadcast *broadcast = state;
    if (broadcast->part == NULL)
        return;
    switch (send_slice(broadcast)) {
    case GO_ON:
        loop_defer(broadcast->options.loop, &broadcast->slice);
        break;
    case WAIT:
        break;
    case ENDED:
        end_part(broadcast);
        break;
    }
}

int broadcast_open(struct broadcast **broadcast, const struct broadcast_options *options)
{
    struct broadcast *made = memory_lines(sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    made->slice = (struct loop_task){.run = run_slice, .state = made};
    pace_init_part(&made->pace, options->rate_pps, options->part, options->parts, clock_now_ns());
    made->batch = batch_new(0);
    int error = made->batch == NULL ? -ENOMEM
                                    : loop_timer_open(options->loop, &made->timer, run_slice, made);
    if (error != 0) {
        batch_free(made->batch);
        free(made);
        return error;
    }
    *broadcast = made;
    return 0;
}

void broadcast_close(struct broadcast *broadcast)
{
    if (broadcast == NULL)
        return;
    if (broadcast->part != NULL)
        end_part(broadcast);
    loop_cancel(broadcast->options.loop, &broadcast->slice);
    loop_timer_close(&broadcast->timer);
    batch_free(broadcast->batch);
    free(broadcast);
}

void broadcast_start(struct broadcast *broadcast, struct broadcast_part *part)
{
    broadcast->part = part;
    broadcast->walk = registry_walk_registered(broadcast->options.registry);
    add(&part->targets, registry_count(broadcast->options.registry));
    loop_defer(broadcast->options.loop, &broadcast->slice);
}

void broadcast_cancel(struct broadcast *broadcast, const struct broadcast_part *part)
{
    if (broadcast->part == part)
        end_part(broadcast);
}

void broadcast_set_rate(struct broadcast *broadcast, uint32_t rate_pps)
{
    if (rate_pps == broadcast->pace.rate_pps)
        return;
    pace_init_part(&broadcast->pace, rate_pps, broadcast->options.part, broadcast->options.parts,
                   clock_now_ns());
    loop_defer(broadcast->options.loop, &broadcast->slice);
}
