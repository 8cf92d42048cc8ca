/* The whole of a measurement: from the name of a service to the report. */
#include "load/load_command.h"

#include "load/report/report_files.h"
#include "load/report/report_text.h"
#include "load/run/fanout.h"
#include "load/run/rate_search.h"
#include "load/target_lookup.h"
#include "os/file/file.h"
#include "os/log/error_message.h"
#include "os/loop/event_loop.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ERROR_BYTES = 600 };

static int fail(const char *error)
{
    print_error_text(error, NULL);
    return LOAD_FAILED;
}

/* Regular files first, while signals only wait: no report is lost by one. What may wait for a
 * reader comes after, and any signal ends that. The files don't depend on what becomes of standard
 * output, of which main says that it failed. */
static int report(struct report_files *outputs, const struct load_result *result,
                  const struct run_setting *setting)
{
    char error[REPORT_FILES_ERROR_BYTES];
    int status = LOAD_DONE;
    main_loop_hold(true);
    if (report_files_write(outputs, result, REPORT_FILES_REGULAR, error) != 0)
        status = fail(error);
    bool text = setting->options->text, waits = !file_is_regular(STDOUT_FILENO);
    if (text && !waits)
        report_text(stdout, result);
    main_loop_release(setting->stage, STDOUT_FILENO);
    if (text && waits)
        report_text(stdout, result);
    if (report_files_write(outputs, result, REPORT_FILES_THAT_WAIT, error) != 0)
        status = fail(error);
    if (status != LOAD_DONE || ferror(stdout))
        return LOAD_FAILED;
    if (!result->answered_enough)
        return LOAD_UNANSWERED;
    return result->kept_up ? LOAD_DONE : LOAD_NOT_KEPT_UP;
}

static int measure(const struct run_setting *setting, struct report_files *outputs)
{
    int (*const run)(const struct run_setting *, struct load_result *, char *) =
        setting->options->find_max ? rate_search_run
        : setting->options->fanout ? fanout_run
                                   : run_load;
    char error[RUN_ERROR_BYTES];
    struct load_result *result = calloc(1, sizeof *result);
    if (!result)
        return fail("cannot begin: memory is short; free some, or lower -c");
    int failed = run(setting, result, error);
    if (failed)
        main_loop_hurry(setting->stage, STDERR_FILENO);
    int status = failed ? fail(error) : report(outputs, result, setting);
    if (failed == -ENODATA)
        status = LOAD_UNANSWERED;
    load_result_free(result);
    free(result);
    return status;
}

static int measure_on_stage(const struct load_options *options, const struct addr *target,
                            struct report_files *outputs)
{
    char error[ERROR_BYTES];
    struct progress progress;
    struct main_loop stage;
    int failed = main_loop_open(&stage);
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
    main_loop_close(&stage);
    return status;
}

/* The files are opened while a signal still ends us: a pipe waits for its reader. Where there are
 * some, they are not lost when the reader of standard output goes away. */
int load_command_run(struct load_options *options)
{
    char error[TARGET_LOOKUP_ERROR_BYTES];
    struct addr target;
    struct report_files outputs;

    if (target_lookup_find(options, &target, error) != 0 ||
        report_files_open(&outputs, options, error) != 0)
        return fail(error);
    if (report_files_have_files(&outputs))
        loop_ignore_broken_pipes();
    int status = measure_on_stage(options, &target, &outputs);
    report_files_discard(&outputs);
    return status;
}
