/* os/file/journal_file: the journal of publish streams, in memory. */
#include "sim/os/journal_files.h"

#include "os/file/journal_file.h"
#include "sim/check/published.h"
#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/os/processes.h"
#include "sim/os/state_files.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 1 << 17 };

struct contents {
    uint8_t bytes[BYTES_MAX];
    size_t size;
    bool exists;
};

static struct contents whole, before; /* the file, and what it was before the last rename */
static size_t synced;                 /* bytes of it that are on the disk */
static bool is_unsynced;              /* a power failure may undo the last rename */

struct journal_file {
    struct mailbox *owner;
    struct journal_write *pending; /* the step that the thread does; NULL: none */
    uint64_t pending_ns;
    bool has_file; /* it has put the file at the path */
    int process;
};

static struct journal_file *files[PROCESSES_MAX]; /* NULL: none */

/* ---- reading ---- */

bool journal_files_is_path(const char *path)
{
    size_t size = strlen(path), suffix = strlen(JOURNAL_FILE_SUFFIX);
    return size > suffix && strcmp(path + size - suffix, JOURNAL_FILE_SUFFIX) == 0;
}

int journal_files_open(struct state_file_reader *reader, struct state_file_fault *fault)
{
    int error = faults_refuse_disk();
    *reader = (struct state_file_reader){.descriptor = -1, .size = whole.size};
    *fault = (struct state_file_fault){.why = "the file cannot be read", .next = "try again"};
    if (!whole.exists)
        return -ENOENT;
    if (error != 0) {
        published_forgotten();
        return error;
    }
    reader->descriptor = JOURNAL_DESCRIPTOR;
    return 0;
}

int journal_files_read(uint64_t offset, void *bytes, size_t size)
{
    int error = faults_refuse_disk();
    if (offset + size > whole.size)
        broken_promise("a journal is read within its size", "%zu bytes of %zu", size, whole.size);
    if (error != 0)
        published_forgotten();
    else if (size > 0)
        memcpy(bytes, whole.bytes + offset, size);
    return error;
}

int journal_files_keep_aside(void)
{
    int error = faults_refuse_disk();
    if (!published_is_forgotten())
        broken_promise("a whole journal is used", "it is kept aside");
    whole.exists &= error != 0;
    return error;
}

/* ---- steps ---- */

static void append(const void *bytes, size_t size)
{
    if (whole.size + size > BYTES_MAX)
        broken_promise("a journal is bounded", "it has %zu bytes", whole.size + size);
    memcpy(whole.bytes + whole.size, bytes, size);
    whole.size += size;
}

static void replace(const struct journal_write *write, bool is_synced)
{
    before = whole;
    whole.size = 0;
    append(write->bytes, write->size);
    whole.exists = true;
    synced = whole.size;
    is_unsynced = !is_synced;
}

/* An error may follow when it is done, or when a part of it is. */
static void do_step(struct journal_file *file, const struct journal_write *write, int error)
{
    bool is_done = error == 0 || draw_below(DRAW_PUBLISH, 2) == 0;
    if (write->step == JOURNAL_REPLACE && is_done)
        replace(write, error == 0);
    else if (write->step == JOURNAL_APPEND && file->has_file)
        append(write->bytes, error == 0 ? write->size : draw_below(DRAW_PUBLISH, write->size + 1));
    file->has_file = error == 0;
}

static void handle_done(struct mailbox_message *message)
{
    struct journal_write *write = (struct journal_write *)message;
    write->done(write);
}

static void end_step(void *state)
{
    struct journal_file *file = state;
    struct journal_write *write = file->pending;
    int error = faults_refuse_disk();
    if (write->step == JOURNAL_APPEND && !file->has_file)
        error = -EBADF;
    if (error == -EBADF)
        broken_promise("a journal is replaced before it is appended to", "it is not");
    file->pending = NULL;
    state_files_step_ended(file->pending_ns);
    trace(TRACE_JOURNAL, write->step, (uint64_t)(int64_t)error, write->size, 0);
    if (!broken_is("journal-lost"))
        do_step(file, write, error);
    else
        file->has_file = true;
    write->error = error;
    write->message.handle = handle_done;
    mailbox_post(file->owner, &write->message);
}

/* ---- the interface ---- */

int journal_file_new(struct journal_file **file, const char *state_path)
{
    struct journal_file *made = *file = faults_refuse_memory() ? NULL : calloc(1, sizeof *made);
    (void)state_path;
    if (made == NULL)
        return -ENOMEM;
    made->process = scheduler_process();
    files[made->process] = made;
    return 0;
}

const char *journal_file_path(const struct journal_file *file)
{
    (void)file;
    return "/state" JOURNAL_FILE_SUFFIX;
}

int journal_file_start(struct journal_file *file, struct mailbox *owner)
{
    file->owner = owner;
    return faults_refuse_memory() ? -ENOMEM : 0;
}

void journal_file_post(struct journal_file *file, struct journal_write *write)
{
    if (file->pending != NULL)
        broken_promise("one step of the journal is done at a time", "step %d comes during %d",
                       (int)write->step, (int)file->pending->step);
    write->file = file;
    file->pending = write;
    file->pending_ns = state_files_step_begun();
    event_queue_add(file->pending_ns, end_step, file);
}

static bool has_no_step(const void *state)
{
    return ((const struct journal_file *)state)->pending == NULL;
}

void journal_file_stop(struct journal_file *file)
{
    if (file != NULL && file->pending != NULL)
        scheduler_wait(has_no_step, file);
}

void journal_file_free(struct journal_file *file)
{
    if (file == NULL)
        return;
    journal_file_stop(file);
    files[file->process] = NULL;
    free(file);
}

/* ---- what happens to the file ---- */

bool journal_files_are_closed(int process)
{
    return files[process] == NULL;
}

void journal_files_process_ended(int process)
{
    struct journal_file *file = files[process];
    if (file == NULL)
        return;
    event_queue_remove(file);
    if (file->pending != NULL) {
        state_files_step_ended(file->pending_ns);
        if (draw_below(DRAW_PUBLISH, 2) == 0)
            do_step(file, file->pending, -EINTR);
    }
    free(file);
    files[process] = NULL;
}

void journal_files_power_failure(void)
{
    published_power_failure();
    if (is_unsynced && draw_below(DRAW_PUBLISH, 2) == 0) {
        whole = before;
        synced = whole.size; /* it is older than what was appended */
    }
    is_unsynced = false;
    if (whole.size > synced)
        whole.size = synced + draw_below(DRAW_PUBLISH, whole.size - synced + 1);
}
