#include "server/workers/worker_sweep.h"

#include "os/process/clock.h"
#include "server/workers/traffic_warnings.h"

enum {
    /* A slice of the sweep ends after 100 us. The clock is read after each 32 steps, so that nearly
     * all slices stay below 200 us (docs/performance.md). That delays a datagram less than the
     * usual jitter of a network, and is long enough that a million clients which expire at once are
     * removed within seconds even under a flood of requests. */
    SWEEP_SLICE_NS = 100000,
    SWEEP_SLICE_STEPS = 32,
};

static void run_slice(void *state)
{
    struct worker *worker = state;
    uint64_t start_ns = clock_now_ns(), now_ns = start_ns, expired = 0;
    bool more = true;
    for (; more && now_ns - start_ns < SWEEP_SLICE_NS; now_ns = clock_now_ns())
        more =
            registry_sweep(worker->decider.registry, now_ns / 1000000, SWEEP_SLICE_STEPS, &expired);
    worker->stats.expired += expired;
    worker->sweep_ns += now_ns - start_ns;
    if (more) {
        loop_defer(worker->loop, &worker->sweep_slice);
        return;
    }
    duration_histogram_add(&worker->sweeps, worker->sweep_ns);
    worker->sweep_ns = 0;
}

static void on_sweep(void *state)
{
    struct worker *worker = state;
    worker_count_kernel(worker);
    traffic_warnings_check(&worker->warnings, &worker->stats, clock_now_ms());
    if (first_worker_streams(worker->first_worker) != NULL)
        stream_clients_sweep(first_worker_streams(worker->first_worker), clock_now_ms());
    run_slice(worker);
}

int worker_sweep_open(struct worker *worker)
{
    worker->sweep_slice = (struct loop_task){.run = run_slice, .state = worker};
    return loop_timer_open(worker->loop, &worker->sweep, on_sweep, worker);
}

void worker_sweep_soon(struct worker *worker)
{
    loop_defer(worker->loop, &worker->sweep_slice);
}

void worker_sweep_close(struct worker *worker)
{
    loop_timer_close(&worker->sweep);
    loop_cancel(worker->loop, &worker->sweep_slice);
}
