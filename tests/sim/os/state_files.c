/* os/file/state_file and os/file/snapshot_file: the state file, in memory. */
#include "sim/os/state_files.h"

#include "os/file/snapshot_file.h"
#include "os/file/state_file.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct contents {
    uint8_t *bytes;
    size_t size;
};

static struct contents whole, aside; /* the state file, and the one that was kept aside */
static bool exists;

struct snapshot_file {
    struct mailbox *owner;
    struct contents draft;
    bool is_open;
};

/* ---- os/file/state_file ---- */

int state_file_read(const char *path, uint8_t **bytes, size_t *size, struct state_file_fault *fault)
{
    (void)path;
    if (!exists)
        return -ENOENT;
    int error = faults_refuse_file();
    *fault = (struct state_file_fault){"the file cannot be read", "try again"};
    if (error != 0)
        return error;
    *size = whole.size;
    *bytes = malloc(whole.size > 0 ? whole.size : 1);
    if (*bytes == NULL)
        return -ENOMEM;
    if (whole.size > 0)
        memcpy(*bytes, whole.bytes, whole.size);
    return 0;
}

int state_file_keep_aside(const char *path)
{
    (void)path;
    free(aside.bytes);
    aside = whole;
    whole = (struct contents){.size = 0};
    exists = false;
    return 0;
}

/* ---- os/file/snapshot_file ---- */

static int do_step(struct snapshot_file *file, enum snapshot_step step, const void *bytes,
                   size_t size)
{
    int error = faults_refuse_file();
    if (error != 0 || step == SNAPSHOT_BEGIN || step == SNAPSHOT_DISCARD) {
        free(file->draft.bytes);
        file->draft = (struct contents){.size = 0};
        file->is_open = step == SNAPSHOT_BEGIN && error == 0;
        return error;
    }
    if (step == SNAPSHOT_ADD) {
        file->draft.bytes = realloc(file->draft.bytes, file->draft.size + size);
        memcpy(file->draft.bytes + file->draft.size, bytes, size);
        file->draft.size += size;
        return 0;
    }
    free(whole.bytes);
    whole = file->draft;
    exists = true;
    file->draft = (struct contents){.size = 0};
    file->is_open = false;
    return 0;
}

int snapshot_file_new(struct snapshot_file **file, const char *path, struct mailbox *owner)
{
    (void)path;
    *file = faults_refuse_memory() ? NULL : calloc(1, sizeof **file);
    if (*file == NULL)
        return -ENOMEM;
    (*file)->owner = owner;
    return 0;
}

static void handle_done(struct mailbox_message *message)
{
    struct snapshot_write *write = (struct snapshot_write *)message;
    write->done(write);
}

void snapshot_file_post(struct snapshot_file *file, struct snapshot_write *write)
{
    write->file = file;
    write->error = do_step(file, write->step, write->bytes, write->size);
    write->message.handle = handle_done;
    mailbox_post(file->owner, &write->message);
}

void snapshot_file_stop(struct snapshot_file *file)
{
    (void)file;
}

int snapshot_file_do(struct snapshot_file *file, enum snapshot_step step, const void *bytes,
                     size_t size)
{
    return do_step(file, step, bytes, size);
}

void snapshot_file_free(struct snapshot_file *file)
{
    if (file == NULL)
        return;
    free(file->draft.bytes);
    free(file);
}
