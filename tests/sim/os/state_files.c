/* os/file/state_file and os/file/snapshot_file: the state file, in memory. */
#include "sim/os/state_files.h"

#include "os/file/snapshot_file.h"
#include "os/file/state_file.h"
#include "sim/check/saved.h"
#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/os/process.h"
#include "sim/world/faults.h"
#include "sim/world/restarts.h"
#include "sim/world/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct contents {
    uint8_t *bytes; /* NULL: there is no such file */
    size_t size;
};

static struct contents whole, before; /* the state file, and the one that it has replaced */
static struct contents aside;         /* the one that was kept aside */
static bool is_foreign;               /* another user can write the file */
static uint64_t waited_ns;

struct snapshot_file {
    struct mailbox *owner;
    struct contents draft;
    struct snapshot_write *pending; /* the step that the thread does; NULL: none */
};

static struct snapshot_file *current; /* of the server that runs; NULL: none */

/* ---- contents ---- */

static void clear(struct contents *contents)
{
    free(contents->bytes);
    *contents = (struct contents){.bytes = NULL};
}

static void copy(struct contents *to, const struct contents *from)
{
    clear(to);
    to->bytes = malloc(from->size + 1);
    to->size = from->size;
    if (from->size > 0)
        memcpy(to->bytes, from->bytes, from->size);
}

static void append(struct contents *contents, const void *bytes, size_t size)
{
    contents->bytes = realloc(contents->bytes, contents->size + size + 1);
    if (size > 0)
        memcpy(contents->bytes + contents->size, bytes, size);
    contents->size += size;
}

/* ---- time ---- */

static uint64_t draw_step_ns(void)
{
    enum { FAST_MIN_NS = 10000, FAST_MAX_NS = 20000000, SLOW_MAX_MS = 3000 };
    if (faults_is_disk_slow())
        return draw_range(DRAW_STATE, 1, SLOW_MAX_MS) * 1000000;
    return draw_range(DRAW_STATE, FAST_MIN_NS, FAST_MAX_NS);
}

static void wake_up(void *state)
{
    (void)state;
}

static bool has_passed(const void *end_ns)
{
    return event_queue_now_ns() >= *(const uint64_t *)end_ns;
}

/* The main thread waits for the disk. */
static void wait_for_disk(void)
{
    uint64_t ns = draw_step_ns(), end_ns = event_queue_now_ns() + ns;
    waited_ns += ns;
    event_queue_add(ns, wake_up, NULL);
    scheduler_wait(has_passed, &end_ns);
}

uint64_t state_files_waited_ms(void)
{
    return waited_ns / 1000000;
}

/* ---- os/file/state_file ---- */

static int refuse(struct state_file_fault *fault, int error)
{
    *fault = (struct state_file_fault){"the file cannot be read", "try again"};
    saved_read(error);
    return error;
}

int state_file_read(const char *path, uint8_t **bytes, size_t *size, struct state_file_fault *fault)
{
    (void)path;
    wait_for_disk();
    int error = faults_refuse_disk();
    if (whole.bytes == NULL || error != 0 || is_foreign)
        return refuse(fault, whole.bytes == NULL ? -ENOENT : error != 0 ? error : -EPERM);
    *size = whole.size;
    *bytes = malloc(whole.size > 0 ? whole.size : 1);
    if (*bytes == NULL)
        return refuse(fault, -ENOMEM);
    if (whole.size > 0)
        memcpy(*bytes, whole.bytes, whole.size);
    saved_read(0);
    return 0;
}

int state_file_keep_aside(const char *path)
{
    (void)path;
    int error = faults_refuse_disk();
    if (error == 0 && !broken_is("state-aside")) {
        clear(&aside);
        aside = whole;
        whole = (struct contents){.bytes = NULL};
        is_foreign = false;
    }
    saved_kept_aside(error == 0, whole.bytes == NULL && aside.bytes != NULL);
    return error;
}

/* ---- os/file/snapshot_file ---- */

/* No secret may be in the file: neither a key nor what the server drew as one. */
static void check_secrets(const struct contents *file)
{
    bool has_key = setup.has_keys &&
                   memmem(file->bytes, file->size, setup.names_key, sizeof setup.names_key) != NULL;
    if (has_key || simulated_random_is_in(file->bytes, file->size) || broken_is("state-secret"))
        broken_promise("no secret is in the state file", "%s is",
                       has_key ? "the key of the names" : "one that was drawn");
}

static void commit(struct snapshot_file *file)
{
    check_secrets(&file->draft);
    if (!broken_is("state-older") || whole.bytes == NULL) {
        clear(&before);
        before = whole;
        whole = file->draft;
        is_foreign = false;
    } else {
        clear(&file->draft);
    }
    file->draft = (struct contents){.bytes = NULL};
    saved_committed();
}

static void begin(void)
{
    saved_begin();
    restarts_snapshot_begun();
}

static int do_step(struct snapshot_file *file, enum snapshot_step step, const void *bytes,
                   size_t size)
{
    int error = step == SNAPSHOT_DISCARD ? 0 : faults_refuse_disk();
    trace(TRACE_STATE, step, (uint64_t)(int64_t)error, size, 0);
    if (step == SNAPSHOT_BEGIN || step == SNAPSHOT_DISCARD || error != 0)
        clear(&file->draft);
    if (error != 0 || step == SNAPSHOT_DISCARD)
        saved_failed(error);
    else if (step == SNAPSHOT_BEGIN)
        begin();
    else if (step == SNAPSHOT_ADD)
        append(&file->draft, bytes, size);
    else
        commit(file);
    return error;
}

static void handle_done(struct mailbox_message *message)
{
    struct snapshot_write *write = (struct snapshot_write *)message;
    write->done(write);
}

static void end_step(void *state)
{
    struct snapshot_file *file = state;
    struct snapshot_write *write = file->pending;
    file->pending = NULL;
    write->error = do_step(file, write->step, write->bytes, write->size);
    write->message.handle = handle_done;
    mailbox_post(file->owner, &write->message);
}

int snapshot_file_new(struct snapshot_file **file, const char *path, struct mailbox *owner)
{
    (void)path;
    *file = faults_refuse_memory() ? NULL : calloc(1, sizeof **file);
    if (*file == NULL)
        return -ENOMEM;
    (*file)->owner = owner;
    current = *file;
    saved_opened();
    return 0;
}

void snapshot_file_post(struct snapshot_file *file, struct snapshot_write *write)
{
    if (file->pending != NULL)
        broken_promise("one step of the state file is done at a time", "step %d comes during %d",
                       (int)write->step, (int)file->pending->step);
    if (write->step == SNAPSHOT_ADD)
        saved_adding();
    write->file = file;
    file->pending = write;
    event_queue_add(draw_step_ns(), end_step, file);
}

static bool has_no_step(const void *state)
{
    return ((const struct snapshot_file *)state)->pending == NULL;
}

void snapshot_file_stop(struct snapshot_file *file)
{
    if (file == NULL || file->pending == NULL)
        return;
    waited_ns += UINT64_C(3000000000); /* at most */
    scheduler_wait(has_no_step, file);
}

int snapshot_file_do(struct snapshot_file *file, enum snapshot_step step, const void *bytes,
                     size_t size)
{
    if (step == SNAPSHOT_ADD)
        saved_adding();
    wait_for_disk();
    return do_step(file, step, bytes, size);
}

void snapshot_file_free(struct snapshot_file *file)
{
    if (file == NULL)
        return;
    clear(&file->draft);
    free(file);
    current = NULL;
}

/* ---- what happens to the file ---- */

void state_files_crash(void)
{
    if (current == NULL)
        return;
    event_queue_remove(current);
    snapshot_file_free(current);
}

/* A byte of the file, in half of the cases one of its preamble and of the head of its first block.
 */
static size_t draw_byte(void)
{
    enum { HEADS_BYTES = 24 };
    bool is_in_heads = draw_below(DRAW_STATE, 2) == 0 && whole.size > HEADS_BYTES;
    return draw_below(DRAW_STATE, is_in_heads ? HEADS_BYTES : whole.size);
}

static void flip_bit(void)
{
    uint64_t bit = draw_byte() * UINT64_C(8) + draw_below(DRAW_STATE, 8);
    whole.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* The end of the block that begins there: its head has 8 bytes, of which the second to fourth are
 * the length of the rest. */
static size_t end_of_block(size_t at)
{
    enum { HEAD_BYTES = 8 };
    if (whole.size < at + HEAD_BYTES)
        return whole.size;
    const uint8_t *length = whole.bytes + at + 1;
    size_t end = at + HEAD_BYTES + length[0] + ((size_t)length[1] << 8) + ((size_t)length[2] << 16);
    return end < whole.size ? end : whole.size;
}

/* Between the block of the server and the last one are those of clients, if there are any. */
static void lose_block(void)
{
    enum { PREAMBLE_BYTES = 16 };
    size_t begin = end_of_block(PREAMBLE_BYTES), end = end_of_block(begin);
    memmove(whole.bytes + begin, whole.bytes + end, whole.size - end);
    whole.size -= end - begin;
}

static void put_back(void)
{
    copy(&whole, &before);
    is_foreign = false;
    saved_put_back();
}

enum state_damage state_files_damage(enum state_damage damage)
{
    enum { VERSION_AT = 12 }; /* by docs/state.md */
    bool is_there = damage == STATE_PUT_BACK ? before.bytes != NULL : whole.size > VERSION_AT;
    if (!is_there || damage == STATE_UNDAMAGED)
        return STATE_UNDAMAGED;
    if (damage == STATE_PUT_BACK) {
        put_back();
        return damage;
    }
    if (damage == STATE_TORN)
        whole.size = draw_byte();
    else if (damage == STATE_FLIPPED)
        flip_bit();
    else if (damage == STATE_BLOCK_LOST)
        lose_block();
    else if (damage == STATE_GROWN)
        append(&whole, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", draw_range(DRAW_STATE, 1, 16));
    else if (damage == STATE_OTHER_VERSION)
        whole.bytes[VERSION_AT]++;
    else
        is_foreign = true;
    if (broken_is("state-damage") && before.bytes != NULL) {
        copy(&whole, &before); /* and check/saved does not know it */
        is_foreign = false;
    }
    saved_damaged();
    return damage;
}
