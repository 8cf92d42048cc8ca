#ifndef OS_PROCESS_MEMORY_H
#define OS_PROCESS_MEMORY_H

#include <stddef.h>

/* Memory for large tables, mapped from the kernel, and memory that is aligned to cache lines. */

/* Reserves bytes of zeroed memory in pages of the base size (no transparent huge pages), and
 * commits its first committed bytes at once; a page of the rest takes memory only once it is used.
 * Returns NULL with errno set if there is not enough. Free it by memory_release. */
void *memory_reserve(size_t bytes, size_t committed);
void memory_release(void *memory, size_t bytes);

/* Sets a part of reserved memory to zero, and returns its pages to the kernel: like a page that was
 * never used, each takes memory again only once it is used. memory is aligned to the page size, and
 * bytes is a multiple of it. */
void memory_discard(void *memory, size_t bytes);

enum { CACHE_LINE_BYTES = 64 /* of x86-64 and most other processors */ };

/* Returns zeroed memory that shares no cache line with other memory, so that writes to it do not
 * slow down other threads (false sharing). Returns NULL if memory is short. Free it by free. */
void *memory_cache_lines(size_t bytes);

#endif
