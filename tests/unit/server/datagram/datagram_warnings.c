/* What deserves a line of the log, and how often it gets one. */
#include "server/datagram/datagram_warnings.h"

#include "os/log/log.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(datagram_warnings, .timeout = 10);

static FILE *caught;
static struct datagram_warnings warnings;
static struct stats stats;

static void listen_in(void)
{
    caught = tmpfile();
    cr_assert_not_null(caught);
    cr_assert_geq(dup2(fileno(caught), STDERR_FILENO), 0);
    log_setup("test", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT, LOG_TARGET_STDERR);
}

/* All that was said since the last call. */
static const char *said(void)
{
    static char text[8192];
    static off_t heard;
    log_close();
    ssize_t size = pread(fileno(caught), text, sizeof text - 1, heard);
    cr_assert_geq(size, 0);
    heard += size;
    text[size] = '\0';
    return text;
}

Test(datagram_warnings, nothing_is_said_while_nothing_goes_wrong)
{
    listen_in();
    stats = (struct stats){.received = 10, .replied = 10, .joined = 3, .challenged = 4};
    datagram_warnings_check(&warnings, &stats, 1000);
    cr_assert_str_empty(said());
}

Test(datagram_warnings, what_went_wrong_is_said_once_with_its_total_and_what_to_do)
{
    listen_in();
    stats.refused_prefix = 7;
    datagram_warnings_check(&warnings, &stats, 1000);
    const char *line = said();
    cr_assert_not_null(strstr(line, "a prefix is full"), "%s", line);
    cr_assert_not_null(strstr(line, "total=7"), "%s", line);
    cr_assert_not_null(strstr(line, "reason=\"admission.per-prefix is reached\""), "%s", line);
    cr_assert_not_null(strstr(line, "raise admission.per-prefix"), "%s", line);
    datagram_warnings_check(&warnings, &stats, 1000 + 2 * LOG_REPEAT_MS);
    cr_assert_str_empty(said(), "it hasn't gone on");
}

Test(datagram_warnings, it_is_said_again_when_it_goes_on_for_long)
{
    listen_in();
    stats.drop_limited = 1;
    datagram_warnings_check(&warnings, &stats, 1000);
    cr_assert_str_not_empty(said());
    stats.drop_limited = 2;
    datagram_warnings_check(&warnings, &stats, 2000);
    cr_assert_str_empty(said());
    stats.drop_limited = 3;
    datagram_warnings_check(&warnings, &stats, 1000 + LOG_REPEAT_MS);
    const char *line = said();
    cr_assert_not_null(strstr(line, "total=3"), "%s", line);
    cr_assert_not_null(strstr(line, "suppressed=1"), "%s", line);
}

Test(datagram_warnings, the_kernel_s_refusals_carry_the_last_one_s_reason)
{
    listen_in();
    warnings.reply_errno = ENETUNREACH;
    warnings.copy_errno = EPERM;
    stats.reply_failed = stats.copies_failed = 1;
    datagram_warnings_check(&warnings, &stats, 1000);
    const char *lines = said();
    cr_assert_not_null(strstr(lines, strerror(ENETUNREACH)), "%s", lines);
    cr_assert_not_null(strstr(lines, strerror(EPERM)), "%s", lines);
}
