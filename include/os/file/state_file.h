#ifndef OS_FILE_STATE_FILE_H
#define OS_FILE_STATE_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Reading the state file of the server at its start, and keeping one aside that cannot be used. Its
 * contents are for state/state_contents. Called in the main thread, which it blocks. */

/* What is added to the path of a file that is kept aside. */
#define STATE_FILE_ASIDE ".bad"

/* Why a file was not read, and what to do about it: the WHY and NEXT of a message. */
struct state_file_fault {
    const char *why, *next;
};

/* Reads a whole file. It is refused unless it is a regular file of this process's effective user or
 * of root that only its owner can write: who can write it decides who is registered. Both are
 * checked on the open file, so that it cannot be replaced in between; a symbolic link is refused.
 * The caller frees *bytes. Returns 0; -ENOENT if there is no file, which is no fault; or another
 * -errno and sets *fault, whose strings stay valid until the next call. */
int state_file_read(const char *path, uint8_t **bytes, size_t *size,
                    struct state_file_fault *fault);

/* Renames a file to its path with STATE_FILE_ASIDE, and replaces the one of that name. A directory,
 * pipe or device stays where it is, since others use it: -EISDIR or -EINVAL. Returns 0 or -errno.
 */
int state_file_keep_aside(const char *path);

#endif
