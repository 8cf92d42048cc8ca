#ifndef LOAD_REPORT_REPORT_FILES_H
#define LOAD_REPORT_REPORT_FILES_H

#include "load/options.h"
#include "load/report/load_result.h"
#include "os/file/atomic_file.h"

#include <stdbool.h>

/* The files of a report: opened before the run, so that one that can't be written is said in time,
 * and in their places only when they are whole. */
enum { REPORT_FILES_COUNT = 3, REPORT_FILES_ERROR_BYTES = 512 };

struct report_files {
    const char *paths[REPORT_FILES_COUNT]; /* NULL: not asked for */
    struct atomic_file drafts[REPORT_FILES_COUNT];
};

/* Opens what the options name. 0 or -errno, with nothing left open and a sentence in error. */
int report_files_open(struct report_files *outputs, const struct load_options *options,
                      char error[REPORT_FILES_ERROR_BYTES]);

/* Regular files, and those that may wait for a reader; standard output is one of them. */
enum report_files_kind { REPORT_FILES_REGULAR, REPORT_FILES_THAT_WAIT };

/* Writes those of a kind and puts them in their places, each whatever becomes of the others. 0 or
 * the first -errno, with a sentence in error. That of standard output tells by ferror(stdout)
 * alone.
 */
int report_files_write(struct report_files *outputs, const struct load_result *result,
                       enum report_files_kind kind, char error[REPORT_FILES_ERROR_BYTES]);

/* Whether any goes to a file, rather than to standard output. */
bool report_files_have_files(const struct report_files *outputs);

/* Forgets those that are still open. */
void report_files_discard(struct report_files *outputs);

#endif
