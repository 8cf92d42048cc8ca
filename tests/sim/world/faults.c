#include "sim/world/faults.h"

#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/world/swarm.h"

#include <errno.h>
#include <stddef.h>

struct faults faults;
enum { MEMORY = 1, WATCH = 2, OPEN = 7, PROGRAM = 15 }; /* numbers for the record */

static uint64_t count, last_resource_ms;

void faults_end(void)
{
    faults = (struct faults){.memory = 0};
}

uint64_t faults_last_resource_ms(void)
{
    return last_resource_ms;
}

uint64_t faults_count(void)
{
    return count;
}

/* Returns whether it happens, with that number for the record. */
static bool happens(uint32_t per_million, unsigned kind, int error)
{
    if (!draw_chance(DRAW_FAULTS, per_million))
        return false;
    count++;
    if (kind == MEMORY || kind == WATCH || kind == OPEN || kind == PROGRAM)
        last_resource_ms = event_queue_now_ms();
    trace(TRACE_FAULT, kind, (uint64_t)error, 0, 0);
    return true;
}

static int refuse(uint32_t per_million, unsigned kind, const int *errors, size_t error_count)
{
    if (per_million == 0)
        return 0;
    int error = errors[draw_below(DRAW_FAULTS, error_count)];
    return happens(per_million, kind, error) ? -error : 0;
}

#define REFUSE(kind, number, ...)              \
    static const int errors[] = {__VA_ARGS__}; \
    return refuse(faults.kind, number, errors, sizeof errors / sizeof errors[0])

bool faults_refuse_memory(void)
{
    static uint32_t allocations;
    if (++allocations == faults.allocation)
        return happens(1000000, MEMORY, ENOMEM);
    return happens(faults.memory, MEMORY, ENOMEM);
}

int faults_refuse_watch(void)
{
    REFUSE(watch, WATCH, ENOMEM, ENOSPC);
}

bool faults_refuse_entropy(void)
{
    return happens(faults.entropy, 3, EAGAIN);
}

int faults_refuse_pin(void)
{
    REFUSE(pin, 4, EINVAL);
}

int faults_refuse_file(void)
{
    REFUSE(file, 5, ENOENT, EACCES, EIO, EMFILE, ENOMEM);
}

int faults_refuse_output(void)
{
    REFUSE(output, 6, ENOSPC, EPIPE);
}

int faults_refuse_open(void)
{
    REFUSE(open, OPEN, EMFILE, ENFILE, ENOBUFS, ENOMEM, EADDRINUSE, EACCES);
}

int faults_refuse_accept(void)
{
    REFUSE(accept, 8, EMFILE, ENFILE, ENOBUFS, ENOMEM);
}

int faults_refuse_receive(void)
{
    REFUSE(receive, 9, ENOMEM, ENOBUFS);
}

int faults_refuse_datagram(void)
{
    REFUSE(refuse, 10, EPERM, EACCES, ENETUNREACH, EHOSTUNREACH, EINVAL, ENOBUFS, EMSGSIZE, ENOMEM);
}

bool faults_is_full(void)
{
    return happens(faults.full, 11, EAGAIN);
}

bool faults_is_short(void)
{
    return happens(faults.short_count, 12, 0);
}

int faults_refuse_stream(void)
{
    REFUSE(stream, 13, ECONNRESET, EPIPE, ETIMEDOUT);
}

int faults_refuse_query(void)
{
    REFUSE(queries, 14, EPERM, ENOBUFS, EOPNOTSUPP);
}

int faults_refuse_program(void)
{
    if (swarm.lacks_programs)
        return -ENOPROTOOPT;
    REFUSE(program, PROGRAM, EPERM, ENOMEM);
}

int faults_refuse_disk(void)
{
    REFUSE(disk, 16, ENOSPC, EIO, EACCES, EDQUOT, EROFS);
}

bool faults_is_disk_slow(void)
{
    return happens(faults.slow_disk, 17, 0);
}

int faults_refuse_load(void)
{
    REFUSE(attach, 18, EPERM, EOPNOTSUPP, ENOMEM, E2BIG);
}

int faults_refuse_attach(void)
{
    REFUSE(attach, 19, EPERM, EOPNOTSUPP, EBUSY, ENODEV, ENOMEM);
}

int faults_refuse_entry(void)
{
    REFUSE(entry, 20, E2BIG, ENOMEM);
}

bool faults_lacks_room(void)
{
    return happens(faults.room, 21, 0);
}

int faults_refuse_frames(void)
{
    REFUSE(frames, 22, ENOMEM, EFAULT);
}
