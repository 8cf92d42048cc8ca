#include "sim/core/coverage.h"

#ifdef SIM_COVERAGE

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* The runtime of clang: compiler-rt/lib/profile/InstrProfiling.h. */
void *__llvm_profile_begin_counters(void);
void *__llvm_profile_end_counters(void);
void __llvm_profile_set_filename(const char *path);
int __llvm_profile_write_file(void);

/* This definition has the runtime write no file at the end of each process ("Source-based Code
 * Coverage" in clang's manual). */
extern int __llvm_profile_runtime;
int __llvm_profile_runtime;

static uint64_t *sums; /* shared by all processes */

static uint64_t *counters(void)
{
    return __llvm_profile_begin_counters();
}

static size_t counter_count(void)
{
    return (size_t)((uint64_t *)__llvm_profile_end_counters() - counters());
}

bool coverage_begin(void)
{
    void *shared = mmap(NULL, counter_count() * sizeof *sums, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sums = shared != MAP_FAILED ? shared : NULL;
    return sums != NULL;
}

void coverage_add(void)
{
    const uint64_t *from = counters();
    size_t count = sums != NULL ? counter_count() : 0;
    for (size_t i = 0; i < count; i++)
        if (from[i] != 0)
            __atomic_fetch_add(&sums[i], from[i], __ATOMIC_RELAXED);
}

bool coverage_write(const char *path)
{
    memcpy(counters(), sums, counter_count() * sizeof *sums);
    __llvm_profile_set_filename(path);
    return __llvm_profile_write_file() == 0;
}

#else

bool coverage_begin(void)
{
    return false;
}

void coverage_add(void)
{
}

bool coverage_write(const char *path)
{
    (void)path;
    return false;
}

#endif
