#ifndef OS_FILE_ATOMIC_FILE_H
#define OS_FILE_ATOMIC_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Writes a file atomically: into a temporary file, which replaces the target when it is complete,
 * so that the previous contents are lost only then. Symbolic links are followed, also to a file
 * that does not exist yet.
 *
 * The target is replaced by a rename if that keeps its owner and its other hard links. Otherwise (a
 * directory that is not writable, a file that is a mount point, has hard links, or whose owner
 * can't be kept) the new contents wait in memory, and are copied over the file; the disk space is
 * reserved before the first byte is written. A target that is not a regular file (a pipe, a device,
 * a descriptor of this process by its name in /dev/fd or /proc/self/fd) is written directly; what
 * was written to such a descriptor before stays. */
struct atomic_file {
    FILE *out;              /* NULL while not open */
    char *target;           /* its path without links, NULL if it is written directly */
    char *temporary;        /* path of the temporary file, NULL: it has no name */
    bool from_memory;       /* it is a memfd, and is copied to the target on commit */
    int existing;           /* descriptor of the existing target + 1, open for writing; 0: none */
    uint64_t device, inode; /* of the target; 0: none, or a device, which several may write to */
};

/* Starts to write a new version of path, which does not change path yet. Opening a pipe waits for
 * its reader. Returns 0 or -errno. */
int atomic_file_open(struct atomic_file *file, const char *path);
/* Whether both have the same target. */
bool atomic_file_same(const struct atomic_file *a, const struct atomic_file *b);
/* Whether writing may block until a reader reads, since the target is not a regular file. */
bool atomic_file_may_block(const struct atomic_file *file);
/* Writes the new version to the disk, then replaces the target by it. Returns 0, or -errno, and
 * then the new version is discarded. */
int atomic_file_commit(struct atomic_file *file);
/* Discards the new version. Does nothing if it is not open. */
void atomic_file_discard(struct atomic_file *file);

#endif
