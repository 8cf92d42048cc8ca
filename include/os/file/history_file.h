#ifndef OS_FILE_HISTORY_FILE_H
#define OS_FILE_HISTORY_FILE_H

#include "terminal/history.h"

#include <limits.h>
#include <stdbool.h>

/* A history kept in a file, for its owner alone (0600), a line each. Any number of programs may use
 * it at once: each line is appended whole, under a lock, so that none is lost. A file that has
 * grown to HISTORY_FILE_BYTES_MAX is replaced by what a history holds of it, whole or not at all.
 */
struct history_file {
    char path[PATH_MAX];
    bool kept; /* or else it couldn't be opened, and nothing is written */
};

enum {
    HISTORY_FILE_BYTES_MAX = 2 * (HISTORY_BYTES_MAX + HISTORY_LINES_MAX), /* with newlines */
    HISTORY_FILE_WAIT_MS = 1000, /* for the lock, which is held for one write, or one replacement */
};

/* Finds name (such as "udpcli_history") in $XDG_STATE_HOME/udpsrv, or else in
 * $HOME/.local/state/udpsrv (XDG Base Directory Specification 0.8; a relative path there is
 * ignored), and reads it into history. Directories that are missing are made, 0700. 0 or -errno
 * (-ENOENT: the environment names no home; -EPERM: the file is somebody else's), with none kept
 * then. */
int history_file_open(struct history_file *file, const char *name, struct history *history);

/* Appends a line, unless it is none that a history takes. 0 or -errno (-EAGAIN: another program has
 * held the lock for HISTORY_FILE_WAIT_MS). Nothing happens where none is kept. */
int history_file_append(const struct history_file *file, const char *line, size_t size);

#endif
