#ifndef OS_FILE_ATOMIC_FILE_H
#define OS_FILE_ATOMIC_FILE_H

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
struct atomic_file {
    FILE *out;              /* NULL while not open */
    char *place;            /* without links, NULL if it is written as it is */
    char *beside;           /* the name meanwhile, NULL: none */
    bool from_memory;       /* it is in no directory, and is copied in the end */
    int existing;           /* what is at the place now, open for writing, + 1; 0: nothing */
    uint64_t device, inode; /* of it, 0: nothing, or a device that any number may write */
};

/* Opens a draft of path. 0 or -errno; nothing has been changed at path yet. Opening a pipe waits
 * for its reader. */
int atomic_file_open(struct atomic_file *draft, const char *path);
/* Whether both are to end at one place. */
bool atomic_file_same(const struct atomic_file *a, const struct atomic_file *b);
/* Whether writing may wait for a reader: it is no regular file. */
bool atomic_file_may_wait(const struct atomic_file *draft);
/* Puts it in its place, whole and on the disk. 0 or -errno, then as if discarded. */
int atomic_file_commit(struct atomic_file *draft);
/* Forgets it; nothing happens to one that isn't open. */
void atomic_file_discard(struct atomic_file *draft);

#endif
