#ifndef LOAD_OUTPUTS_H
#define LOAD_OUTPUTS_H

#include "load/options.h"
#include "load/result.h"
#include "net/file_draft.h"

#include <stdbool.h>

/* The files of a report: opened before the run, so that one that can't be written is said in time,
 * and in their places only when they are whole. */
enum { OUTPUTS_COUNT = 3, OUTPUTS_ERROR_BYTES = 512 };

struct outputs {
    const char *paths[OUTPUTS_COUNT]; /* NULL: not asked for */
    struct file_draft drafts[OUTPUTS_COUNT];
};

/* Opens what the options name. 0 or -errno, with nothing left open and a sentence in error. */
int outputs_open(struct outputs *outputs, const struct load_options *options,
                 char error[OUTPUTS_ERROR_BYTES]);

/* Regular files, and those that may wait for a reader; standard output is one of them. */
enum outputs_kind { OUTPUTS_OF_FILES, OUTPUTS_THAT_WAIT };

/* Writes those of a kind and puts them in their places, each whatever becomes of the others. 0 or
 * the first -errno, with a sentence in error. That of standard output tells by ferror(stdout)
 * alone.
 */
int outputs_write(struct outputs *outputs, const struct load_result *result, enum outputs_kind kind,
                  char error[OUTPUTS_ERROR_BYTES]);

/* Whether any goes to a file, rather than to standard output. */
bool outputs_have_files(const struct outputs *outputs);

/* Forgets those that are still open. */
void outputs_discard(struct outputs *outputs);

#endif
