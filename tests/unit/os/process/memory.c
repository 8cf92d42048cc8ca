/* Memory for tables: committed pages, no huge pages, cache lines. */
#include "os/process/memory.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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
