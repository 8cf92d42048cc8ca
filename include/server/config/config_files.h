#ifndef SERVER_CONFIG_CONFIG_FILES_H
#define SERVER_CONFIG_CONFIG_FILES_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

/* Reads the configuration from its files, which may include others, and from the command line. */

enum {
    CONFIG_FILES_BYTES_MAX = 64 << 20, /* of one file */
    CONFIG_FILES_DEPTH_MAX = 16,       /* includes within includes */
    CONFIG_FILES_MAX = 1000, /* in total: files that each include two others would multiply */
};

/* A value from the command line, which overrides the files. */
struct config_files_override {
    const char *where;   /* the option, for error messages: "-l" */
    const char *section; /* it and the key exist */
    const char *key;
    const char *value; /* one item, without quoting */
};

struct config_files_result {
    struct config *config; /* NULL if there are errors; the caller may take it and leave NULL */
    char **errors;         /* "FILE:LINE:COLUMN: message", in the order of the files; a message
                              may have more, indented lines that can be pasted into a file */
    bool *located;         /* for each error: whether it begins with a file and a line */
    size_t error_count;
    char **files; /* that were read, in the order of opening; may contain a file twice */
    size_t file_count;
    bool once; /* the first file cannot be read again: it is a pipe, a terminal or a socket */
};

/* How the files are read. All zero: only regular files, without a way to cancel. */
struct config_files_mode {
    /* The first file may be a pipe, a terminal or a socket. It is read to its end, which may block
     * without a limit. Its include lines are relative to the working directory. */
    bool may_block;
    /* Called at least once for each CONFIG_FILES_CHECK_BYTES; true cancels the reading. May be
     * NULL.
     */
    bool (*is_cancelled)(const void *state);
    const void *state;
};
enum { CONFIG_FILES_CHECK_BYTES = 1 << 20 /* read in a few milliseconds */ };

/* Reads path (NULL: no file, only the built-in defaults) and the files that it includes. The path
 * of an include line is relative to the directory of the file that contains the line. Returns 0
 * with a configuration, -EINVAL with errors, or -ENOMEM with neither. The caller frees the result.
 */
int config_files_read(struct config_files_result *result, const char *path,
                      const struct config_files_override *overrides, size_t override_count);

/* As config_files_read, in that mode. Returns -ECANCELED, with neither, if it was cancelled. */
int config_files_read_in_mode(struct config_files_result *result, const char *path,
                              const struct config_files_override *overrides, size_t override_count,
                              const struct config_files_mode *mode);

/* Frees what the result owns, its configuration included. */
void config_files_free(struct config_files_result *result);

#endif
