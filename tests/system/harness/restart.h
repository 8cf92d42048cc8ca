#ifndef SYSTEM_RESTART_H
#define SYSTEM_RESTART_H

#include "harness.h"

/* A server with a state file that is stopped or killed and started again with the same addresses.
 */

struct restart {
    struct server server; /* the one that runs, or ran last */
    const char *state;    /* the path of its state file */
    const char *listen[HARNESS_LISTENERS_MAX];
    size_t listen_count;
};

/* An IPv4 address of loopback with port 3000, which is of this process only, so that it is free
 * after a restart. */
const char *restart_address(void);

/* Starts a server on addresses, which end with NULL; one with port 0 keeps the port that it got.
 * config is added to its configuration, whose state.interval is 1s. */
void restart_begin(struct restart *restart, const char *config, ...) __attribute__((sentinel));
/* Starts it again after its end, on listen[0] to listen[listen_count - 1]. */
void restart_again(struct restart *restart, const char *config);
/* Stops it by SIGTERM, and starts it again with that configuration. */
void restart_stop_and_start(struct restart *restart, const char *config);

/* Waits until a state file is there that is not that snapshot (0: none), and returns its number.
 * restart_snapshot returns that of the present one, or 0 without a file: its time, since the
 * numbers of inodes are used again. */
uint64_t restart_await_snapshot(const struct restart *restart, uint64_t snapshot);
uint64_t restart_snapshot(const struct restart *restart);

/* Expects that received is the sum of the outcomes, and joined that of the clients and of those
 * that have ended. */
void restart_expect_balance(struct restart *restart);

/* Milliseconds of CLOCK_REALTIME, which state files use. */
int64_t restart_wall_ms(void);

#ifndef HARNESS_INTERNAL
#define restart_begin(...)          HERE(restart_begin(__VA_ARGS__))
#define restart_again(...)          HERE(restart_again(__VA_ARGS__))
#define restart_stop_and_start(...) HERE(restart_stop_and_start(__VA_ARGS__))
#define restart_await_snapshot(...) HERE(restart_await_snapshot(__VA_ARGS__))
#define restart_expect_balance(...) HERE(restart_expect_balance(__VA_ARGS__))
#endif

#endif
