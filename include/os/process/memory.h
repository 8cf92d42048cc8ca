#ifndef OS_PROCESS_MEMORY_H
#define OS_PROCESS_MEMORY_H

#include <stddef.h>

/* Reserves bytes of zeroed memory in pages of the base size (no transparent huge pages), and
 * commits its first committed bytes at once; the rest takes memory only where it is touched. NULL
 * with errno set when there isn't so much. */
void *memory_reserve(size_t bytes, size_t committed);
void memory_release(void *memory, size_t bytes);

enum { MEMORY_LINE_BYTES = 64 /* of x86-64, and of most others */ };

/* Zeroed memory on cache lines of its own: what one thread writes there slows no other down that
 * works beside it. NULL when memory is short; to be freed by free. */
void *memory_lines(size_t bytes);

#endif
