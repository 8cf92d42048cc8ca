/* net/unix/handover_channel between two simulated processes. */
#include "net/unix/handover_channel.h"

#include "os/loop/event_loop.h"
#include "sim/core/broken.h"
#include "sim/core/descriptors.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/os/process.h"
#include "sim/world/faults.h"
#include "sim/world/upgrades.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { PART_MAX = 253 /* descriptors in a message, as the kernel allows */ };

/* One message, as the kernel has it. */
struct item {
    struct item *next;
    enum handover_kind kind;
    pid_t sender;
    char text[HANDOVER_TEXT_BYTES];
    size_t count;   /* of a package: its descriptors that follow */
    bool has_bytes; /* of a package: the first object is a memory */
    struct object *objects[PART_MAX];
    size_t object_count;
};

struct channel {
    struct object object;
    struct channel *peer; /* NULL: closed */
    struct item *first, **end;
    size_t queued, room; /* of items */
};

struct memory {
    struct object object;
    size_t size;
    uint8_t bytes[];
};

/* ---- objects ---- */

static void free_item(struct item *item)
{
    for (size_t i = 0; i < item->object_count; i++)
        if (item->objects[i] != NULL)
            descriptor_drop(item->objects[i]);
    free(item);
}

static unsigned ready(const struct object *object)
{
    const struct channel *channel = (const struct channel *)object;
    if (channel->peer == NULL)
        return LOOP_READ | LOOP_WRITE | LOOP_HANGUP;
    return (channel->first != NULL ? LOOP_READ : 0u) |
           (channel->peer->queued < channel->peer->room ? LOOP_WRITE : 0u);
}

static void destroy(struct object *object)
{
    struct channel *channel = (struct channel *)object;
    if (channel->peer != NULL)
        channel->peer->peer = NULL;
    while (channel->first != NULL) {
        struct item *item = channel->first;
        channel->first = item->next;
        free_item(item);
    }
    free(channel);
}

static unsigned never_ready(const struct object *object)
{
    (void)object;
    return 0;
}

static void destroy_memory(struct object *object)
{
    free(object);
}

static struct channel *channel_of(int fd)
{
    return (struct channel *)descriptor_object(fd, OBJECT_CHANNEL);
}

static struct channel *make_channel(void)
{
    struct channel *made = calloc(1, sizeof *made);
    made->object = (struct object){.kind = OBJECT_CHANNEL, .ready = ready, .destroy = destroy};
    made->end = &made->first;
    made->room = upgrades_draw_room();
    return made;
}

int handover_channel_open(int ends[2])
{
    if (faults_refuse_memory())
        return -ENFILE;
    struct channel *first = make_channel(), *second = make_channel();
    first->peer = second;
    second->peer = first;
    ends[0] = descriptor_open(&first->object);
    if (ends[0] < 0) {
        destroy(&second->object);
        return ends[0];
    }
    ends[1] = descriptor_open(&second->object);
    if (ends[1] >= 0)
        return 0;
    descriptor_close(ends[0]);
    return ends[1];
}

int handover_channel_adopt(int channel)
{
    channel_of(channel);
    return 0;
}

void handover_channel_close(int channel)
{
    channel_of(channel);
    if (!broken_is("upgrade-channel"))
        descriptor_close(channel);
}

/* ---- waiting ---- */

struct wait {
    const struct channel *channel;
    bool to_send;
    uint64_t until_ms;
};

static bool is_over(const void *state)
{
    const struct wait *wait = state;
    unsigned events = ready(&wait->channel->object);
    return events & (wait->to_send ? LOOP_WRITE : LOOP_READ) ||
           simulated_clock_ms() >= wait->until_ms;
}

static void wake_up(void *state)
{
    (void)state;
}

static void wait_for(const struct channel *channel, bool to_send, uint64_t until_ms)
{
    const struct wait wait = {channel, to_send, until_ms};
    uint64_t now_ms = simulated_clock_ms();
    if (now_ms >= until_ms || is_over(&wait))
        return;
    event_queue_add((until_ms - now_ms) * 1000000, wake_up, NULL);
    scheduler_wait(is_over, &wait);
}

/* ---- messages ---- */

/* Takes the item over. Returns 0 or -errno. */
static int send(int fd, struct item *item, uint64_t until_ms)
{
    struct channel *channel = channel_of(fd);
    wait_for(channel, true, until_ms);
    struct channel *peer = channel->peer;
    int error = peer == NULL ? -EPIPE : peer->queued >= peer->room ? -EAGAIN : 0;
    trace(TRACE_HANDOVER, (uint64_t)scheduler_process(), item->kind, (uint64_t)(int64_t)error, 0);
    upgrades_sent(item->kind, item->text, error);
    if (error == 0) {
        *peer->end = item;
        peer->end = &item->next;
        peer->queued++;
    } else {
        free_item(item);
    }
    return error;
}

/* The caller frees it. */
static int receive(int fd, struct item **item, uint64_t until_ms)
{
    struct channel *channel = channel_of(fd);
    wait_for(channel, false, until_ms);
    if (channel->first == NULL)
        return channel->peer == NULL ? -EPIPE : -EAGAIN;
    *item = channel->first;
    channel->first = (*item)->next;
    if (channel->first == NULL)
        channel->end = &channel->first;
    channel->queued--;
    return 0;
}

static struct item *make_item(enum handover_kind kind, const char *text)
{
    struct item *item = calloc(1, sizeof *item);
    item->kind = kind;
    item->sender = upgrades_sender();
    if (text != NULL)
        strncpy(item->text, text, sizeof item->text - 1);
    return item;
}

int handover_channel_send(int channel, enum handover_kind kind, const char *text)
{
    return send(channel, make_item(kind, text), 0);
}

int handover_channel_receive(int channel, struct handover_message *message, uint64_t until_ms)
{
    struct item *item;
    int error = receive(channel, &item, until_ms);
    if (error != 0)
        return error;
    bool is_message = item->kind != HANDOVER_PACKAGE && item->kind != HANDOVER_DESCRIPTORS;
    error = is_message ? 0 : -EPROTO;
    message->kind = item->kind;
    message->sender = item->sender;
    strcpy(message->text, item->text);
    free_item(item);
    return error;
}

/* ---- sending a package ---- */

int handover_sending_begin(struct handover_sending *sending, const void *bytes, size_t size,
                           const int *descriptors, size_t count)
{
    *sending = (struct handover_sending){
        .memory = -1, .size = size, .descriptors = descriptors, .count = count};
    if (size == 0)
        return 0;
    if (faults_refuse_memory())
        return -ENOMEM;
    struct memory *memory = malloc(sizeof *memory + size);
    memory->object =
        (struct object){.kind = OBJECT_MEMORY, .ready = never_ready, .destroy = destroy_memory};
    memory->size = size;
    memcpy(memory->bytes, bytes, size);
    int fd = descriptor_open(&memory->object);
    if (fd < 0)
        return fd;
    sending->memory = fd;
    return 0;
}

static int send_head(struct handover_sending *sending, int channel, uint64_t until_ms)
{
    struct item *item = make_item(HANDOVER_PACKAGE, NULL);
    item->count = sending->count;
    item->has_bytes = sending->memory >= 0;
    if (item->has_bytes)
        item->objects[item->object_count++] = descriptor_pass(sending->memory);
    return send(channel, item, until_ms);
}

int handover_sending_continue(struct handover_sending *sending, int channel, uint64_t until_ms)
{
    if (sending->stage == 0) {
        int error = send_head(sending, channel, until_ms);
        if (error != 0)
            return error;
        sending->stage = 1;
    }
    while (sending->sent < sending->count) {
        size_t left = sending->count - sending->sent, part = upgrades_draw_part(PART_MAX);
        struct item *item = make_item(HANDOVER_DESCRIPTORS, NULL);
        while (item->object_count < part && item->object_count < left) {
            int fd = sending->descriptors[sending->sent + item->object_count];
            /* A socket was opened again since; another process may have its number now. */
            if (descriptor_any(fd) == NULL || descriptor_process(fd) != scheduler_process()) {
                free_item(item);
                return -EBADF;
            }
            item->objects[item->object_count++] = descriptor_pass(fd);
        }
        part = item->object_count;
        int error = send(channel, item, until_ms);
        if (error != 0)
            return error;
        sending->sent += part;
    }
    return 0;
}

void handover_sending_end(struct handover_sending *sending)
{
    if (sending->memory >= 0)
        descriptor_close(sending->memory);
    sending->memory = -1;
}

/* ---- receiving a package ---- */

static int take_bytes(struct handover_package *package, const struct object *object)
{
    const struct memory *memory = (const struct memory *)object;
    if (faults_refuse_memory())
        return -ENOMEM;
    uint8_t *copy = malloc(memory->size);
    memcpy(copy, memory->bytes, memory->size);
    package->bytes = copy;
    package->size = memory->size;
    return 0;
}

/* Makes descriptors of the objects of a message, as far as there is room. */
static int take_descriptors(struct handover_package *package, struct item *item)
{
    for (size_t i = 0; i < item->object_count; i++) {
        int fd = descriptor_receive(item->objects[i]);
        item->objects[i] = NULL;
        if (fd < 0)
            return fd;
        package->descriptors[package->count++] = fd;
    }
    return 0;
}

static int receive_descriptors(int channel, struct handover_package *package, size_t count,
                               uint64_t until_ms)
{
    if (count > 0)
        package->descriptors = calloc(count, sizeof package->descriptors[0]);
    while (package->count < count) {
        struct item *item;
        int error = receive(channel, &item, until_ms);
        if (error != 0)
            return error;
        error = take_descriptors(package, item);
        free_item(item);
        if (error != 0)
            return error;
    }
    return 0;
}

int handover_package_receive(int channel, struct handover_package *package, uint64_t until_ms)
{
    struct item *item;
    size_t count = 0;
    *package = (struct handover_package){.size = 0};
    int error = receive(channel, &item, until_ms);
    if (error != 0)
        return error;
    if (item->kind != HANDOVER_PACKAGE)
        error = -EPROTO;
    else if (item->has_bytes)
        error = take_bytes(package, item->objects[0]);
    count = item->count;
    free_item(item);
    if (error == 0)
        error = receive_descriptors(channel, package, count, until_ms);
    if (error != 0)
        handover_package_free(package);
    return error;
}

void handover_package_free(struct handover_package *package)
{
    free((void *)(uintptr_t)package->bytes);
    for (size_t i = 0; i < package->count; i++)
        if (package->descriptors[i] >= 0)
            descriptor_close(package->descriptors[i]);
    free(package->descriptors);
    *package = (struct handover_package){.size = 0};
}
