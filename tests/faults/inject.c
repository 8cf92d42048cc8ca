/* Fault injection: the table of call sites, the counters of their visits, and the plan of the one
 * fault.
 *
 * FAULTS_LIST=1      the program prints its call sites and ends
 * FAULTS_COUNTS=FILE visits are counted in this file, which the runner has made with the right size
 * FAULTS_PLAN=SITE:FIRST:LAST:ERROR[,...]  the calls FIRST to LAST of site SITE fail with error
 * number ERROR, 0 is a short count; a second fault reaches the calls that handle the first one
 *
 * Without these variables no call fails. */

#include "inject.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct fault_site __start_fault_sites[], __stop_fault_sites[];

enum {
    SITES_MAX = 4096,
    PLANS_MAX = 2,
    DESCRIPTORS_MAX = 1024, /* those with higher numbers are not compared */
};

/* The layout is that of runner.py. */
struct counts {
    atomic_uint injected[PLANS_MAX]; /* calls that failed, for each plan */
    unsigned left_open;              /* descriptors at the end that did not exist at the start */
    unsigned ended;                  /* the program has ended by exit(3), so left_open is valid */
    atomic_uint visits[SITES_MAX];
    char left_open_names[1024];
};

static struct counts own_counts, *counts = &own_counts;
static struct fault_plan {
    size_t site;
    unsigned first, last;
    int error;
} plans[PLANS_MAX];
static size_t plan_count;
static _Thread_local int last_error; /* of the last call of the thread that failed */
static bool open_at_start[DESCRIPTORS_MAX];

enum fault fault_at(const struct fault_site *site)
{
    size_t index = (size_t)(site - __start_fault_sites);
    unsigned visit = atomic_fetch_add(&counts->visits[index], 1) + 1;
    for (size_t i = 0; i < plan_count; i++) {
        const struct fault_plan *plan = &plans[i];
        if (index != plan->site || visit < plan->first || visit > plan->last)
            continue;
        atomic_fetch_add(&counts->injected[i], 1);
        last_error = plan->error;
        if (plan->error == 0)
            return FAULT_SHORT;
        errno = plan->error;
        return FAULT_ERROR;
    }
    return FAULT_NONE;
}

int fault_code(void)
{
    return last_error;
}

size_t fault_shortened(size_t size)
{
    return size > 1 ? size / 2 : size;
}

int fault_stream(void *stream)
{
    FILE *file = stream;
#ifdef __GLIBC__
    file->_flags |= 0x20; /* _IO_ERR_SEEN of glibc: it has no function for this */
#endif
    return EOF;
}

/* ---- Descriptors at the start and at the end ---- */

static void each_descriptor(void (*found)(int fd))
{
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(folder) && fd < DESCRIPTORS_MAX)
            found(fd);
    }
    closedir(folder);
}

static void note_open(int fd)
{
    open_at_start[fd] = true;
}

static void note_left_open(int fd)
{
    char path[64], name[128];
    if (open_at_start[fd])
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(path, name, sizeof name - 1);
    name[size > 0 ? size : 0] = '\0';
    counts->left_open++;
    size_t used = strlen(counts->left_open_names);
    snprintf(counts->left_open_names + used, sizeof counts->left_open_names - used, "%d=%s ", fd,
             name);
}

/* The destructor with the smallest number that a program may use runs after all others, and after
 * atexit(3). */
__attribute__((destructor(101))) static void end(void)
{
    each_descriptor(note_left_open);
    counts->ended = 1;
}

/* ---- Start ---- */

static void print_sites(void)
{
    for (const struct fault_site *site = __start_fault_sites; site < __stop_fault_sites; site++)
        printf("%s %s %s %lu\n", site->file, site->function, site->call, (unsigned long)site->line);
    fflush(stdout);
    _exit(0);
}

static void map_counts(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *mapped = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (mapped != MAP_FAILED)
        counts = mapped;
}

static void read_plans(const char *text)
{
    for (; text != NULL && plan_count < PLANS_MAX; plan_count++) {
        struct fault_plan *plan = &plans[plan_count];
        if (sscanf(text, "%zu:%u:%u:%d", &plan->site, &plan->first, &plan->last, &plan->error) !=
            4) {
            fprintf(stderr, "faults: FAULTS_PLAN is SITE:FIRST:LAST:ERROR[,...], not '%s'\n", text);
            _exit(1);
        }
        text = strchr(text, ',');
        text += text != NULL;
    }
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("FAULTS_COUNTS"), *text = getenv("FAULTS_PLAN");
    if ((size_t)(__stop_fault_sites - __start_fault_sites) > SITES_MAX) {
        fprintf(stderr, "faults: more than %d call sites: raise SITES_MAX\n", SITES_MAX);
        _exit(1);
    }
    if (getenv("FAULTS_LIST") != NULL)
        print_sites();
    if (path != NULL)
        map_counts(path);
    if (text != NULL)
        read_plans(text);
    each_descriptor(note_open);
}
