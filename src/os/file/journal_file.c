#include "os/file/journal_file.h"

#include "os/loop/event_loop.h"
#include "os/loop/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct journal_file {
    char path[PATH_MAX], draft_path[PATH_MAX];
    int descriptor; /* of the file that was put at the path; -1: none */
    struct mailbox *owner, *mailbox;
    struct loop *loop;
    struct thread *thread;
    struct mailbox_message end;
};

/* ---- steps ---- */

static void close_file(struct journal_file *file)
{
    if (file->descriptor >= 0)
        close(file->descriptor);
    file->descriptor = -1;
}

static int open_draft(const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

static int write_all(int descriptor, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(descriptor, bytes, size);
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

/* Writes the draft that is open, and puts it at the path. */
static int put_draft(struct journal_file *file, const struct journal_write *write)
{
    int error = write_all(file->descriptor, write->bytes, write->size);
    if (error == 0 && fsync(file->descriptor) != 0)
        error = -errno;
    if (error == 0 && rename(file->draft_path, file->path) != 0)
        error = -errno;
    if (error != 0)
        unlink(file->draft_path);
    return error == 0 ? sync_directory(file->path) : error;
}

/* A draft that exists is what a crash has left: the process has the lock of the state file. */
static int replace(struct journal_file *file, const struct journal_write *write)
{
    close_file(file);
    file->descriptor = open_draft(file->draft_path);
    if (file->descriptor < 0 && errno == EEXIST && unlink(file->draft_path) == 0)
        file->descriptor = open_draft(file->draft_path);
    return file->descriptor >= 0 ? put_draft(file, write) : -errno;
}

static int append(struct journal_file *file, const struct journal_write *write)
{
    return file->descriptor >= 0 ? write_all(file->descriptor, write->bytes, write->size) : -EBADF;
}

/* ---- the thread ---- */

static void handle_done(struct mailbox_message *message)
{
    struct journal_write *write = (struct journal_write *)message;
    write->done(write);
}

static void handle_step(struct mailbox_message *message)
{
    struct journal_write *write = (struct journal_write *)message;
    struct journal_file *file = write->file;
    write->error = write->step == JOURNAL_REPLACE ? replace(file, write) : append(file, write);
    if (write->error != 0)
        close_file(file);
    write->message.handle = handle_done;
    mailbox_post(file->owner, &write->message);
}

void journal_file_post(struct journal_file *file, struct journal_write *write)
{
    write->file = file;
    write->message.handle = handle_step;
    mailbox_post(file->mailbox, &write->message);
}

static void run(void *state)
{
    struct journal_file *file = state;
    loop_run_until_stopped(file->loop);
}

static void handle_end(struct mailbox_message *message)
{
    struct journal_file *file =
        (struct journal_file *)((char *)message - offsetof(struct journal_file, end));
    loop_stop(file->loop);
}

/* ---- start and stop ---- */

int journal_file_new(struct journal_file **file, const char *state_path)
{
    struct journal_file *made = *file = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->descriptor = -1;
    if (snprintf(made->path, sizeof made->path, "%s" JOURNAL_FILE_SUFFIX, state_path) <
            (int)sizeof made->path &&
        snprintf(made->draft_path, sizeof made->draft_path, "%s" JOURNAL_FILE_DRAFT, made->path) <
            (int)sizeof made->draft_path)
        return 0;
    free(made);
    *file = NULL;
    return -ENAMETOOLONG;
}

const char *journal_file_path(const struct journal_file *file)
{
    return file->path;
}

int journal_file_start(struct journal_file *file, struct mailbox *owner)
{
    file->owner = owner;
    file->loop = loop_new();
    if (file->loop != NULL)
        file->mailbox = mailbox_new(file->loop);
    if (file->mailbox != NULL)
        file->thread = thread_start("journal", run, file);
    return file->thread != NULL ? 0 : -errno;
}

void journal_file_stop(struct journal_file *file)
{
    if (file == NULL || file->thread == NULL)
        return;
    file->end.handle = handle_end;
    mailbox_post(file->mailbox, &file->end);
    thread_join(file->thread);
    file->thread = NULL;
}

void journal_file_free(struct journal_file *file)
{
    if (file == NULL)
        return;
    journal_file_stop(file);
    mailbox_free(file->mailbox);
    loop_free(file->loop);
    close_file(file);
    free(file);
}
