#ifndef OS_PROCESS_RANDOM_H
#define OS_PROCESS_RANDOM_H

#include <stddef.h>

/* Fills size <= 256 bytes from the kernel's generator, all of them or none, without waiting for one
 * that isn't seeded yet. 0 or -errno (-EAGAIN: no entropy yet). */
int random_fill(void *bytes, size_t size);

#endif
