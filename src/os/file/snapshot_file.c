#include "os/file/snapshot_file.h"

#include "os/file/atomic_file.h"
#include "os/loop/event_loop.h"
#include "os/loop/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

struct snapshot_file {
    const char *path;
    struct mailbox *owner, *mailbox;
    struct loop *loop;
    struct thread *thread;
    struct atomic_file draft; /* used by the thread, or after its end */
    struct mailbox_message end;
};

/* ---- steps ---- */

/* A pipe would wait for its reader, and a device would be overwritten. */
static int check_target(const char *path)
{
    struct stat found;
    if (stat(path, &found) != 0 || S_ISREG(found.st_mode))
        return 0;
    return S_ISDIR(found.st_mode) ? -EISDIR : -EINVAL;
}

static int begin(struct snapshot_file *file)
{
    atomic_file_discard(&file->draft);
    int error = check_target(file->path);
    if (error == 0)
        error = atomic_file_open(&file->draft, file->path);
    if (error == 0 && fchmod(fileno(file->draft.out), S_IRUSR | S_IWUSR) != 0)
        error = -errno;
    return error;
}

static int add(struct snapshot_file *file, const void *bytes, size_t size)
{
    errno = 0;
    if (fwrite(bytes, 1, size, file->draft.out) == size)
        return 0;
    return errno != 0 ? -errno : -EIO;
}

int snapshot_file_do(struct snapshot_file *file, enum snapshot_step step, const void *bytes,
                     size_t size)
{
    int error = 0;
    if (step == SNAPSHOT_BEGIN)
        error = begin(file);
    else if (step != SNAPSHOT_DISCARD && file->draft.out == NULL)
        return -EBADF;
    else if (step == SNAPSHOT_ADD)
        error = add(file, bytes, size);
    else if (step == SNAPSHOT_COMMIT)
        return atomic_file_commit(&file->draft);
    if (error != 0 || step == SNAPSHOT_DISCARD)
        atomic_file_discard(&file->draft);
    return error;
}

/* ---- the thread ---- */

static void handle_done(struct mailbox_message *message)
{
    struct snapshot_write *write = (struct snapshot_write *)message;
    write->done(write);
}

static void handle_step(struct mailbox_message *message)
{
    struct snapshot_write *write = (struct snapshot_write *)message;
    write->error = snapshot_file_do(write->file, write->step, write->bytes, write->size);
    write->message.handle = handle_done;
    mailbox_post(write->file->owner, &write->message);
}

void snapshot_file_post(struct snapshot_file *file, struct snapshot_write *write)
{
    write->file = file;
    write->message.handle = handle_step;
    mailbox_post(file->mailbox, &write->message);
}

static void run(void *state)
{
    struct snapshot_file *file = state;
    loop_run_until_stopped(file->loop);
    atomic_file_discard(&file->draft);
}

static void handle_end(struct mailbox_message *message)
{
    struct snapshot_file *file =
        (struct snapshot_file *)((char *)message - offsetof(struct snapshot_file, end));
    loop_stop(file->loop);
}

/* ---- start and stop ---- */

int snapshot_file_new(struct snapshot_file **file, const char *path, struct mailbox *owner)
{
    struct snapshot_file *made = *file = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->path = path;
    made->owner = owner;
    made->loop = loop_new();
    if (made->loop != NULL)
        made->mailbox = mailbox_new(made->loop);
    if (made->mailbox != NULL)
        made->thread = thread_start("state", run, made);
    return made->thread != NULL ? 0 : -errno;
}

void snapshot_file_stop(struct snapshot_file *file)
{
    if (file == NULL || file->thread == NULL)
        return;
    file->end.handle = handle_end;
    mailbox_post(file->mailbox, &file->end);
    thread_join(file->thread);
    file->thread = NULL;
}

void snapshot_file_free(struct snapshot_file *file)
{
    if (file == NULL)
        return;
    snapshot_file_stop(file);
    mailbox_free(file->mailbox);
    loop_free(file->loop);
    free(file);
}
