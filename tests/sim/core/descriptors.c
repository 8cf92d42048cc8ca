#include "sim/core/descriptors.h"

#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"

#include <errno.h>

struct object *descriptor_table[DESCRIPTORS_MAX];
static size_t open_count, limit = DESCRIPTORS_MAX;
static int lowest;
static uint64_t refused_ms;

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

int descriptor_open(struct object *object)
{
    object->references++;
    if (open_count >= limit) {
        refused_ms = event_queue_now_ms();
        release(object);
        return -EMFILE;
    }
    while (descriptor_table[lowest] != NULL)
        lowest++;
    descriptor_table[lowest] = object;
    open_count++;
    return DESCRIPTORS_FIRST + lowest++;
}

static struct object *existing(int fd)
{
    struct object *object = descriptor_any(fd);
    if (object == NULL)
        broken_promise("only open descriptors are used", "descriptor %d is not open", fd);
    return object;
}

void descriptor_close(int fd)
{
    struct object *object = existing(fd);
    if (object->kind == OBJECT_UDP && broken_now("descriptor", 20))
        return;
    descriptor_table[fd - DESCRIPTORS_FIRST] = NULL;
    if (fd - DESCRIPTORS_FIRST < lowest)
        lowest = fd - DESCRIPTORS_FIRST;
    open_count--;
    release(object);
}

void descriptors_forget(void)
{
    for (size_t i = 0; i < DESCRIPTORS_MAX; i++) {
        struct object *object = descriptor_table[i];
        descriptor_table[i] = NULL;
        if (object != NULL)
            release(object);
    }
    open_count = 0;
    lowest = 0;
}

int descriptor_duplicate(int fd)
{
    return descriptor_open(existing(fd));
}

void descriptor_replace(int old, int new)
{
    struct object *replaced = existing(old), *object = existing(new);
    object->references++;
    descriptor_table[old - DESCRIPTORS_FIRST] = object;
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

size_t descriptor_count(void)
{
    return open_count;
}

size_t descriptor_count_of(enum object_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < DESCRIPTORS_MAX; i++)
        count += descriptor_table[i] != NULL && descriptor_table[i]->kind == kind;
    return count;
}
