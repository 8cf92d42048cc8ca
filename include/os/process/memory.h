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
 * bytes is a multiple of it. It is not for shared memory, which would keep its contents. */
void memory_discard(void *memory, size_t bytes);

/* Opens an empty file in memory, which is closed on exec, and to which seals can be added. It
 * cannot be executed (since Linux 6.3), so hosts that refuse other such files (vm.memfd_noexec)
 * permit it. Returns the descriptor, or -1 with errno set. */
int memory_file_open(const char *name);

/* Memory that another process can map as well, and whose size neither can change (memfd with
 * seals). All zero: there is no memory. */
struct shared_memory {
    void *memory;
    size_t bytes;
    int descriptor; /* of a file in memory, closed on exec; -1: the memory cannot be shared */
};

/* Reserves memory with the promises of memory_reserve, except that a page takes memory once it is
 * read, too. Where the kernel provides no file for it (memfd_create is missing or refused, no
 * descriptor is left, RLIMIT_FSIZE), the memory is that of memory_reserve, and cannot be shared.
 * Returns 0 or -errno. */
int memory_reserve_shared(struct shared_memory *shared, size_t bytes, size_t committed);

/* Maps memory that another process has reserved, and the pages of its first committed bytes at
 * once; it writes nothing. It may also be a table of the kernel that can be mapped (net/offload).
 * The descriptor then belongs to *shared, or if it fails still to the caller. Returns 0 or -errno
 * (-EINVAL: it has another size, or is a smaller table). */
int memory_map_shared(struct shared_memory *shared, int descriptor, size_t bytes, size_t committed);

/* Closes a descriptor of such memory that another process has handed over and that is not mapped.
 */
void memory_close_shared(int descriptor);

/* Unmaps the memory and closes its descriptor; *shared is then all zero. */
void memory_release_shared(struct shared_memory *shared);

enum { CACHE_LINE_BYTES = 64 /* of x86-64 and most other processors */ };

/* Returns zeroed memory that shares no cache line with other memory, so that writes to it do not
 * slow down other threads (false sharing). Returns NULL if memory is short. Free it by free. */
void *memory_cache_lines(size_t bytes);

#endif
