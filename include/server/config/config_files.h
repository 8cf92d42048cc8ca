#ifndef SERVER_CONFIG_CONFIG_FILES_H
#define SERVER_CONFIG_CONFIG_FILES_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

/* The configuration as files and the command line give it. */

enum {
    CONFIG_FILES_BYTES_MAX = 64 << 20, /* of one file */
    CONFIG_FILES_DEPTH_MAX = 16,       /* includes within includes */
    CONFIG_FILES_MAX = 1000,           /* in all, so that files that include twice can't multiply */
};

/* A value from the command line, which wins over files. */
struct config_files_override {
    const char *where;   /* the option, as complaints name it: "-l" */
    const char *section; /* a key that exists */
    const char *key;
    const char *value; /* one item, taken as it stands */
};

struct config_files_result {
    struct config *config; /* NULL if there are complaints; may be taken, leaving NULL */
    char **errors;         /* "FILE:LINE:COLUMN: what is wrong", in order; one may go on with
                                  indented lines that can be pasted into a file */
    bool *located;         /* beside each complaint: it begins with a file and a line of it */
    size_t error_count;
    char **files; /* that were read, as they were opened; one read twice stands there twice */
    size_t file_count;
    bool once; /* the first one can't be read again: it is a pipe, a terminal or a socket */
};

/* How it is read, other than at once and from files that can be read again. */
struct config_files_ways {
    /* The first file may be a pipe, a terminal or a socket: it is read to its end, however long
     * that takes. Its include lines are relative to the working directory. */
    bool waits;
    /* Asked at least once per CONFIG_FILES_ASK_BYTES; true ends the reading. NULL: nobody asks. */
    bool (*is_over)(const void *state);
    const void *state;
};
enum { CONFIG_FILES_ASK_BYTES = 1 << 20 /* a few milliseconds */ };

/* Reads path (NULL: no file, just the built-in defaults) and what it includes. Paths of include
 * lines are relative to the directory of the file that has them. Returns 0 with a configuration,
 * -EINVAL with complaints, or -ENOMEM with neither. */
int config_files_read(struct config_files_result *result, const char *path,
                      const struct config_files_override *overrides, size_t override_count);

/* As config_files_read, by these ways; -ECANCELED, with neither, if it was ended. */
int config_files_read_by(struct config_files_result *result, const char *path,
                         const struct config_files_override *overrides, size_t override_count,
                         const struct config_files_ways *ways);

void config_files_free(struct config_files_result *result);

#endif
