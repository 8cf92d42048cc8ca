/* Reports into files. */
#include "load/report/report_files.h"

#include "load/report/report_hdr.h"
#include "load/report/report_html.h"
#include "load/report/report_json.h"
#include "os/file/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef int report(FILE *out, const struct load_result *result);

static void complain_of(const char *path, const char *why, char error[REPORT_FILES_ERROR_BYTES])
{
    snprintf(error, REPORT_FILES_ERROR_BYTES, "cannot write %.300s: %s; name another file", path,
             why);
}

static int give_up(struct report_files *outputs, int failed)
{
    report_files_discard(outputs);
    return failed;
}

static bool is_standard(const char *path)
{
    return strcmp(path, LOAD_STANDARD_OUTPUT) == 0;
}

/* Whether an earlier one would take the same place. */
static bool is_taken(const struct report_files *outputs, int i)
{
    for (int k = 0; k < i; k++)
        if (outputs->drafts[k].out && atomic_file_same(&outputs->drafts[k], &outputs->drafts[i]))
            return true;
    return false;
}

int report_files_open(struct report_files *outputs, const struct load_options *options,
                      char error[REPORT_FILES_ERROR_BYTES])
{
    *outputs = (struct report_files){.paths = {options->json, options->hdr, options->html}};
    for (int i = 0; i < REPORT_FILES_COUNT; i++) {
        const char *path = outputs->paths[i];
        if (!path || is_standard(path))
            continue;
        int failed = atomic_file_open(&outputs->drafts[i], path);
        bool taken = !failed && is_taken(outputs, i);
        if (failed)
            complain_of(path, strerror(-failed), error);
        else if (taken)
            complain_of(path, "another report goes there", error);
        if (failed || taken)
            return give_up(outputs, failed ? failed : -EEXIST);
    }
    return 0;
}

/* Writes one report. 0 or -errno. */
static int write_one(struct report_files *outputs, int i, const struct load_result *result)
{
    static report *const reports[REPORT_FILES_COUNT] = {report_json, report_hdr, report_html};
    struct atomic_file *draft = &outputs->drafts[i];
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

int report_files_write(struct report_files *outputs, const struct load_result *result,
                       enum report_files_kind kind, char error[REPORT_FILES_ERROR_BYTES])
{
    int first = 0;
    for (int i = 0; i < REPORT_FILES_COUNT; i++) {
        const char *path = outputs->paths[i];
        if (!path)
            continue;
        bool waits = is_standard(path) ? !file_is_regular(STDOUT_FILENO)
                                       : atomic_file_may_wait(&outputs->drafts[i]);
        bool written = !is_standard(path) && !outputs->drafts[i].out;
        if (written || waits != (kind == REPORT_FILES_THAT_WAIT))
            continue;
        int failed = write_one(outputs, i, result);
        if (failed && !first)
            complain_of(path, strerror(-failed), error);
        first = first ? first : failed;
    }
    return first;
}

void report_files_discard(struct report_files *outputs)
{
    for (int i = 0; i < REPORT_FILES_COUNT; i++)
        atomic_file_discard(&outputs->drafts[i]);
}

bool report_files_have_files(const struct report_files *outputs)
{
    for (int i = 0; i < REPORT_FILES_COUNT; i++)
        if (outputs->drafts[i].out)
            return true;
    return false;
}
