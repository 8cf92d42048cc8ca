/* Memory for tables: committed pages, no huge pages, cache lines. */
#include "os/process/memory.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

/* Returns how many pages of the range are in memory. */
static size_t resident_pages(void *memory, size_t bytes)
{
    static unsigned char pages[65536];
    size_t count = bytes / (size_t)sysconf(_SC_PAGESIZE), resident = 0;
    cr_assert_leq(count, sizeof pages);
    cr_assert_eq(mincore(memory, bytes, pages), 0);
    for (size_t i = 0; i < count; i++)
        resident += pages[i] & 1;
    return resident;
}

Test(memory, is_zeroed_and_writable_to_its_last_byte)
{
    unsigned char *memory = memory_reserve(MIB, 0);
    cr_assert_neq(memory, NULL);
    for (size_t i = 0; i < MIB; i++)
        cr_assert_eq(memory[i], 0);
    memory[0] = memory[MIB - 1] = 1;
    memory_release(memory, MIB);
}

Test(memory, commits_its_first_bytes_and_no_others)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = memory_reserve(64 * MIB, 3 * page_bytes + 1);
    cr_assert_neq(memory, NULL);
    cr_assert_eq(resident_pages(memory, 64 * MIB), 4);
    memory_release(memory, 64 * MIB);
}

/* Whether the mapping has the flag "nh", no huge pages: proc_pid_smaps(5). */
static bool is_marked_small(const void *memory)
{
    char start[32], line[512];
    bool here = false, marked = false;
    FILE *smaps = fopen("/proc/self/smaps", "re");
    cr_assert_neq(smaps, NULL);
    snprintf(start, sizeof start, "%lx-", (unsigned long)(uintptr_t)memory);
    while (fgets(line, sizeof line, smaps)) {
        if (strncmp(line, start, strlen(start)) == 0)
            here = true;
        if (here && strncmp(line, "VmFlags:", 8) == 0) {
            marked = strstr(line, " nh") != NULL;
            break;
        }
    }
    fclose(smaps);
    return marked;
}

Test(memory, takes_no_huge_pages)
{
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind maps memory its own way");
    if (access("/sys/kernel/mm/transparent_hugepage", F_OK) != 0)
        cr_skip("this kernel has no huge pages to refuse");
    char *memory = memory_reserve(64 * MIB, 0);
    cr_assert_neq(memory, NULL);
    for (size_t i = 0; i < 8; i++)
        memory[i * 4 * MIB] = 1;
    cr_assert_eq(resident_pages(memory, 64 * MIB), 8);
    cr_assert(is_marked_small(memory));
    memory_release(memory, 64 * MIB);
}

Test(memory, that_is_discarded_is_zeroed_and_takes_no_pages)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = memory_reserve(MIB, 0);
    cr_assert_neq(memory, NULL);
    memset(memory, 1, MIB);
    memory_discard(memory + page_bytes, MIB - 2 * page_bytes);
    if (!getenv("UDPSRV_VALGRIND"))
        cr_assert_eq(resident_pages(memory, MIB), 2);
    cr_assert_eq(memory[page_bytes - 1], 1);
    cr_assert_eq(memory[MIB - page_bytes], 1);
    for (size_t i = page_bytes; i < MIB - page_bytes; i++)
        cr_assert_eq(memory[i], 0);
    memory_release(memory, MIB);
}

Test(memory, that_is_locked_is_zeroed_when_it_is_discarded)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = memory_reserve(page_bytes, 0);
    cr_assert_neq(memory, NULL);
    if (mlock(memory, page_bytes) != 0)
        cr_skip("no memory may be locked here: %s", strerror(errno));
    memset(memory, 1, page_bytes);
    memory_discard(memory, page_bytes);
    for (size_t i = 0; i < page_bytes; i++)
        cr_assert_eq(memory[i], 0);
    memory_release(memory, page_bytes);
}

Test(memory, too_much_is_an_error)
{
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind gives EINVAL for ENOMEM");
    errno = 0;
    cr_assert_eq(memory_reserve(SIZE_MAX / 2, 0), NULL);
    cr_assert_eq(errno, ENOMEM);
}

Test(memory, more_committed_than_reserved_is_an_error)
{
    errno = 0;
    cr_assert_eq(memory_reserve(4096, 8192), NULL);
    cr_assert_eq(errno, EINVAL);
}

Test(memory, in_cache_lines_shares_none_with_other_memory)
{
    static const size_t sizes[] = {1, 63, 64, 65, 1000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *lines = memory_cache_lines(sizes[i]), *next = memory_cache_lines(1);
        cr_assert_eq((uintptr_t)lines % CACHE_LINE_BYTES, 0);
        cr_assert_eq((uintptr_t)next % CACHE_LINE_BYTES, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            cr_assert_eq(lines[k], 0);
        cr_assert(next >= lines + sizes[i] || next < lines);
        free(lines);
        free(next);
    }
}

static struct shared_memory reserve_shared(size_t bytes, size_t committed)
{
    struct shared_memory shared;
    cr_assert_eq(memory_reserve_shared(&shared, bytes, committed), 0);
    cr_assert_neq(shared.memory, NULL);
    cr_assert_eq(shared.bytes, bytes);
    return shared;
}

Test(memory, that_is_shared_is_zeroed_and_writable_to_its_last_byte)
{
    struct shared_memory shared = reserve_shared(MIB, 0);
    unsigned char *bytes = shared.memory;
    for (size_t i = 0; i < MIB; i++)
        cr_assert_eq(bytes[i], 0);
    bytes[0] = bytes[MIB - 1] = 1;
    memory_release_shared(&shared);
    cr_assert_eq(shared.memory, NULL);
}

Test(memory, that_is_shared_commits_its_first_bytes_and_no_others)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    struct shared_memory shared = reserve_shared(64 * MIB, 3 * page_bytes + 1);
    cr_assert_eq(resident_pages(shared.memory, 64 * MIB), 4);
    memory_release_shared(&shared);
}

Test(memory, that_is_shared_is_the_same_in_a_second_mapping)
{
    struct shared_memory first = reserve_shared(MIB, 4096), second;
    unsigned char *bytes = first.memory;
    bytes[0] = 1;
    bytes[MIB - 1] = 2;
    cr_assert_eq(memory_map_shared(&second, dup(first.descriptor), MIB, MIB / 2), 0);
    unsigned char *others = second.memory;
    cr_assert_neq(others, bytes);
    cr_assert_eq(others[0], 1);
    cr_assert_eq(others[MIB - 1], 2);
    others[4096] = 3;
    cr_assert_eq(bytes[4096], 3);
    memory_release_shared(&first);
    cr_assert_eq(others[0], 1, "it stays when the first mapping is gone");
    memory_release_shared(&second);
}

Test(memory, that_is_shared_has_a_descriptor_that_is_closed_on_exec_and_on_release)
{
    struct shared_memory shared = reserve_shared(4096, 0);
    int descriptor = shared.descriptor;
    cr_assert_geq(descriptor, 0);
    cr_assert_eq(fcntl(descriptor, F_GETFD), FD_CLOEXEC);
    memory_release_shared(&shared);
    cr_assert_eq(fcntl(descriptor, F_GETFD), -1);
}

Test(memory, that_is_shared_keeps_its_size_and_stays_writable)
{
    struct shared_memory shared = reserve_shared(8192, 0), other;
    cr_assert_eq(ftruncate(shared.descriptor, 4096), -1, "it does not shrink");
    cr_assert_eq(errno, EPERM);
    cr_assert_eq(ftruncate(shared.descriptor, 16384), -1, "it does not grow");
    cr_assert_eq(errno, EPERM);
    cr_assert_eq(fcntl(shared.descriptor, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
    cr_assert_eq(errno, EPERM);
    cr_assert_eq(memory_map_shared(&other, dup(shared.descriptor), 8192, 0), 0);
    memset(other.memory, 1, 8192);
    memory_release_shared(&other);
    memory_release_shared(&shared);
}

Test(memory, has_files_that_can_be_sealed_and_are_closed_on_exec)
{
    int file = memory_file_open("test");
    cr_assert_geq(file, 0);
    cr_assert_eq(fcntl(file, F_GETFD), FD_CLOEXEC);
    cr_assert_eq(write(file, "x", 1), 1);
    cr_assert_eq(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
    cr_assert_eq(write(file, "x", 1), -1);
    cr_assert_eq(errno, EPERM);
    close(file);
}

Test(memory, of_another_size_is_not_mapped)
{
    struct shared_memory shared = reserve_shared(8192, 0), other = {.memory = NULL};
    cr_assert_eq(memory_map_shared(&other, shared.descriptor, 4096, 0), -EINVAL);
    cr_assert_eq(memory_map_shared(&other, shared.descriptor, 16384, 0), -EINVAL);
    cr_assert_eq(memory_map_shared(&other, shared.descriptor, 8192, 16384), -EINVAL);
    cr_assert_eq(other.memory, NULL);
    cr_assert_eq(fcntl(shared.descriptor, F_GETFD), FD_CLOEXEC, "it is still the caller's");
    memory_release_shared(&shared);
}

Test(memory, is_private_where_files_may_not_have_its_size)
{
    const struct rlimit limit = {4096, 4096};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct shared_memory shared = reserve_shared(8192, 8192);
    cr_assert_eq(shared.descriptor, -1);
    memset(shared.memory, 1, 8192);
    memory_release_shared(&shared);
}

Test(memory, is_private_where_no_descriptor_is_left)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit none = {0, limit.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct shared_memory shared = reserve_shared(8192, 0);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    cr_assert_eq(shared.descriptor, -1);
    memset(shared.memory, 1, 8192);
    memory_release_shared(&shared);
}

Test(memory, that_is_shared_and_too_much_is_an_error)
{
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind gives EINVAL for ENOMEM");
    struct shared_memory shared;
    cr_assert_eq(memory_reserve_shared(&shared, SIZE_MAX / 2, 0), -ENOMEM);
    cr_assert_eq(memory_reserve_shared(&shared, 4096, 8192), -EINVAL);
}
