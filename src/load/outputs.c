/* Reports into files. */
#include "load/outputs.h"

#include "load/report_hdr.h"
#include "load/report_html.h"
#include "load/report_json.h"

#include <stdio.h>
#include <string.h>

static int complain(struct outputs *outputs, const char *path, int failed,
                    char error[OUTPUTS_ERROR_BYTES])
{
    snprintf(error, OUTPUTS_ERROR_BYTES, "cannot write %s: %s; name another file", path,
             strerror(-failed));
    outputs_discard(outputs);
    return failed;
}

int outputs_open(struct outputs *outputs, const struct load_options *options,
                 char error[OUTPUTS_ERROR_BYTES])
{
    const char *const paths[OUTPUTS_COUNT] = {options->json, options->hdr, options->html};
    *outputs = (struct outputs){0};
    for (int i = 0; i < OUTPUTS_COUNT; i++) {
        int failed = paths[i] ? file_draft_open(&outputs->drafts[i], paths[i]) : 0;
        if (failed)
            return complain(outputs, paths[i], failed, error);
    }
    return 0;
}

int outputs_write(struct outputs *outputs, const struct load_result *result,
                  char error[OUTPUTS_ERROR_BYTES])
{
    static int (*const reports[OUTPUTS_COUNT])(FILE * out, const struct load_result *result) = {
        report_json, report_hdr, report_html};
    for (int i = 0; i < OUTPUTS_COUNT; i++) {
        struct file_draft *draft = &outputs->drafts[i];
        const char *path = draft->path;
        int failed = draft->out ? reports[i](draft->out, result) : 0;
        if (!failed && draft->out)
            failed = file_draft_keep(draft);
        if (failed)
            return complain(outputs, path, failed, error);
    }
    return 0;
}

void outputs_discard(struct outputs *outputs)
{
    for (int i = 0; i < OUTPUTS_COUNT; i++)
        file_draft_discard(&outputs->drafts[i]);
}
