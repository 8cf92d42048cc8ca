#ifndef OS_LOOP_POLLER_H
#define OS_LOOP_POLLER_H

#include <stdbool.h>
#include <stdint.h>

/* Waits for many sockets until a point in time, with the resolution of nanoseconds as far as the
 * kernel has it: for a thread that has a schedule of its own and can't run an event loop. */
struct poller;

enum { POLLER_READY_MAX = 64 };

/* Returns NULL with errno set. */
struct poller *poller_new(void);
void poller_free(struct poller *poller);

/* Watches a socket for input, level-triggered, and reports it by index; the caller keeps the
 * descriptor. poller_want_write also watches it for space in its send buffer, or no longer does.
 * Both return 0 or -errno. */
int poller_add(struct poller *poller, int socket, uint32_t index);
int poller_want_write(struct poller *poller, int socket, uint32_t index, bool wanted);

/* Waits until a socket is ready, poller_wake was called, or it is until_ns (of clock_now_ns;
 * UINT64_MAX: no limit; a time in the past: does not wait). Returns how many indexes of ready were
 * filled in, which may be 0. */
int poller_wait(struct poller *poller, uint64_t until_ns, uint32_t ready[POLLER_READY_MAX]);

/* Ends the current wait, or the next one. May be called from any thread. */
void poller_wake(struct poller *poller);

#endif
