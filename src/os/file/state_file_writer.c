#include "os/file/state_file_writer.h"

#include "os/loop/event_loop.h"
#include "os/loop/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct state_file_writer {
    const char *path;
    char draft_path[PATH_MAX];
    atomic_int lock; /* descriptors; -1: not open. The main thread may hand it over */
    int draft;
    struct mailbox *owner, *mailbox;
    struct loop *loop;
    struct thread *thread;
    struct mailbox_message end;
};

/* ---- steps ---- */

static void discard(struct state_file_writer *writer)
{
    if (writer->draft < 0)
        return;
    close(writer->draft);
    unlink(writer->draft_path);
    writer->draft = -1;
}

static int open_new(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

static int take_lock(struct state_file_writer *writer)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s" STATE_FILE_LOCK, writer->path) >= (int)sizeof path)
        return -ENAMETOOLONG;
    int lock =
        open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (lock < 0)
        return -errno;
    int error = flock(lock, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
    if (error == 0)
        writer->lock = lock;
    else
        close(lock);
    return error;
}

/* A draft that exists is what a crash has left: only the process that has the lock makes one. */
static int begin(struct state_file_writer *writer)
{
    discard(writer);
    int error = writer->lock < 0 ? take_lock(writer) : 0;
    if (error != 0)
        return error;
    writer->draft = open_new(writer->draft_path);
    if (writer->draft < 0 && errno == EEXIST && unlink(writer->draft_path) == 0)
        writer->draft = open_new(writer->draft_path);
    return writer->draft >= 0 ? 0 : -errno;
}

static int add(struct state_file_writer *writer, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(writer->draft, bytes, size);
        if (put < 0 && errno != EINTR)
            return -errno;
        if (put > 0) {
            bytes += put;
            size -= (size_t)put;
        }
    }
    return 0;
}

/* Writes the directory to the disk, so that the new name is there after a power failure. */
static int sync_directory(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return -errno;
    int error = fsync(directory) == 0 || errno == EINVAL ? 0 : -errno;
    close(directory);
    return error;
}

static int commit(struct state_file_writer *writer)
{
    if (fsync(writer->draft) != 0 || rename(writer->draft_path, writer->path) != 0)
        return -errno;
    close(writer->draft);
    writer->draft = -1;
    return sync_directory(writer->path);
}

static int do_step(struct state_file_writer *writer, const struct state_file_write *write)
{
    int error = 0;
    if (write->step == STATE_FILE_BEGIN)
        error = begin(writer);
    else if (write->step == STATE_FILE_ADD)
        error = add(writer, write->bytes, write->size);
    else if (write->step == STATE_FILE_COMMIT)
        error = commit(writer);
    if (error != 0 || write->step == STATE_FILE_DISCARD)
        discard(writer);
    return error;
}

/* ---- the thread ---- */

static void handle_done(struct mailbox_message *message)
{
    struct state_file_write *write = (struct state_file_write *)message;
    write->done(write);
}

static void handle_step(struct mailbox_message *message)
{
    struct state_file_write *write = (struct state_file_write *)message;
    write->error = do_step(write->writer, write);
    write->message.handle = handle_done;
    mailbox_post(write->writer->owner, &write->message);
}

void state_file_writer_post(struct state_file_writer *writer, struct state_file_write *write)
{
    write->writer = writer;
    write->message.handle = handle_step;
    mailbox_post(writer->mailbox, &write->message);
}

static void run(void *state)
{
    struct state_file_writer *writer = state;
    loop_run_until_stopped(writer->loop);
    discard(writer);
}

static void handle_end(struct mailbox_message *message)
{
    struct state_file_writer *writer =
        (struct state_file_writer *)((char *)message - offsetof(struct state_file_writer, end));
    loop_stop(writer->loop);
}

/* ---- start and stop ---- */

void state_file_writer_close_lock(int lock)
{
    close(lock);
}

int state_file_writer_lock(const struct state_file_writer *writer)
{
    return writer->lock;
}

/* Makes a writer without the lock. */
static int make(struct state_file_writer **writer, const char *path)
{
    struct state_file_writer *made = *writer = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->path = path;
    made->lock = made->draft = -1;
    if (snprintf(made->draft_path, sizeof made->draft_path, "%s" STATE_FILE_DRAFT, path) >=
        (int)sizeof made->draft_path)
        return -ENAMETOOLONG;
    return 0;
}

int state_file_writer_new(struct state_file_writer **writer, const char *path)
{
    int error = make(writer, path);
    return error == 0 ? take_lock(*writer) : error;
}

int state_file_writer_new_locked(struct state_file_writer **writer, const char *path, int lock)
{
    int error = make(writer, path);
    if (*writer != NULL)
        (*writer)->lock = lock;
    else
        close(lock);
    return error;
}

int state_file_writer_check(struct state_file_writer *writer)
{
    int error = begin(writer);
    discard(writer);
    return error;
}

int state_file_writer_start(struct state_file_writer *writer, struct mailbox *owner)
{
    writer->owner = owner;
    writer->loop = loop_new();
    if (writer->loop != NULL)
        writer->mailbox = mailbox_new(writer->loop);
    if (writer->mailbox != NULL)
        writer->thread = thread_start("state", run, writer);
    return writer->thread != NULL ? 0 : -errno;
}

void state_file_writer_stop(struct state_file_writer *writer)
{
    if (writer == NULL || writer->thread == NULL)
        return;
    writer->end.handle = handle_end;
    mailbox_post(writer->mailbox, &writer->end);
    thread_join(writer->thread);
    writer->thread = NULL;
}

void state_file_writer_free(struct state_file_writer *writer)
{
    if (writer == NULL)
        return;
    state_file_writer_stop(writer);
    mailbox_free(writer->mailbox);
    loop_free(writer->loop);
    if (writer->lock >= 0)
        close(writer->lock);
    free(writer);
}
