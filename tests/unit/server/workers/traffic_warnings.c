/* Which counters are logged as warnings when they rise, and how often. */
#include "server/workers/traffic_warnings.h"

#include "os/log/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(traffic_warnings, .timeout = 10);

static FILE *log_file;
static struct traffic_warnings warnings;
static struct stats stats;

static void capture_log(void)
{
    log_file = tmpfile();
    cr_assert_not_null(log_file);
    cr_assert_geq(dup2(fileno(log_file), STDERR_FILENO), 0);
    log_setup("test", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT, LOG_TARGET_STDERR);
}

/* Returns all that was logged since the last call. */
static const char *logged(void)
{
    static char text[8192];
    static off_t end;
    log_close();
    ssize_t size = pread(fileno(log_file), text, sizeof text - 1, end);
    cr_assert_geq(size, 0);
    end += size;
    text[size] = '\0';
    return text;
}

Test(traffic_warnings, logs_nothing_while_nothing_goes_wrong)
{
    capture_log();
    stats = (struct stats){.received = 10, .replied = 10, .joined = 3, .challenged = 4};
    traffic_warnings_check(&warnings, &stats, 1000);
    cr_assert_str_empty(logged());
}

Test(traffic_warnings, logs_a_rise_once_with_the_total_and_an_advice)
{
    capture_log();
    stats.refused_prefix = 7;
    traffic_warnings_check(&warnings, &stats, 1000);
    const char *line = logged();
    cr_assert_not_null(strstr(line, "a prefix is full"), "%s", line);
    cr_assert_not_null(strstr(line, "total=7"), "%s", line);
    cr_assert_not_null(strstr(line, "reason=\"admission.per-prefix is reached\""), "%s", line);
    cr_assert_not_null(strstr(line, "raise admission.per-prefix"), "%s", line);
    traffic_warnings_check(&warnings, &stats, 1000 + 2 * LOG_REPEAT_MS);
    cr_assert_str_empty(logged(), "it has not risen again");
}

Test(traffic_warnings, logs_a_lasting_rise_again_after_the_repeat_interval)
{
    capture_log();
    stats.drop_limited = 1;
    traffic_warnings_check(&warnings, &stats, 1000);
    cr_assert_str_not_empty(logged());
    stats.drop_limited = 2;
    traffic_warnings_check(&warnings, &stats, 2000);
    cr_assert_str_empty(logged());
    stats.drop_limited = 3;
    traffic_warnings_check(&warnings, &stats, 1000 + LOG_REPEAT_MS);
    const char *line = logged();
    cr_assert_not_null(strstr(line, "total=3"), "%s", line);
    cr_assert_not_null(strstr(line, "suppressed=1"), "%s", line);
}

Test(traffic_warnings, gives_the_last_error_as_the_reason_why_the_kernel_refused)
{
    capture_log();
    warnings.reply_errno = ENETUNREACH;
    warnings.copy_errno = EPERM;
    stats.reply_failed = stats.copies_failed = 1;
    traffic_warnings_check(&warnings, &stats, 1000);
    const char *lines = logged();
    cr_assert_not_null(strstr(lines, strerror(ENETUNREACH)), "%s", lines);
    cr_assert_not_null(strstr(lines, strerror(EPERM)), "%s", lines);
}
