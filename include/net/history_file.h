#ifndef NET_HISTORY_FILE_H
#define NET_HISTORY_FILE_H

#include "core/history.h"

#include <limits.h>

/* A history kept in a file, for its owner alone (0600), a line each. Any number of programs may use
 * it at once: each line is appended whole, under a lock, so that none is lost; a file that has
 * grown to twice what a history holds is replaced by its newest half, whole or not at all. */
struct history_file {
    char path[PATH_MAX];
    struct history *history; /* of the caller */
};

/* Reads name (such as "udpcli_history") in $XDG_STATE_HOME/udpsrv, or else in
 * $HOME/.local/state/udpsrv (XDG Base Directory Specification; a relative path there is ignored),
 * into history. Directories that are missing are made, 0700. 0 or -errno (-ENOENT: the environment
 * names no home), with an empty path then: the history works without a file. */
int history_file_open(struct history_file *file, const char *name, struct history *history);

/* Appends a line that history_add has taken. 0 or -errno; -EAGAIN: another program has held the
 * file for a second. Nothing happens without a path. */
int history_file_append(const struct history_file *file, const char *line, size_t size);

#endif
