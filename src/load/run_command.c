#include "load/run_command.h"

#include "load/report/report_files.h"
#include "load/report/report_text.h"
#include "load/run/fanout.h"
#include "load/run/find_max_run.h"
#include "load/run/result_verdict.h"
#include "load/target_lookup.h"
#include "os/file/file.h"
#include "os/log/error_message.h"
#include "os/loop/signals.h"

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

/* Writes the reports. Regular files are written first, while signals are deferred, so that no
 * signal loses them. Outputs that may wait for a reader follow, and any signal ends those. An error
 * of standard output does not affect the files; main reports it. */
static int report(struct report_files *files, const struct load_result *result,
                  const struct load_run_setting *setting)
{
    char error[REPORT_FILES_ERROR_BYTES];
    int status = LOAD_DONE;
    main_loop_defer_forced_exit(true);
    if (report_files_write(files, result, REPORT_FILES_REGULAR, error) != 0)
        status = fail(error);
    bool text = setting->options->text, waits = !file_is_regular(STDOUT_FILENO);
    if (text && !waits)
        report_text(stdout, result);
    main_loop_release_signals(setting->main_loop, STDOUT_FILENO);
    if (text && waits)
        report_text(stdout, result);
    if (report_files_write(files, result, REPORT_FILES_BLOCKING, error) != 0)
        status = fail(error);
    if (status != LOAD_DONE || ferror(stdout))
        return LOAD_FAILED;
    return result_verdict_exit_status(result);
}

static int measure(const struct load_run_setting *setting, struct report_files *files)
{
    int (*const run)(const struct load_run_setting *, struct load_result *, char *) =
        setting->options->find_max ? find_max_run
        : setting->options->fanout ? fanout_run
                                   : load_run_once;
    char error[LOAD_RUN_ERROR_BYTES];
    struct load_result *result = calloc(1, sizeof *result);
    if (!result)
        return fail("cannot begin: not enough memory; free some, or lower -c");
    int failed = run(setting, result, error);
    if (failed)
        main_loop_limit_output(setting->main_loop, STDERR_FILENO);
    int status = failed ? fail(error) : report(files, result, setting);
    if (failed == -ENODATA)
        status = LOAD_UNANSWERED;
    load_result_free(result);
    free(result);
    return status;
}

static int measure_in_main_loop(const struct load_options *options, const struct addr *target,
                                struct report_files *files)
{
    char error[ERROR_BYTES];
    struct progress_output progress;
    struct main_loop main_loop;
    int failed = main_loop_open(&main_loop);
    if (failed) {
        snprintf(error, sizeof error,
                 "cannot begin: %s; free some memory or descriptors, or lower -c",
                 strerror(-failed));
        return fail(error);
    }
    const struct load_run_setting setting = {
        .options = options,
        .target = *target,
        .rate = options->rate,
        .main_loop = &main_loop,
        .progress = &progress,
    };
    progress_output_init(&progress, options->interval_given && options->text);
    int status = measure(&setting, files);
    main_loop_close(&main_loop);
    return status;
}

/* The files are opened while a signal still ends the process, because opening a pipe waits for its
 * reader. If there are any, they are written even if the reader of standard output exits. */
int run_command(struct load_options *options)
{
    char error[TARGET_LOOKUP_ERROR_BYTES];
    struct addr target;
    struct report_files files;

    if (target_lookup_find(options, &target, error) != 0 ||
        report_files_open(&files, options, error) != 0)
        return fail(error);
    if (report_files_has_files(&files))
        loop_ignore_broken_pipes();
    int status = measure_in_main_loop(options, &target, &files);
    report_files_discard(&files);
    return status;
}
