#include "os/process/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Since Linux 5.14; the C library's headers may be older than the kernel. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Does what MADV_POPULATE_WRITE does, but can't report that memory is short. */
static void touch_pages(volatile char *memory, size_t bytes, size_t page_bytes)
{
    for (size_t i = 0; i < bytes; i += page_bytes)
        memory[i] = 0;
}

static int commit(void *memory, size_t bytes)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    size_t whole = (bytes + page_bytes - 1) & ~(page_bytes - 1);
    int result;

    if (bytes == 0)
        return 0;
    do
        result = madvise(memory, whole, MADV_POPULATE_WRITE);
    while (result != 0 && errno == EINTR);
    if (result == 0)
        return 0;
    if (errno != EINVAL)
        return -1;
    touch_pages(memory, bytes, page_bytes);
    return 0;
}

void *memory_reserve(size_t bytes, size_t committed)
{
    if (committed > bytes) {
        errno = EINVAL;
        return NULL;
    }
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    /* A kernel built without huge pages returns EINVAL, which is harmless. */
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    if (commit(memory, committed) != 0) {
        int why = errno;
        munmap(memory, bytes);
        errno = why;
        return NULL;
    }
    return memory;
}

void memory_release(void *memory, size_t bytes)
{
    if (memory != NULL)
        munmap(memory, bytes);
}

void memory_discard(void *memory, size_t bytes)
{
    /* It fails for locked pages. The contents go in any case. */
    if (madvise(memory, bytes, MADV_DONTNEED) != 0)
        memset(memory, 0, bytes);
}

void *memory_cache_lines(size_t bytes)
{
    size_t whole = (bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
    void *memory = aligned_alloc(CACHE_LINE_BYTES, whole);
    if (memory != NULL)
        memset(memory, 0, whole);
    return memory;
}
