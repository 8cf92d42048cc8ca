/* os/process: clock, random bytes, memory, host, privileges, exit. */
#include "sim/os/process.h"
#include "os/process/clock.h"
#include "os/process/host.h"
#include "os/process/immediate_exit.h"
#include "os/process/manager_environment.h"
#include "os/process/memory.h"
#include "os/process/privilege.h"
#include "os/process/process_usage.h"
#include "os/process/processor_count.h"
#include "os/process/random.h"
#include "sim/core/broken.h"
#include "sim/core/descriptors.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/world/faults.h"
#include "sim/world/swarm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CLOCK_READ_NS = 50, SECRET_BYTES = 16, SECRETS_MAX = 64, PIECES_MAX = 1024 };

static int64_t wall_offset_ms;
static uint32_t boots;
static uint64_t booted_ms; /* when the clock of the host began; it may wrap below 0 */

/* ---- clock ---- */

uint64_t clock_now_ns(void)
{
    event_queue_advance(CLOCK_READ_NS);
    return event_queue_now_ns() - booted_ms * 1000000;
}

uint64_t simulated_clock_ms(void)
{
    return event_queue_now_ms() - booted_ms;
}

uint64_t clock_now_ms(void)
{
    return clock_now_ns() / 1000000;
}

uint64_t clock_monotonic_us(void)
{
    return clock_now_ns() / 1000;
}

uint64_t clock_thread_cpu_ns(void)
{
    return 0;
}

uint64_t clock_process_cpu_ns(void)
{
    return 0;
}

void process_usage_read(struct process_usage *usage)
{
    *usage = (struct process_usage){.cpu_ns = 0};
}

uint64_t clock_wall_ms(void)
{
    enum { WALL_MS = 1700000000 };
    event_queue_advance(CLOCK_READ_NS);
    return UINT64_C(1000) * WALL_MS + event_queue_now_ms() + (uint64_t)wall_offset_ms;
}

void simulated_wall_leap(int64_t ms)
{
    trace(TRACE_WALL, (uint64_t)ms, 0, 0, 0);
    wall_offset_ms += ms;
}

int64_t simulated_wall_offset_ms(void)
{
    return wall_offset_ms;
}

/* ---- the environment: there is no service manager ---- */

void manager_environment_take(struct manager_environment *environment)
{
    *environment = (struct manager_environment){.first_descriptor = MANAGER_DESCRIPTOR_FIRST};
}

void manager_environment_free(struct manager_environment *environment)
{
    (void)environment;
}

const char *manager_environment_name(const struct manager_environment *environment, uint32_t index,
                                     char name[MANAGER_NAME_BYTES])
{
    (void)environment;
    (void)index;
    name[0] = '\0';
    return name;
}

/* ---- random bytes ---- */

static uint8_t secrets[SECRETS_MAX][SECRET_BYTES]; /* the first bytes of what was filled last */
static size_t secret_count;

bool simulated_random_is_in(const void *text, size_t size)
{
    for (size_t i = 0; i < SECRETS_MAX && i < secret_count; i++)
        if (memmem(text, size, secrets[i], SECRET_BYTES) != NULL)
            return true;
    return false;
}

int random_fill(void *bytes, size_t size)
{
    uint8_t *at = bytes;
    if (faults_refuse_entropy())
        return -EAGAIN;
    for (size_t i = 0; i < size; i++)
        at[i] = (uint8_t)draw(DRAW_KERNEL);
    if (size >= SECRET_BYTES)
        memcpy(secrets[secret_count++ % SECRETS_MAX], bytes, SECRET_BYTES);
    return 0;
}

/* ---- memory ---- */

static struct piece {
    void *memory; /* NULL: unused */
    size_t bytes;
    int process;
} pieces[PIECES_MAX];

size_t simulated_memory_reserved(int process, size_t *count)
{
    size_t bytes = 0;
    *count = 0;
    for (size_t i = 0; i < PIECES_MAX; i++)
        if (pieces[i].memory != NULL && pieces[i].process == process) {
            bytes += pieces[i].bytes;
            ++*count;
        }
    return bytes;
}

static void unmap(struct piece *piece)
{
    munmap(piece->memory, piece->bytes > 0 ? piece->bytes : 1);
    piece->memory = NULL;
}

void simulated_memory_forget(int process)
{
    for (size_t i = 0; i < PIECES_MAX; i++)
        if (pieces[i].memory != NULL && pieces[i].process == process)
            unmap(&pieces[i]);
}

static void add_piece(void *memory, size_t bytes)
{
    size_t i = 0;
    while (pieces[i].memory != NULL)
        if (++i == PIECES_MAX)
            broken_promise("the simulator itself", "more than %d pieces of memory",
                           (int)PIECES_MAX);
    pieces[i] = (struct piece){memory, bytes, scheduler_process()};
}

static void release_piece(const void *memory, size_t bytes)
{
    for (size_t i = 0; i < PIECES_MAX; i++)
        if (pieces[i].memory == memory && pieces[i].bytes == bytes &&
            pieces[i].process == scheduler_process()) {
            unmap(&pieces[i]);
            return;
        }
    broken_promise("only reserved memory is released", "%zu other bytes are", bytes);
}

void *memory_reserve(size_t bytes, size_t committed)
{
    (void)committed;
    void *memory = MAP_FAILED;
    if (!faults_refuse_memory())
        memory = mmap(NULL, bytes > 0 ? bytes : 1, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        errno = ENOMEM;
        return NULL;
    }
    add_piece(memory, bytes);
    return memory;
}

void memory_release(void *memory, size_t bytes)
{
    if (memory == NULL || broken_now("memory", 5))
        return;
    release_piece(memory, bytes);
}

/* A file in memory, of which each process has a mapping of its own. */
struct shared_object {
    struct object object;
    int file; /* of the kernel that the simulator runs on; -1: no other process maps it in this run
               */
    size_t bytes;
};

static unsigned never_ready(const struct object *object)
{
    (void)object;
    return 0;
}

static void close_file(struct object *object)
{
    struct shared_object *shared = (struct shared_object *)object;
    if (shared->file >= 0)
        close(shared->file);
    free(shared);
}

static void *map_file(int file, size_t bytes)
{
    void *memory =
        mmap(NULL, bytes > 0 ? bytes : 1, PROT_READ | PROT_WRITE,
             MAP_NORESERVE | (file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED), file, 0);
    if (memory == MAP_FAILED)
        broken_promise("the simulator itself", "%zu bytes cannot be mapped", bytes);
    return memory;
}

static int make_file(size_t bytes)
{
    int file = memfd_create("sim", MFD_CLOEXEC);
    if (file < 0 || ftruncate(file, (off_t)bytes) != 0)
        broken_promise("the simulator itself", "a file in memory cannot be made");
    return file;
}

/* Returns a descriptor of a file, which it closes, or -errno. */
static int open_file(int file, size_t bytes)
{
    struct shared_object *made = calloc(1, sizeof *made);
    *made = (struct shared_object){
        .object = {.kind = OBJECT_MEMORY, .ready = never_ready, .destroy = close_file},
        .file = file,
        .bytes = bytes};
    return descriptor_open(&made->object);
}

/* Without a descriptor it is memory that cannot be shared. */
int memory_reserve_shared(struct shared_memory *shared, size_t bytes, size_t committed)
{
    (void)committed;
    *shared = (struct shared_memory){.bytes = bytes, .descriptor = -1};
    if (faults_refuse_memory())
        return -ENOMEM;
    int file = swarm.upgrades ? make_file(bytes) : -1;
    shared->memory = map_file(file, bytes);
    add_piece(shared->memory, bytes);
    int fd = open_file(file, bytes);
    shared->descriptor = fd >= 0 ? fd : -1;
    return 0;
}

int simulated_memory_file(size_t bytes, void **memory)
{
    int file = swarm.upgrades ? make_file(bytes) : -1;
    *memory = map_file(file, bytes);
    return file;
}

void simulated_memory_file_close(int file, void *memory, size_t bytes)
{
    munmap(memory, bytes);
    if (file >= 0)
        close(file);
}

int simulated_memory_descriptor(int file, size_t bytes)
{
    return open_file(file >= 0 ? dup(file) : -1, bytes);
}

int memory_map_shared(struct shared_memory *shared, int descriptor, size_t bytes, size_t committed)
{
    const struct shared_object *object =
        (const struct shared_object *)descriptor_object(descriptor, OBJECT_MEMORY);
    (void)committed;
    if (object->bytes != bytes)
        return -EINVAL;
    if (faults_refuse_memory())
        return -ENOMEM;
    *shared = (struct shared_memory){map_file(object->file, bytes), bytes, descriptor};
    add_piece(shared->memory, bytes);
    return 0;
}

void memory_close_shared(int descriptor)
{
    descriptor_object(descriptor, OBJECT_MEMORY);
    if (!broken_is("upgrade-memory"))
        descriptor_close(descriptor);
}

void memory_release_shared(struct shared_memory *shared)
{
    if (shared->memory == NULL)
        return;
    memory_release(shared->memory, shared->bytes);
    if (shared->descriptor >= 0)
        descriptor_close(shared->descriptor);
    *shared = (struct shared_memory){.memory = NULL};
}

void memory_discard(void *memory, size_t bytes)
{
    memset(memory, 0, bytes);
}

void *memory_cache_lines(size_t bytes)
{
    size_t rounded = (bytes + CACHE_LINE_BYTES - 1) / CACHE_LINE_BYTES * CACHE_LINE_BYTES;
    void *memory = faults_refuse_memory() ? NULL : aligned_alloc(CACHE_LINE_BYTES, rounded);
    if (memory != NULL)
        memset(memory, 0, rounded);
    else
        errno = ENOMEM;
    return memory;
}

/* ---- host ---- */

int host_boot_id(uint8_t boot_id[HOST_BOOT_ID_BYTES])
{
    memset(boot_id, broken_is("state-boot") ? 1 : (int)(1 + boots), HOST_BOOT_ID_BYTES);
    return 0;
}

void simulated_host_reboot(uint64_t uptime_ms)
{
    trace(TRACE_BOOT, uptime_ms, 0, 0, 0);
    boots++;
    booted_ms = event_queue_now_ms() - uptime_ms;
}

uint32_t simulated_host_boots(void)
{
    return boots;
}

uint64_t host_memory_bytes(bool *is_group)
{
    *is_group = false;
    return UINT64_C(64) << 30;
}

uint32_t processor_count_within_quota(void)
{
    return 3;
}

uint32_t processor_count_nth(uint32_t nth)
{
    return nth % 3;
}

size_t host_raise_file_limit(size_t count)
{
    size_t most = descriptors_limit_now(), missing = swarm.missing_files;
    if (missing > 0)
        return count > missing ? count - missing : 0;
    return count < most ? count : most;
}

/* ---- privileges ---- */

enum { GROUPS_MAX = 4 };

static struct {
    gid_t list[GROUPS_MAX];
    size_t count;
} groups[PROCESSES_MAX];

bool simulated_process_has_group(int process, gid_t gid)
{
    for (size_t i = 0; i < groups[process].count; i++)
        if (groups[process].list[i] == gid)
            return true;
    return false;
}

static int find_group(gid_t *gid, const char *group)
{
    static const struct {
        const char *name;
        gid_t gid;
    } known[] = {{"nogroup", 1000}, {"operators", 2001}, {"observers", 2002}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].name, group) == 0) {
            *gid = known[i].gid;
            return 0;
        }
    if (strspn(group, "0123456789") != strlen(group))
        return -ESRCH;
    *gid = (gid_t)strtoul(group, NULL, 10);
    return 0;
}

int identity_find(struct identity *identity, const char *user, const char *group)
{
    identity->uid = user != NULL ? 1000 : (uid_t)-1;
    identity->gid = user != NULL ? 1000 : (gid_t)-1;
    return group != NULL ? find_group(&identity->gid, group) : 0;
}

int identity_allowed(const struct identity *identity)
{
    (void)identity;
    return 0;
}

/* The first step of a start. */
int privilege_clear_bounding_set(void)
{
    groups[scheduler_process()].count = 0;
    return 0;
}

struct identity identity_effective(const struct identity *identity)
{
    return *identity;
}

int privilege_drop(const struct identity *identity)
{
    return privilege_drop_keeping_groups(identity, NULL, 0);
}

int privilege_drop_keeping_groups(const struct identity *identity, const gid_t *kept, size_t count)
{
    (void)identity;
    for (size_t i = 0; i < count; i++)
        privilege_join_group(kept[i]);
    return 0;
}

int privilege_join_group(gid_t gid)
{
    int process = scheduler_process();
    if (groups[process].count == GROUPS_MAX)
        broken_promise("the simulator itself", "more than %d groups", (int)GROUPS_MAX);
    groups[process].list[groups[process].count++] = gid;
    return 0;
}

int privilege_protect_memory(void)
{
    return 0;
}

int privilege_harden(void)
{
    return 0;
}

void exit_immediately(int status)
{
    scheduler_exit(status);
}
