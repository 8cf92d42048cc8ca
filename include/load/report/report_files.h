#ifndef LOAD_REPORT_REPORT_FILES_H
#define LOAD_REPORT_REPORT_FILES_H

#include "load/options.h"
#include "load/report/load_result.h"
#include "os/file/atomic_file.h"

#include <stdbool.h>

/* Writes the reports to the files of --json, --hdr and --html. They are opened before the run, so
 * that an error is reported early, and replace older files only when they are complete. */
enum { REPORT_FILES_COUNT = 3, REPORT_FILES_ERROR_BYTES = 512 };

struct report_files {
    const char *paths[REPORT_FILES_COUNT]; /* NULL: not requested */
    struct atomic_file drafts[REPORT_FILES_COUNT];
};

/* Opens the files that the options name. Returns 0, or -errno with nothing left open and a message
 * in error. */
int report_files_open(struct report_files *files, const struct load_options *options,
                      char error[REPORT_FILES_ERROR_BYTES]);

/* Regular files, and files that may wait for a reader (pipes). Standard output is of one kind or
 * the other. */
enum report_files_kind { REPORT_FILES_REGULAR, REPORT_FILES_BLOCKING };

/* Writes the files of a kind and puts them in place; an error of one does not affect the others.
 * Returns 0, or the first -errno with a message in error. Errors of standard output are reported
 * only by ferror(stdout). */
int report_files_write(struct report_files *files, const struct load_result *result,
                       enum report_files_kind kind, char error[REPORT_FILES_ERROR_BYTES]);

/* Returns whether any report is written to a file, not to standard output. */
bool report_files_has_files(const struct report_files *files);

/* Closes and removes the temporary files that are still open. */
void report_files_discard(struct report_files *files);

#endif
