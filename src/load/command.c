/* The whole of a measurement: from the name of a service to the report. */
#include "load/command.h"

#include "load/address.h"
#include "load/fanout.h"
#include "load/findmax.h"
#include "load/outputs.h"
#include "load/report_text.h"
#include "net/complain.h"
#include "net/file.h"
#include "net/loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ERROR_BYTES = 600 };

static int fail(const char *error)
{
    complain_text(error, NULL);
    return LOAD_FAILED;
}

/* Regular files first, while signals only wait: no report is lost by one. What may wait for a
 * reader comes after, and any signal ends that. The files don't depend on what becomes of standard
 * output, of which main says that it failed. */
static int report(struct outputs *outputs, const struct load_result *result,
                  const struct run_setting *setting)
{
    char error[OUTPUTS_ERROR_BYTES];
    int status = LOAD_DONE;
    stage_hold(true);
    if (outputs_write(outputs, result, OUTPUTS_OF_FILES, error) != 0)
        status = fail(error);
    bool text = setting->options->text, waits = !file_is_regular(STDOUT_FILENO);
    if (text && !waits)
        report_text(stdout, result);
    stage_release(setting->stage, STDOUT_FILENO);
    if (text && waits)
        report_text(stdout, result);
    if (outputs_write(outputs, result, OUTPUTS_THAT_WAIT, error) != 0)
        status = fail(error);
    if (status != LOAD_DONE || ferror(stdout))
        return LOAD_FAILED;
    if (!result->answered_enough)
        return LOAD_UNANSWERED;
    return result->kept_up ? LOAD_DONE : LOAD_NOT_KEPT_UP;
}

static int measure(const struct run_setting *setting, struct outputs *outputs)
{
    int (*const run)(const struct run_setting *, struct load_result *, char *) =
        setting->options->find_max ? findmax_run
        : setting->options->fanout ? fanout_run
                                   : run_load;
    char error[RUN_ERROR_BYTES];
    struct load_result *result = calloc(1, sizeof *result);
    if (!result)
        return fail("cannot begin: memory is short; free some, or lower -c");
    int failed = run(setting, result, error);
    if (failed)
        stage_hurry(setting->stage, STDERR_FILENO);
    int status = failed ? fail(error) : report(outputs, result, setting);
    if (failed == -ENODATA)
        status = LOAD_UNANSWERED;
    load_result_free(result);
    free(result);
    return status;
}

static int measure_on_stage(const struct load_options *options, const struct addr *target,
                            struct outputs *outputs)
{
    char error[ERROR_BYTES];
    struct progress progress;
    struct stage stage;
    int failed = stage_open(&stage);
    if (failed) {
        snprintf(error, sizeof error,
                 "cannot begin: %s; free some memory or descriptors, or lower -c",
                 strerror(-failed));
        return fail(error);
    }
    const struct run_setting setting = {
        .options = options,
        .target = *target,
        .rate = options->rate,
        .stage = &stage,
        .progress = &progress,
    };
    progress_begin(&progress, options->interval_stated && options->text);
    int status = measure(&setting, outputs);
    stage_close(&stage);
    return status;
}

/* The files are opened while a signal still ends us: a pipe waits for its reader. Where there are
 * some, they are not lost when the reader of standard output goes away. */
int command_load(struct load_options *options)
{
    char error[ADDRESS_ERROR_BYTES];
    struct addr target;
    struct outputs outputs;

    if (address_find(options, &target, error) != 0 || outputs_open(&outputs, options, error) != 0)
        return fail(error);
    if (outputs_have_files(&outputs))
        loop_ignore_broken_pipes();
    int status = measure_on_stage(options, &target, &outputs);
    outputs_discard(&outputs);
    return status;
}
