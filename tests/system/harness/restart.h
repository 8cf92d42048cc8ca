#ifndef SYSTEM_RESTART_H
#define SYSTEM_RESTART_H

#include "harness.h"

/* A server with a state file that is stopped or killed and started again with the same addresses.
 */

struct restart {
    struct server server;     /* the one that runs, or ran last */
    const char *state;        /* the path of its state file */
    harness_prepare *prepare; /* of each start, or NULL */
    const char *listen[HARNESS_LISTENERS_MAX];
    size_t listen_count;
};

/* For .init of a suite: enters a network namespace as root, so that no other program gets what is
 * sent to a server that has ended, nor takes its ports. */
void restart_isolate(void);

/* An IPv4 address of loopback with port 3000, which is of this process only, so that it is free
 * after a restart. */
const char *restart_address(void);

/* Starts a server without a state file on addresses, which end with NULL; one with port 0 keeps the
 * port that it got. config is added to its configuration, whose state.interval is 1s. */
void restart_begin(struct restart *restart, const char *config, ...) __attribute__((sentinel));
/* Sets it up without starting it, with that address. */
void restart_prepare(struct restart *restart, const char *listen);
/* Starts it again after its end, on listen[0] to listen[listen_count - 1]. */
void restart_again(struct restart *restart, const char *config);
/* Stops it by SIGTERM, and starts it again with that configuration. */
void restart_stop_and_start(struct restart *restart, const char *config);
/* Starts it likewise, and expects that this fails and logs text. */
void restart_expect_no_start(struct restart *restart, const char *config, const char *text);

/* Waits until a state file is there that is not that snapshot (0: none), and returns its number.
 * restart_snapshot returns that of the present one, or 0 without a file: its time, since the
 * numbers of inodes are used again. */
uint64_t restart_await_snapshot(const struct restart *restart, uint64_t snapshot);
uint64_t restart_snapshot(const struct restart *restart);

/* Expects that received is the sum of the outcomes, and joined that of the clients and of those
 * that have ended. */
void restart_expect_balance(struct restart *restart);

/* Milliseconds of CLOCK_REALTIME and of CLOCK_BOOTTIME, which state files use. */
int64_t restart_wall_ms(void);
int64_t restart_boot_ms(void);

#ifndef HARNESS_INTERNAL
#define restart_begin(...)           HERE(restart_begin(__VA_ARGS__))
#define restart_again(...)           HERE(restart_again(__VA_ARGS__))
#define restart_stop_and_start(...)  HERE(restart_stop_and_start(__VA_ARGS__))
#define restart_expect_no_start(...) HERE(restart_expect_no_start(__VA_ARGS__))
#define restart_await_snapshot(...)  HERE(restart_await_snapshot(__VA_ARGS__))
#define restart_expect_balance(...)  HERE(restart_expect_balance(__VA_ARGS__))
#endif

#endif
