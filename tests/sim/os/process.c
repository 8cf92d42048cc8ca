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

enum { CLOCK_READ_NS = 50, SECRET_BYTES = 16, SECRETS_MAX = 64 };

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

static size_t reserved_bytes, reserved_count;

size_t simulated_memory_reserved(size_t *count)
{
    *count = reserved_count;
    return reserved_bytes;
}

void simulated_memory_forget(void)
{
    reserved_bytes = reserved_count = 0;
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
    reserved_bytes += bytes;
    reserved_count++;
    return memory;
}

void memory_release(void *memory, size_t bytes)
{
    if (memory == NULL || broken_now("memory", 5))
        return;
    munmap(memory, bytes > 0 ? bytes : 1);
    reserved_bytes -= bytes;
    reserved_count--;
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

static gid_t groups[GROUPS_MAX];
static size_t group_count;

bool simulated_process_has_group(gid_t gid)
{
    for (size_t i = 0; i < group_count; i++)
        if (groups[i] == gid)
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
    group_count = 0;
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
    if (group_count == GROUPS_MAX)
        broken_promise("the simulator itself", "more than %d groups", (int)GROUPS_MAX);
    groups[group_count++] = gid;
    return 0;
}

int privilege_harden(void)
{
    return 0;
}

void exit_immediately(int status)
{
    (void)status;
    scheduler_abandon();
}
