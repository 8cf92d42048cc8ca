#ifndef LOAD_RUN_H
#define LOAD_RUN_H

#include "load/clients.h"
#include "load/copies.h"
#include "load/options.h"
#include "load/progress.h"
#include "load/result.h"
#include "load/sender.h"
#include "load/stage.h"

/* One run: sockets opened, threads started, counters gathered while it goes on, and the result. */
struct run;

/* What a fan-out does in a run whose clients stay. */
struct run_fanout {
    void *state;
    void (*staying)(void *state, struct run *run); /* all clients are registered, or lost */
    void (*copied)(void *state, const struct copies_tally *tally); /* from each sender */
    void (*interrupted)(void *state);
};

struct run_setting {
    const struct load_options *options;
    struct addr target;
    uint32_t rate; /* a second; 0: as fast as it goes */
    struct stage *stage;
    struct progress *progress;
    const struct run_fanout *fanout; /* NULL: none */
};

enum { RUN_ERROR_BYTES = CLIENTS_ERROR_BYTES };

/* Runs, and fills the result, which is the caller's to free in any case. 0 or -errno with a
 * sentence in error; -EINTR: broken off by the second interrupt, and nothing adds up. */
int run_load(const struct run_setting *setting, struct load_result *result,
             char error[RUN_ERROR_BYTES]);

/* For a fan-out, out of its callbacks: see sender_expect_copies. */
void run_expect_copies(struct run *run, const struct copies_payload *payload);
void run_count_copies(struct run *run);
void run_release(struct run *run);

#endif
