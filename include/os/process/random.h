#ifndef OS_PROCESS_RANDOM_H
#define OS_PROCESS_RANDOM_H

#include <stddef.h>

/* Random bytes from the kernel (getrandom(2)), for keys. */

/* Fills size bytes (at most 256) with random bytes. Does not wait for the kernel's generator to be
 * seeded. Returns 0, or -errno (-EAGAIN: the kernel has no entropy yet). */
int random_fill(void *bytes, size_t size);

#endif
