#ifndef NET_FILE_DRAFT_H
#define NET_FILE_DRAFT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A file that is written beside its place and put there when it is whole, so that what was there
 * before is lost only then. Symbolic links are followed, to a file that is missing, too.
 *
 * A draft replaces its place by a rename where that keeps the file's owner and its other names.
 * Else (a directory in which nothing may be made, a file that is a mount of its own, that has hard
 * links, or whose owner we cannot keep) it waits in memory, and the file is written over: room for
 * it is reserved before the first byte. What is no regular file (a pipe, a device, a descriptor of
 * ours by its name in /dev/fd or /proc/self/fd) is written as it is, and what a descriptor has
 * already written stays. */
struct file_draft {
    FILE *out;              /* NULL while not open */
    char *place;            /* without links, NULL if it is written as it is */
    char *beside;           /* the name meanwhile, NULL: none */
    bool from_memory;       /* it is in no directory, and is copied in the end */
    int existing;           /* what is at the place now, open for writing, + 1; 0: nothing */
    uint64_t device, inode; /* of it, 0: nothing, or a device that any number may write */
};

/* Opens a draft of path. 0 or -errno; nothing has been changed at path yet. Opening a pipe waits
 * for its reader. */
int file_draft_open(struct file_draft *draft, const char *path);
/* Whether both are to end at one place. */
bool file_draft_same(const struct file_draft *a, const struct file_draft *b);
/* Whether writing may wait for a reader: it is no regular file. */
bool file_draft_may_wait(const struct file_draft *draft);
/* Puts it in its place, whole and on the disk. 0 or -errno, then as if discarded. */
int file_draft_keep(struct file_draft *draft);
/* Forgets it; nothing happens to one that isn't open. */
void file_draft_discard(struct file_draft *draft);

#endif
