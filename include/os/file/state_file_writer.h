#ifndef OS_FILE_STATE_FILE_WRITER_H
#define OS_FILE_STATE_FILE_WRITER_H

#include "os/loop/mailbox.h"

#include <stddef.h>
#include <stdint.h>

/* Writing the state file by a thread of its own, since a disk may make a write wait for seconds,
 * or, over a network, for ever.
 *
 * The new file is PATH with STATE_FILE_DRAFT added, of mode 0600. When it is whole it is written to
 * the disk, renamed to PATH, and the directory is written to the disk, too: so after a crash PATH
 * is the old file or the new one. A rename replaces what is at PATH, and never follows a link
 * there.
 *
 * os/file/atomic_file was weighed and rejected: it follows links, and where it cannot rename it
 * overwrites the old file in place, which suits a report that a user asked for, and loses both
 * versions of a state file in a crash.
 *
 * PATH with STATE_FILE_LOCK added is locked from the start to the end (flock(2)), so that no other
 * server writes the same file; it stays, empty. One step is done at a time; its memory belongs to
 * the thread until it is posted back. */
struct state_file_writer;

#define STATE_FILE_DRAFT ".new"
#define STATE_FILE_LOCK  ".lock"

enum state_file_step {
    STATE_FILE_BEGIN, /* opens a new file; one that was begun is discarded */
    STATE_FILE_ADD,   /* adds bytes to it */
    STATE_FILE_COMMIT,
    STATE_FILE_DISCARD,
};

struct state_file_write {
    struct mailbox_message message; /* first; used by the mailboxes */
    enum state_file_step step;
    const void *bytes; /* of STATE_FILE_ADD */
    size_t size;
    int error; /* 0 or -errno; after an error the new file is discarded */
    /* Called in the thread of the owner. */
    void (*done)(struct state_file_write *write);
    struct state_file_writer *writer; /* set by state_file_writer_post */
};

/* Takes the lock. Call it before the file is read. The caller keeps path. Returns 0; -ENOMEM;
 * -EWOULDBLOCK if another process has the lock; or another -errno, after which each
 * STATE_FILE_BEGIN tries to take it again. *writer is set unless it is -ENOMEM, where it is NULL.
 */
int state_file_writer_new(struct state_file_writer **writer, const char *path);

/* The same with the lock that another process has handed over, which is closed by
 * state_file_writer_free. Returns 0, -ENOMEM or -ENAMETOOLONG. */
int state_file_writer_new_locked(struct state_file_writer **writer, const char *path, int lock);

/* Returns the descriptor of the lock, for a process that goes on with it; -1 if there is none. */
int state_file_writer_lock(const struct state_file_writer *writer);

/* Closes a lock that was handed over and is not needed. */
void state_file_writer_close_lock(int lock);

/* Returns 0 if a new file can be made at this time, or -errno. Call it before the thread starts. */
int state_file_writer_check(struct state_file_writer *writer);

/* Starts the thread, "state". Steps are posted back to the owner's mailbox. Returns 0 or -errno. */
int state_file_writer_start(struct state_file_writer *writer, struct mailbox *owner);

/* Has the thread do a step. */
void state_file_writer_post(struct state_file_writer *writer, struct state_file_write *write);

/* Waits for the step that the thread does, if any, posts it back, and ends the thread; what was
 * begun is discarded. NULL is ignored. */
void state_file_writer_stop(struct state_file_writer *writer);

/* Releases the lock and frees the writer, after state_file_writer_stop and when the owner's mailbox
 * is empty. NULL is ignored. */
void state_file_writer_free(struct state_file_writer *writer);

#endif
