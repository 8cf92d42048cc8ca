#ifndef LOAD_RUN_LOAD_RUN_H
#define LOAD_RUN_LOAD_RUN_H

#include "load/options.h"
#include "load/report/load_result.h"
#include "load/run/main_loop.h"
#include "load/run/progress.h"
#include "load/send/copy_counts.h"
#include "load/send/sender_thread.h"
#include "load/send/simulated_clients.h"

/* One run: sockets opened, threads started, counters gathered while it goes on, and the result. */
struct run;

/* What a fan-out does in a run whose clients stay. */
struct run_fanout {
    void *state;
    void (*staying)(void *state, struct run *run); /* all clients are registered, or lost */
    void (*copied)(void *state, const struct copy_counts_tally *tally); /* from each sender */
    void (*interrupted)(void *state);
};

struct run_setting {
    const struct load_options *options;
    struct addr target;
    uint32_t rate; /* a second; 0: as fast as it goes */
    struct main_loop *stage;
    struct progress *progress;
    const struct run_fanout *fanout; /* NULL: none */
};

enum { RUN_ERROR_BYTES = SIMULATED_CLIENTS_ERROR_BYTES };

/* Runs, and fills the result, which is the caller's to free in any case. 0 or -errno with a
 * sentence in error; -EINTR: broken off by the second interrupt, and nothing adds up. */
int run_load(const struct run_setting *setting, struct load_result *result,
             char error[RUN_ERROR_BYTES]);

/* For a fan-out, out of its callbacks: see sender_expect_copies. */
void run_expect_copies(struct run *run, const struct copy_counts_payload *payload);
void run_count_copies(struct run *run);
void run_release(struct run *run);

#endif
