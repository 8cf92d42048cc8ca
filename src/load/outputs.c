/* Reports into files. */
#include "load/outputs.h"

#include "load/report_hdr.h"
#include "load/report_html.h"
#include "load/report_json.h"
#include "net/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef int report(FILE *out, const struct load_result *result);

static void complain_of(const char *path, const char *why, char error[OUTPUTS_ERROR_BYTES])
{
    snprintf(error, OUTPUTS_ERROR_BYTES, "cannot write %.300s: %s; name another file", path, why);
}

static int give_up(struct outputs *outputs, int failed)
{
    outputs_discard(outputs);
    return failed;
}

static bool is_standard(const char *path)
{
    return strcmp(path, LOAD_STANDARD_OUTPUT) == 0;
}

/* Whether an earlier one would take the same place. */
static bool is_taken(const struct outputs *outputs, int i)
{
    for (int k = 0; k < i; k++)
        if (outputs->drafts[k].out && file_draft_same(&outputs->drafts[k], &outputs->drafts[i]))
            return true;
    return false;
}

int outputs_open(struct outputs *outputs, const struct load_options *options,
                 char error[OUTPUTS_ERROR_BYTES])
{
    *outputs = (struct outputs){.paths = {options->json, options->hdr, options->html}};
    for (int i = 0; i < OUTPUTS_COUNT; i++) {
        const char *path = outputs->paths[i];
        if (!path || is_standard(path))
            continue;
        int failed = file_draft_open(&outputs->drafts[i], path);
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
static int write_one(struct outputs *outputs, int i, const struct load_result *result)
{
    static report *const reports[OUTPUTS_COUNT] = {report_json, report_hdr, report_html};
    struct file_draft *draft = &outputs->drafts[i];
    if (!draft->out) {
        reports[i](stdout, result);
        return 0;
    }
    int failed = reports[i](draft->out, result);
    if (!failed)
        return file_draft_keep(draft);
    file_draft_discard(draft);
    return failed;
}

int outputs_write(struct outputs *outputs, const struct load_result *result, enum outputs_kind kind,
                  char error[OUTPUTS_ERROR_BYTES])
{
    int first = 0;
    for (int i = 0; i < OUTPUTS_COUNT; i++) {
        const char *path = outputs->paths[i];
        if (!path)
            continue;
        bool waits = is_standard(path) ? !file_is_regular(STDOUT_FILENO)
                                       : file_draft_may_wait(&outputs->drafts[i]);
        bool written = !is_standard(path) && !outputs->drafts[i].out;
        if (written || waits != (kind == OUTPUTS_THAT_WAIT))
            continue;
        int failed = write_one(outputs, i, result);
        if (failed && !first)
            complain_of(path, strerror(-failed), error);
        first = first ? first : failed;
    }
    return first;
}

void outputs_discard(struct outputs *outputs)
{
    for (int i = 0; i < OUTPUTS_COUNT; i++)
        file_draft_discard(&outputs->drafts[i]);
}

bool outputs_have_files(const struct outputs *outputs)
{
    for (int i = 0; i < OUTPUTS_COUNT; i++)
        if (outputs->drafts[i].out)
            return true;
    return false;
}
