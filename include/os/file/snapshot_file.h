#ifndef OS_FILE_SNAPSHOT_FILE_H
#define OS_FILE_SNAPSHOT_FILE_H

#include "os/loop/mailbox.h"

#include <stddef.h>
#include <stdint.h>

/* Writing the state file while the server runs: by a thread of its own, since a disk may make a
 * write wait for seconds. The new file is written beside the old one, written to the disk and then
 * renamed (os/file/atomic_file), so that one of the two is always whole. Its mode is 0600.
 * Anything else of that name than a regular file is an error: -EISDIR or -EINVAL.
 *
 * One step is done at a time; its memory belongs to the thread until it is posted back. */
struct snapshot_file;

enum snapshot_step {
    SNAPSHOT_BEGIN, /* opens a new file; one that was begun is discarded */
    SNAPSHOT_ADD,   /* adds bytes to it */
    SNAPSHOT_COMMIT,
    SNAPSHOT_DISCARD,
};

struct snapshot_write {
    struct mailbox_message message; /* first; used by the mailboxes */
    enum snapshot_step step;
    const void *bytes; /* of SNAPSHOT_ADD */
    size_t size;
    int error; /* 0 or -errno; after an error the new file is discarded. -EBADF: there is none */
    /* Called in the thread of the owner. */
    void (*done)(struct snapshot_write *write);
    struct snapshot_file *file; /* set by snapshot_file_post */
};

/* Starts the thread, "state". The caller keeps path. Steps are posted back to the owner's mailbox.
 * Returns 0 or -errno. */
int snapshot_file_new(struct snapshot_file **file, const char *path, struct mailbox *owner);

/* Has the thread do a step. */
void snapshot_file_post(struct snapshot_file *file, struct snapshot_write *write);

/* Waits for the step that the thread does, if any, posts it back, and ends the thread; what was
 * begun is discarded. NULL is ignored. Afterwards snapshot_file_do may be called. */
void snapshot_file_stop(struct snapshot_file *file);

/* Does a step in the calling thread, after snapshot_file_stop. Returns 0 or -errno. */
int snapshot_file_do(struct snapshot_file *file, enum snapshot_step step, const void *bytes,
                     size_t size);

/* Frees it, after snapshot_file_stop. NULL is ignored. */
void snapshot_file_free(struct snapshot_file *file);

#endif
