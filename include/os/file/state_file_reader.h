#ifndef OS_FILE_STATE_FILE_READER_H
#define OS_FILE_STATE_FILE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reading the state file of the server at its start, and keeping one aside that cannot be used.
 * What its bytes mean is for state/state_contents. Called in the main thread, which it blocks. */

/* What is added to the path of a file that is kept aside. */
#define STATE_FILE_ASIDE ".bad"

/* Why a file is not used, and what to do about it: the WHY and NEXT of a message. */
struct state_file_fault {
    const char *why, *next;
    bool is_foreign; /* it cannot be a state file, so it must be neither renamed nor replaced */
};

/* Checks what is at a path without opening it, since opening a device may do something. Returns 0
 * if that is a regular file or nothing, or cannot be known, and -EINVAL with a fault that
 * is_foreign if it cannot be a state file. Creates nothing. */
int state_file_check_kind(const char *path, struct state_file_fault *fault);

/* Returns 0 if this process can make files in the directory of a path, or -errno and sets *fault.
 * Creates nothing. */
int state_file_check_writable(const char *path, struct state_file_fault *fault);

/* Returns 0 if only this process's effective user and root can replace files in the directory of a
 * path, or that cannot be known; or -EPERM and sets *fault. A sticky directory counts as safe. */
int state_file_check_safe(const char *path, struct state_file_fault *fault);

struct state_file_reader {
    int descriptor; /* -1: it is not open */
    uint64_t size;
};

/* Opens a file. It is refused unless it is a regular file of this process's effective user or of
 * root that only its owner can write: who can write it decides who is registered. Both are checked
 * on the open file, so that it cannot be replaced in between; a symbolic link is refused. Returns
 * 0; -ENOENT if there is no file, which is no fault; or another -errno and sets *fault, whose
 * strings stay valid until the next call of this module. */
int state_file_reader_open(struct state_file_reader *reader, const char *path,
                           struct state_file_fault *fault);

/* Reads size bytes from that offset on. Returns 0 or -errno (-EIO: the file is shorter). */
int state_file_reader_read(const struct state_file_reader *reader, uint64_t offset, void *bytes,
                           size_t size);

void state_file_reader_close(struct state_file_reader *reader);

/* Renames a file to its path with STATE_FILE_ASIDE, and replaces a file of that name. Returns 0 or
 * -errno. */
int state_file_keep_aside(const char *path);

#endif
