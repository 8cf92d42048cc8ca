#ifndef LOAD_RUN_LOAD_RUN_H
#define LOAD_RUN_LOAD_RUN_H

#include "load/options.h"
#include "load/report/load_result.h"
#include "load/run/main_loop.h"
#include "load/run/progress_output.h"
#include "load/send/sender_thread.h"
#include "load/send/simulated_clients.h"

/* One measurement run at one rate: opens the clients, starts the sender threads, collects their
 * counts, and makes the result. Used by the main thread. */
struct load_run;

/* The callbacks of a fan-out, whose clients stay registered until load_run_leave. */
struct load_run_fanout {
    void *state;
    void (*registered)(void *state, struct load_run *run); /* all clients are registered or lost */
    void (*copies)(void *state, const struct sender_copies *copies); /* once per sender */
    void (*interrupted)(void *state);
};

struct load_run_setting {
    const struct load_options *options;
    struct addr target;
    uint32_t rate; /* requests per second; 0: as fast as possible */
    struct main_loop *main_loop;
    struct progress_output *progress;
    const struct load_run_fanout *fanout; /* NULL: no fan-out */
};

enum { LOAD_RUN_ERROR_BYTES = SIMULATED_CLIENTS_ERROR_BYTES };

/* Runs to the end and fills the result, which the caller frees in any case. Returns 0, or -errno
 * with a message in error; -EINTR: a second interrupt aborted the run, and the counts do not add
 * up. */
int load_run_once(const struct load_run_setting *setting, struct load_result *result,
                  char error[LOAD_RUN_ERROR_BYTES]);

/* For the callbacks of a fan-out: pass the command of the same name in load/send/sender_thread to
 * all senders. */
void load_run_expect_copies(struct load_run *run, const struct copy_counts_payload *payload);
void load_run_count_copies(struct load_run *run);
void load_run_leave(struct load_run *run);

#endif
