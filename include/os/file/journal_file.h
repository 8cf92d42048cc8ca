#ifndef OS_FILE_JOURNAL_FILE_H
#define OS_FILE_JOURNAL_FILE_H

#include "os/loop/mailbox.h"

#include <stddef.h>
#include <stdint.h>

/* A small file that is replaced as a whole and written to the disk, and to which records are
 * appended in between; written by a thread of its own, since a disk may make a write wait.
 *
 * To replace it, a new file is made (the path with JOURNAL_FILE_DRAFT added, of mode 0600), written
 * to the disk, and renamed, and the directory is written to the disk, too: after a crash or a power
 * failure the path is the old file or the new one. What is appended survives the end of the
 * process, but a power failure may lose it or a part of it.
 *
 * The thread of the state file (os/file/state_file_writer) was weighed and rejected: a record would
 * wait for the fsync of a state file, which takes seconds for millions of clients. The lock of the
 * state file is that of the journal, too. */
struct journal_file;

/* What is added to the path of the state file, and to that of the journal while it is written. */
#define JOURNAL_FILE_SUFFIX ".streams"
#define JOURNAL_FILE_DRAFT  ".new"

enum journal_step {
    JOURNAL_REPLACE, /* has these bytes from now on, on the disk */
    JOURNAL_APPEND,  /* adds bytes to the file that this process has put there: -EBADF if there is
                        none, also after a step that failed */
};

struct journal_write {
    struct mailbox_message message; /* first; used by the mailboxes */
    enum journal_step step;
    const void *bytes; /* the owner's, until done is called */
    size_t size;
    int error; /* 0 or -errno; after an error the file is the old one, the new one, or has a part of
                  what was to be appended */
    void (*done)(struct journal_write *write); /* called in the thread of the owner */
    struct journal_file *file;                 /* set by journal_file_post */
};

/* Makes a journal beside the state file of that path, and opens nothing. Returns 0, -ENOMEM or
 * -ENAMETOOLONG; *file is NULL after an error. */
int journal_file_new(struct journal_file **file, const char *state_path);

/* Returns the path. */
const char *journal_file_path(const struct journal_file *file);

/* Starts the thread, "journal". Steps are posted back to the owner's mailbox. Returns 0 or -errno.
 */
int journal_file_start(struct journal_file *file, struct mailbox *owner);

/* Has the thread do a step; one at a time. */
void journal_file_post(struct journal_file *file, struct journal_write *write);

/* Waits for the step that the thread does, if any, posts it back, and ends the thread. NULL is
 * ignored. */
void journal_file_stop(struct journal_file *file);

/* Frees it, after journal_file_stop and when the owner's mailbox is empty. NULL is ignored. */
void journal_file_free(struct journal_file *file);

#endif
