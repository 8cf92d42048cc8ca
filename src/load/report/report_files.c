#include "load/report/report_files.h"

#include "load/report/page/report_html.h"
#include "load/report/report_hdr.h"
#include "load/report/report_json.h"
#include "os/file/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef int report_function(FILE *out, const struct load_result *result);

static void set_error(const char *path, const char *why, char error[REPORT_FILES_ERROR_BYTES])
{
    snprintf(error, REPORT_FILES_ERROR_BYTES, "cannot write %.300s: %s; name another file", path,
             why);
}

static int discard_all(struct report_files *files, int failed)
{
    report_files_discard(files);
    return failed;
}

static bool is_standard(const char *path)
{
    return strcmp(path, LOAD_STANDARD_OUTPUT) == 0;
}

/* Returns whether an earlier report has the same file. */
static bool is_taken(const struct report_files *files, int i)
{
    for (int k = 0; k < i; k++)
        if (files->drafts[k].out && atomic_file_same(&files->drafts[k], &files->drafts[i]))
            return true;
    return false;
}

int report_files_open(struct report_files *files, const struct load_options *options,
                      char error[REPORT_FILES_ERROR_BYTES])
{
    *files = (struct report_files){.paths = {options->json, options->hdr, options->html}};
    for (int i = 0; i < REPORT_FILES_COUNT; i++) {
        const char *path = files->paths[i];
        if (!path || is_standard(path))
            continue;
        int failed = atomic_file_open(&files->drafts[i], path);
        bool taken = !failed && is_taken(files, i);
        if (failed)
            set_error(path, strerror(-failed), error);
        else if (taken)
            set_error(path, "another report is written to it", error);
        if (failed || taken)
            return discard_all(files, failed ? failed : -EEXIST);
    }
    return 0;
}

/* Writes one report. Returns 0 or -errno. */
static int write_one(struct report_files *files, int i, const struct load_result *result)
{
    static report_function *const reports[REPORT_FILES_COUNT] = {report_json, report_hdr,
                                                                 report_html};
    struct atomic_file *draft = &files->drafts[i];
    if (!draft->out) {
        reports[i](stdout, result);
        return 0;
    }
    int failed = reports[i](draft->out, result);
    if (!failed)
        return atomic_file_commit(draft);
    atomic_file_discard(draft);
    return failed;
}

int report_files_write(struct report_files *files, const struct load_result *result,
                       enum report_files_kind kind, char error[REPORT_FILES_ERROR_BYTES])
{
    int first = 0;
    for (int i = 0; i < REPORT_FILES_COUNT; i++) {
        const char *path = files->paths[i];
        if (!path)
            continue;
        bool waits = is_standard(path) ? !file_is_regular(STDOUT_FILENO)
                                       : atomic_file_may_block(&files->drafts[i]);
        bool written = !is_standard(path) && !files->drafts[i].out;
        if (written || waits != (kind == REPORT_FILES_BLOCKING))
            continue;
        int failed = write_one(files, i, result);
        if (failed && !first)
            set_error(path, strerror(-failed), error);
        first = first ? first : failed;
    }
    return first;
}

void report_files_discard(struct report_files *files)
{
    for (int i = 0; i < REPORT_FILES_COUNT; i++)
        atomic_file_discard(&files->drafts[i]);
}

bool report_files_has_files(const struct report_files *files)
{
    for (int i = 0; i < REPORT_FILES_COUNT; i++)
        if (files->drafts[i].out)
            return true;
    return false;
}
