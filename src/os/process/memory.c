#include "os/process/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Since Linux 5.14; the C library's headers may be older than the kernel. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
/* Since Linux 6.3. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u
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

/* Maps memory of a file, or of none (-1), and commits its first bytes. */
static void *map(int descriptor, size_t bytes, size_t committed)
{
    int kind = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    if (committed > bytes) {
        errno = EINVAL;
        return NULL;
    }
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, kind | MAP_NORESERVE, descriptor, 0);
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

void *memory_reserve(size_t bytes, size_t committed)
{
    return map(-1, bytes, committed);
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

/* ---- shared memory ---- */

/* A longer file than RLIMIT_FSIZE would end the process by SIGXFSZ. */
static bool may_have_file(size_t bytes)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur >= bytes;
}

int memory_file_open(const char *name)
{
    int descriptor = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
    return descriptor < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)
                                             : descriptor;
}

/* Returns the descriptor of a file that keeps its size, or -1 if there can be none. If another
 * process could truncate it, an access to the memory could end this one by SIGBUS. */
static int make_file(size_t bytes)
{
    int descriptor = may_have_file(bytes) ? memory_file_open("udpsrv") : -1;
    if (descriptor >= 0 &&
        (ftruncate(descriptor, (off_t)bytes) != 0 ||
         fcntl(descriptor, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

int memory_reserve_shared(struct shared_memory *shared, size_t bytes, size_t committed)
{
    int descriptor = make_file(bytes);
    void *memory = map(descriptor, bytes, committed);
    if (memory == NULL) {
        int error = -errno;
        if (descriptor >= 0)
            close(descriptor);
        return error;
    }
    *shared = (struct shared_memory){memory, bytes, descriptor};
    return 0;
}

int memory_map_shared(struct shared_memory *shared, int descriptor, size_t bytes, size_t committed)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return -errno;
    /* A table of the kernel (bpf(2)) is no regular file; mmap checks its size, which is fixed. */
    if ((S_ISREG(status.st_mode) && status.st_size != (off_t)bytes) || committed > bytes)
        return -EINVAL;
    void *memory = map(descriptor, bytes, 0);
    if (memory == NULL)
        return -errno;
    /* Only saves later page faults. */
    madvise(memory, committed, MADV_POPULATE_WRITE);
    *shared = (struct shared_memory){memory, bytes, descriptor};
    return 0;
}

void memory_close_shared(int descriptor)
{
    close(descriptor);
}

void memory_release_shared(struct shared_memory *shared)
{
    if (shared->memory == NULL)
        return;
    munmap(shared->memory, shared->bytes);
    if (shared->descriptor >= 0)
        close(shared->descriptor);
    *shared = (struct shared_memory){.memory = NULL};
}

void *memory_cache_lines(size_t bytes)
{
    size_t whole = (bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
    void *memory = aligned_alloc(CACHE_LINE_BYTES, whole);
    if (memory != NULL)
        memset(memory, 0, whole);
    return memory;
}
