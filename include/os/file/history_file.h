#ifndef OS_FILE_HISTORY_FILE_H
#define OS_FILE_HISTORY_FILE_H

#include "terminal/history.h"

#include <limits.h>
#include <stdbool.h>

/* The history of a prompt, stored in a file with one line per entry and mode 0600. Several programs
 * may use the file at the same time: each line is appended completely, under a lock, so that none
 * is lost. A file of HISTORY_FILE_BYTES_MAX or more is replaced atomically by its newest lines, as
 * many as a history keeps. */
struct history_file {
    char path[PATH_MAX];
    bool kept; /* whether lines are written; false without a path, or if the file was not opened */
};

enum {
    HISTORY_FILE_BYTES_MAX = 2 * (HISTORY_BYTES_MAX + HISTORY_LINES_MAX), /* with newlines */
    HISTORY_FILE_WAIT_MS = 1000, /* for the lock, which is held for one write or one replacement */
};

/* Finds the file name (such as "udpcli_history") in $XDG_STATE_HOME/udpsrv, or else in
 * $HOME/.local/state/udpsrv (XDG Base Directory Specification 0.8; a relative path there is
 * ignored), and reads it into history. Missing directories are made with mode 0700. Returns 0, also
 * if neither variable is set (kept is then false: there is no history), or -errno with kept false
 * (-EPERM: the file belongs to another user). */
int history_file_open(struct history_file *file, const char *name, struct history *history);

/* Appends a line, if history_accepts it and kept is true. Returns 0, or -errno (-EAGAIN: another
 * program has held the lock for HISTORY_FILE_WAIT_MS). */
int history_file_append(const struct history_file *file, const char *line, size_t size);

#endif
