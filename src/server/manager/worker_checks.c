#include "server/manager/worker_checks.h"

#include "os/loop/timer.h"
#include "server/workers/worker_clients.h"
#include "server/workers/worker_messages.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct worker_checks {
    struct worker_checks_options options;
    struct loop_timer timer;
    bool is_stopped;
    size_t pending; /* workers that have not answered */
    struct check {
        struct worker_call call;
        struct worker_checks *checks;
        uint64_t clients; /* the answer */
    } by_worker[];
};

/* In the worker's thread. */
static void run_check(struct worker_call *call)
{
    ((struct check *)call)->clients = worker_clients_count(call->worker);
}

static void check_done(struct worker_call *call)
{
    struct worker_checks *checks = ((struct check *)call)->checks;
    uint64_t clients = 0;
    if (--checks->pending > 0 || checks->is_stopped)
        return;
    for (size_t i = 0; i < checks->options.worker_count; i++)
        clients += checks->by_worker[i].clients;
    checks->options.answered(checks->options.state, clients);
}

static void begin_check(void *state)
{
    struct worker_checks *checks = state;
    if (checks->pending > 0)
        return;
    checks->pending = checks->options.worker_count;
    for (size_t i = 0; i < checks->options.worker_count; i++)
        worker_post(checks->options.workers[i], &checks->by_worker[i].call,
                    checks->options.reply_mailbox);
}

int worker_checks_open(struct worker_checks **checks, const struct worker_checks_options *options)
{
    struct worker_checks *made =
        calloc(1, sizeof *made + options->worker_count * sizeof made->by_worker[0]);
    if (made == NULL)
        return -ENOMEM;
    made->options = *options;
    for (size_t i = 0; i < options->worker_count; i++)
        made->by_worker[i] =
            (struct check){.call = {.run = run_check, .done = check_done}, .checks = made};
    int error = loop_timer_open(options->loop, &made->timer, begin_check, made);
    if (error != 0) {
        free(made);
        return error;
    }
    *checks = made;
    return 0;
}

void worker_checks_start(struct worker_checks *checks)
{
    loop_timer_every(&checks->timer, checks->options.period_ms);
    begin_check(checks);
}

void worker_checks_stop(struct worker_checks *checks)
{
    if (checks == NULL)
        return;
    checks->is_stopped = true;
    loop_timer_close(&checks->timer);
}

void worker_checks_free(struct worker_checks *checks)
{
    worker_checks_stop(checks);
    free(checks);
}
