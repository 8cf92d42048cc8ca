#ifndef OS_LOOP_POLLER_H
#define OS_LOOP_POLLER_H

#include <stdbool.h>
#include <stdint.h>

/* Waiting for many sockets until an instant, to the nanosecond as far as the kernel goes: for a
 * thread whose own schedule comes before what its sockets say. */
struct poller;

enum { POLLER_READY_MAX = 64 };

/* NULL with errno set. */
struct poller *poller_new(void);
void poller_free(struct poller *poller);

/* Watches a socket, level-triggered, known by index from then on; the caller keeps the descriptor.
 * 0 or -errno. poller_want_write watches for room to send, too, or no longer. */
int poller_add(struct poller *poller, int socket, uint32_t index);
int poller_want_write(struct poller *poller, int socket, uint32_t index, bool wanted);

/* Waits until one is ready, poller_wake was called, or it is until_ns (of clock_now_ns; UINT64_MAX:
 * without end; what has passed: not at all). Returns how many of ready were filled in, perhaps
 * none. */
int poller_wait(struct poller *poller, uint64_t until_ns, uint32_t ready[POLLER_READY_MAX]);

/* Ends the wait at hand, or else the next one. From any thread. */
void poller_wake(struct poller *poller);

#endif
