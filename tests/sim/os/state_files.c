/* os/file/state_file_reader and os/file/state_file_writer: the state file, in memory. */
#include "sim/os/state_files.h"

#include "os/file/state_file_reader.h"
#include "os/file/state_file_writer.h"
#include "sim/check/saved.h"
#include "sim/core/broken.h"
#include "sim/core/descriptors.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/os/journal_files.h"
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

static struct contents whole;  /* PATH */
static struct contents before; /* what PATH was before the last rename */
static struct contents draft;  /* PATH.new, which a crash leaves */
static int draft_of = -1;      /* the process that writes it; -1: none */
static struct contents aside;  /* PATH.bad */
static bool is_foreign;        /* another user can write PATH */
static uint64_t read_at;       /* what was read last */
static bool is_read_again;     /* it was checked, and is now read for its clients */
static bool is_unsynced;       /* a power failure may undo the last rename */
static enum state_obstacle obstacle;
static uint64_t done_ns, pending_ns; /* what the steps of the disk have taken, and the ones now */

struct state_file_writer {
    struct mailbox *owner;
    struct state_file_write *pending; /* the step that the thread does; NULL: none */
    uint64_t pending_ns;
    bool has_draft;
    int lock; /* descriptor; -1: none */
    int process;
};

static struct state_file_writer *writers[PROCESSES_MAX]; /* NULL: none */
static struct object *locked;                            /* PATH.lock, by the server; NULL: free */

/* ---- contents ---- */

static void clear(struct contents *contents)
{
    free(contents->bytes);
    *contents = (struct contents){.bytes = NULL};
}

static void copy(struct contents *to, const struct contents *from)
{
    clear(to);
    if (from->bytes == NULL)
        return;
    to->bytes = malloc(from->size + 1);
    to->size = from->size;
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
    event_queue_add(ns, wake_up, NULL);
    scheduler_wait(has_passed, &end_ns);
}

uint64_t state_files_step_begun(void)
{
    uint64_t ns = draw_step_ns();
    pending_ns += ns;
    return ns;
}

void state_files_step_ended(uint64_t ns)
{
    done_ns += ns;
    pending_ns -= ns;
}

uint64_t state_files_done_ms(void)
{
    return done_ns / 1000000;
}

uint64_t state_files_busy_ms(void)
{
    return (done_ns + pending_ns) / 1000000;
}

/* ---- os/file/state_file_reader ---- */

static int refuse_special(struct state_file_fault *fault)
{
    *fault = (struct state_file_fault){"it is not a regular file", "name another one", true};
    return -EINVAL;
}

/* What is at the path may have changed before it is opened. */
int state_file_check_kind(const char *path, struct state_file_fault *fault)
{
    (void)path;
    return obstacle == STATE_SPECIAL && draw_below(DRAW_STATE, 2) == 0 ? refuse_special(fault) : 0;
}

/* Only for udpsrv -t. */
int state_file_check_writable(const char *path, struct state_file_fault *fault)
{
    (void)path;
    (void)fault;
    return 0;
}

int state_file_check_safe(const char *path, struct state_file_fault *fault)
{
    (void)path;
    *fault = (struct state_file_fault){.why = "others can write it", .next = "change that"};
    return is_foreign ? -EPERM : 0;
}

static int refuse(struct state_file_fault *fault, int error)
{
    *fault = (struct state_file_fault){.why = "the file cannot be read", .next = "try again"};
    trace(TRACE_STATE_READ, (uint64_t)(int64_t)error, 0, 0, 0);
    saved_read(error);
    return error;
}

int state_file_reader_open(struct state_file_reader *reader, const char *path,
                           struct state_file_fault *fault)
{
    if (journal_files_is_path(path))
        return journal_files_open(reader, fault);
    *reader = (struct state_file_reader){.descriptor = -1, .size = whole.size};
    if (writers[scheduler_process()] == NULL)
        broken_promise("the state file is locked before it is read", "it is not");
    wait_for_disk();
    int error = faults_refuse_disk();
    if (obstacle == STATE_SPECIAL)
        return refuse_special(fault);
    if (whole.bytes == NULL || error != 0 || is_foreign)
        return refuse(fault, whole.bytes == NULL ? -ENOENT : error != 0 ? error : -EPERM);
    reader->descriptor = 0;
    read_at = 0;
    is_read_again = false;
    trace(TRACE_STATE_READ, 0, whole.size, 0, 0);
    saved_read(0);
    return 0;
}

/* Most reads are served from memory. */
int state_file_reader_read(const struct state_file_reader *reader, uint64_t offset, void *bytes,
                           size_t size)
{
    enum { EACH_FROM_DISK = 8, EACH_AGAIN_FAILS = 4 };
    if (reader->descriptor == JOURNAL_DESCRIPTOR)
        return journal_files_read(offset, bytes, size);
    is_read_again |= offset < read_at;
    read_at = offset;
    if (reader->descriptor < 0 || offset + size > whole.size)
        broken_promise("a state file is read within its size", "%zu bytes from %zu on, of %zu",
                       size, (size_t)offset, whole.size);
    if (draw_below(DRAW_STATE, EACH_FROM_DISK) == 0) {
        wait_for_disk();
        int error = faults_refuse_disk();
        if (error != 0) {
            saved_read_failed();
            return error;
        }
    }
    /* A block that was in the cache when the file was checked is not any more. */
    if (is_read_again && faults.disk > 0 && draw_below(DRAW_CHURN, EACH_AGAIN_FAILS) == 0) {
        saved_read_failed();
        return -EIO;
    }
    memcpy(bytes, whole.bytes + offset, size);
    return 0;
}

void state_file_reader_close(struct state_file_reader *reader)
{
    reader->descriptor = -1;
}

int state_file_keep_aside(const char *path)
{
    if (journal_files_is_path(path))
        return journal_files_keep_aside();
    int error = faults_refuse_disk();
    if (obstacle == STATE_SPECIAL)
        broken_promise("what cannot be a state file is not touched", "it is renamed");
    if (error == 0 && !broken_is("state-aside")) {
        clear(&aside);
        aside = whole;
        whole = (struct contents){.bytes = NULL};
        is_foreign = false;
    }
    saved_kept_aside(error == 0, whole.bytes == NULL && aside.bytes != NULL);
    return error;
}

/* ---- os/file/state_file_writer ---- */

/* No secret may be in the file: neither a key nor what the server drew as one. */
static void check_secrets(const struct contents *file)
{
    bool has_key = setup.has_keys &&
                   memmem(file->bytes, file->size, setup.names_key, sizeof setup.names_key) != NULL;
    if (has_key || simulated_random_is_in(file->bytes, file->size) || broken_is("state-secret"))
        broken_promise("no secret is in the state file", "%s is",
                       has_key ? "the key of the names" : "one that was drawn");
}

static void replace(void)
{
    check_secrets(&draft);
    if (!broken_is("state-older") || whole.bytes == NULL) {
        clear(&before);
        before = whole;
        whole = draft;
        is_foreign = false;
    } else {
        clear(&draft);
    }
    draft = (struct contents){.bytes = NULL};
    saved_committed();
}

/* The rename may have been done when an error follows. */
static void commit(struct state_file_writer *writer, int error)
{
    bool is_renamed = error == 0 || draw_below(DRAW_STATE, 2) == 0;
    if (draft_of != writer->process)
        broken_promise("only a state file that is whole is renamed",
                       "process %d renames what process %d has begun", writer->process, draft_of);
    writer->has_draft = false;
    draft_of = -1;
    if (is_renamed)
        replace();
    else
        clear(&draft);
    is_unsynced = is_renamed ? error != 0 : is_unsynced;
}

/* ---- the lock: it is held until all its descriptors are closed, in all processes ---- */

static unsigned never_ready(const struct object *object)
{
    (void)object;
    return 0;
}

static void unlock(struct object *object)
{
    free(object);
    locked = NULL;
}

static int take_lock(struct state_file_writer *writer)
{
    if (writer->lock >= 0)
        return 0;
    if (locked != NULL)
        return -EWOULDBLOCK;
    struct object *made = locked = calloc(1, sizeof *made);
    *made = (struct object){.kind = OBJECT_LOCK, .ready = never_ready, .destroy = unlock};
    writer->lock = descriptor_open_for(writer->process, made);
    return writer->lock >= 0 ? 0 : writer->lock;
}

int state_file_writer_lock(const struct state_file_writer *writer)
{
    return writer->lock;
}

void state_file_writer_close_lock(int lock)
{
    descriptor_close(lock);
}

static int begin(struct state_file_writer *writer)
{
    int error = faults_refuse_disk();
    if (error == 0)
        error = take_lock(writer);
    clear(&draft);
    draft_of = writer->process;
    writer->has_draft = error == 0;
    return error;
}

static void check_step(const struct state_file_writer *writer, enum state_file_step step)
{
    bool needs_draft = step == STATE_FILE_ADD || step == STATE_FILE_COMMIT;
    if (needs_draft && !writer->has_draft)
        broken_promise("a new state file is begun before it is written", "step %d comes without it",
                       (int)step);
}

static int do_step(struct state_file_writer *writer, const struct state_file_write *write)
{
    check_step(writer, write->step);
    int error = write->step == STATE_FILE_BEGIN     ? begin(writer)
                : write->step == STATE_FILE_DISCARD ? 0
                                                    : faults_refuse_disk();
    trace(TRACE_STATE, write->step, (uint64_t)(int64_t)error, write->size, 0);
    if (write->step == STATE_FILE_COMMIT)
        commit(writer, error);
    else if (error != 0 || write->step == STATE_FILE_DISCARD)
        writer->has_draft = false;
    else if (write->step == STATE_FILE_ADD && draft_of == writer->process)
        append(&draft, write->bytes, write->size);
    if (error != 0 || write->step == STATE_FILE_DISCARD)
        saved_failed(error);
    else if (write->step == STATE_FILE_BEGIN)
        saved_begin();
    if (error == 0 && write->step == STATE_FILE_BEGIN)
        restarts_snapshot_begun();
    return error;
}

static void handle_done(struct mailbox_message *message)
{
    struct state_file_write *write = (struct state_file_write *)message;
    write->done(write);
}

static void end_step(void *state)
{
    struct state_file_writer *writer = state;
    struct state_file_write *write = writer->pending;
    writer->pending = NULL;
    state_files_step_ended(writer->pending_ns);
    write->error = do_step(writer, write);
    write->message.handle = handle_done;
    mailbox_post(writer->owner, &write->message);
}

static int make(struct state_file_writer **writer)
{
    struct state_file_writer *made = faults_refuse_memory() ? NULL : calloc(1, sizeof *made);
    *writer = made;
    if (made == NULL)
        return -ENOMEM;
    made->process = scheduler_process();
    made->lock = -1;
    writers[made->process] = made;
    saved_opened();
    return 0;
}

int state_file_writer_new(struct state_file_writer **writer, const char *path)
{
    (void)path;
    int error = make(writer);
    if (error != 0)
        return error;
    if (obstacle == STATE_LOCKED && !broken_is("state-obstacle"))
        return -EWOULDBLOCK;
    error = faults_refuse_disk();
    return error == 0 ? take_lock(*writer) : error;
}

int state_file_writer_new_locked(struct state_file_writer **writer, const char *path, int lock)
{
    (void)path;
    int error = make(writer);
    if (error == 0)
        (*writer)->lock = lock;
    else
        descriptor_close(lock);
    return error;
}

int state_file_writer_check(struct state_file_writer *writer)
{
    wait_for_disk();
    int error = begin(writer);
    writer->has_draft = false;
    if (error != 0)
        saved_failed(error);
    return error;
}

int state_file_writer_start(struct state_file_writer *writer, struct mailbox *owner)
{
    writer->owner = owner;
    return faults_refuse_memory() ? -ENOMEM : 0;
}

void state_file_writer_post(struct state_file_writer *writer, struct state_file_write *write)
{
    if (writer->pending != NULL)
        broken_promise("one step of the state file is done at a time", "step %d comes during %d",
                       (int)write->step, (int)writer->pending->step);
    if (write->step == STATE_FILE_ADD)
        saved_adding();
    write->writer = writer;
    writer->pending = write;
    writer->pending_ns = state_files_step_begun();
    event_queue_add(writer->pending_ns, end_step, writer);
}

static bool has_no_step(const void *state)
{
    return ((const struct state_file_writer *)state)->pending == NULL;
}

void state_file_writer_stop(struct state_file_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->pending != NULL)
        scheduler_wait(has_no_step, writer);
    writer->has_draft = false;
}

void state_file_writer_free(struct state_file_writer *writer)
{
    if (writer == NULL)
        return;
    state_file_writer_stop(writer);
    if (draft_of == writer->process || draft_of < 0)
        clear(&draft);
    if (writer->lock >= 0)
        descriptor_close(writer->lock);
    writers[writer->process] = NULL;
    free(writer);
}

/* ---- what happens to the file ---- */

bool state_files_are_closed(int process)
{
    return writers[process] == NULL && journal_files_are_closed(process);
}

/* PATH.new stays as far as it was written, and a rename that was going on is done or not. */
void state_files_process_ended(int process)
{
    struct state_file_writer *writer = writers[process];
    journal_files_process_ended(process);
    if (writer == NULL)
        return;
    struct state_file_write *write = writer->pending;
    event_queue_remove(writer);
    if (write != NULL && write->step == STATE_FILE_COMMIT && draft_of == process &&
        draw_below(DRAW_STATE, 2) == 0) {
        replace();
        is_unsynced = true;
    }
    if (draft_of == process)
        draft_of = -1;
    if (write != NULL)
        pending_ns -= writer->pending_ns;
    free(writer);
    writers[process] = NULL;
}

static void put_back(void)
{
    copy(&whole, &before);
    is_foreign = is_unsynced = false;
    saved_put_back();
}

void state_files_power_failure(void)
{
    journal_files_power_failure();
    if (is_unsynced && draw_below(DRAW_STATE, 2) == 0)
        put_back();
    is_unsynced = false;
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

static void damage_bytes(enum state_damage damage)
{
    enum { VERSION_AT = 12 }; /* by docs/state.md */
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
}

enum state_damage state_files_damage(enum state_damage damage)
{
    enum { LEAST_BYTES = 13 }; /* the first ones, and the version */
    bool is_there = damage == STATE_PUT_BACK ? before.bytes != NULL : whole.size >= LEAST_BYTES;
    if (!is_there || damage == STATE_UNDAMAGED)
        return STATE_UNDAMAGED;
    if (damage == STATE_PUT_BACK) {
        put_back();
        return damage;
    }
    damage_bytes(damage);
    if (broken_is("state-damage") && before.bytes != NULL) {
        copy(&whole, &before); /* and check/saved does not know it */
        is_foreign = false;
    }
    saved_damaged();
    return damage;
}

void state_files_obstruct(enum state_obstacle how)
{
    obstacle = how;
}

enum state_obstacle state_files_obstacle(void)
{
    return obstacle;
}
