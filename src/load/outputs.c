/* Reports into files. */
#include "load/outputs.h"

#include "load/report_hdr.h"
#include "load/report_html.h"
#include "load/report_json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef int report(FILE *out, const struct load_result *result);

static int complain(struct outputs *outputs, const char *path, const char *why, int failed,
                    char error[OUTPUTS_ERROR_BYTES])
{
    snprintf(error, OUTPUTS_ERROR_BYTES, "cannot write %.300s: %s; name another file", path, why);
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
    const char *place = outputs->drafts[i].place;
    for (int k = 0; k < i && place; k++)
        if (outputs->drafts[k].place && strcmp(outputs->drafts[k].place, place) == 0)
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
        if (failed)
            return complain(outputs, path, strerror(-failed), failed, error);
        if (is_taken(outputs, i))
            return complain(outputs, path, "another report goes there", -EEXIST, error);
    }
    return 0;
}

int outputs_write(struct outputs *outputs, const struct load_result *result,
                  char error[OUTPUTS_ERROR_BYTES])
{
    static report *const reports[OUTPUTS_COUNT] = {report_json, report_hdr, report_html};
    for (int i = 0; i < OUTPUTS_COUNT; i++) {
        const char *path = outputs->paths[i];
        struct file_draft *draft = &outputs->drafts[i];
        if (path && is_standard(path)) {
            reports[i](stdout, result);
            continue;
        }
        int failed = draft->out ? reports[i](draft->out, result) : 0;
        if (!failed && draft->out)
            failed = file_draft_keep(draft);
        if (failed)
            return complain(outputs, path, strerror(-failed), failed, error);
    }
    return 0;
}

void outputs_discard(struct outputs *outputs)
{
    for (int i = 0; i < OUTPUTS_COUNT; i++)
        file_draft_discard(&outputs->drafts[i]);
}
