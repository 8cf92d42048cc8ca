#include "sim/core/descriptors.h"

#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"

#include <errno.h>

struct object *descriptor_table[DESCRIPTORS_MAX];
static int8_t owners[DESCRIPTORS_MAX]; /* processes */
static size_t open_counts[PROCESSES_MAX], counts_of[PROCESSES_MAX][OBJECT_KINDS];
static size_t limit = DESCRIPTORS_MAX;
static int lowest;
static uint64_t refused_ms, last_number;

void descriptors_limit(size_t most)
{
    limit = most < DESCRIPTORS_MAX ? most : DESCRIPTORS_MAX;
}

size_t descriptors_limit_now(void)
{
    return limit;
}

uint64_t descriptors_refused_ms(void)
{
    return refused_ms;
}

static void release(struct object *object)
{
    if (--object->references == 0)
        object->destroy(object);
}

bool descriptor_is_limited(int process)
{
    return open_counts[process] >= limit;
}

int descriptor_open(struct object *object)
{
    return descriptor_open_for(scheduler_process(), object);
}

int descriptor_open_for(int process, struct object *object)
{
    object->references++;
    if (object->number == 0)
        object->number = ++last_number;
    if (descriptor_is_limited(process)) {
        refused_ms = event_queue_now_ms();
        release(object);
        return -EMFILE;
    }
    while (descriptor_table[lowest] != NULL)
        if (++lowest == DESCRIPTORS_MAX)
            broken_promise("the number of descriptors is bounded", "more than %d", lowest);
    descriptor_table[lowest] = object;
    owners[lowest] = (int8_t)process;
    open_counts[process]++;
    counts_of[process][object->kind]++;
    return DESCRIPTORS_FIRST + lowest++;
}

int descriptor_process(int fd)
{
    return owners[fd - DESCRIPTORS_FIRST];
}

static struct object *existing(int fd)
{
    struct object *object = descriptor_any(fd);
    int process = scheduler_process();
    if (object == NULL)
        broken_promise("only open descriptors are used", "descriptor %d is not open", fd);
    if (process >= 0 && owners[fd - DESCRIPTORS_FIRST] != process)
        broken_promise("a process uses its own descriptors",
                       "process %d uses descriptor %d of process %d", process, fd,
                       owners[fd - DESCRIPTORS_FIRST]);
    return object;
}

static void close_at(int at)
{
    struct object *object = descriptor_table[at];
    descriptor_table[at] = NULL;
    if (at < lowest)
        lowest = at;
    open_counts[owners[at]]--;
    counts_of[owners[at]][object->kind]--;
    release(object);
}

void descriptor_close(int fd)
{
    if (existing(fd)->kind == OBJECT_UDP && broken_now("descriptor", 20))
        return;
    close_at(fd - DESCRIPTORS_FIRST);
}

void descriptors_close_all(int process)
{
    for (int i = 0; i < DESCRIPTORS_MAX && open_counts[process] > 0; i++)
        if (descriptor_table[i] != NULL && owners[i] == process)
            close_at(i);
}

int descriptor_duplicate(int fd)
{
    return descriptor_open(existing(fd));
}

struct object *descriptor_pass(int fd)
{
    struct object *object = existing(fd);
    object->references++;
    return object;
}

int descriptor_receive(struct object *object)
{
    int fd = descriptor_open(object);
    release(object);
    return fd;
}

void descriptor_drop(struct object *object)
{
    release(object);
}

void descriptor_replace(int old, int new)
{
    struct object *replaced = existing(old), *object = existing(new);
    size_t at = (size_t)(old - DESCRIPTORS_FIRST);
    object->references++;
    descriptor_table[at] = object;
    counts_of[owners[at]][replaced->kind]--;
    counts_of[owners[at]][object->kind]++;
    release(replaced);
}

struct object *descriptor_object(int fd, enum object_kind kind)
{
    struct object *object = existing(fd);
    if (object->kind != kind)
        broken_promise("descriptors are used for their purpose",
                       "descriptor %d has kind %d, not %d", fd, (int)object->kind, (int)kind);
    return object;
}

size_t descriptor_count(int process)
{
    return open_counts[process];
}

size_t descriptor_count_of(int process, enum object_kind kind)
{
    return counts_of[process][kind];
}
