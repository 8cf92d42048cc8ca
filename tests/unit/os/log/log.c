/* The log: formats, slow readers, escaping, levels, rate-limited warnings, threads. */
#include "os/log/log.h"

#include "os/loop/thread.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Standard error is redirected to a file while a test logs. */
static FILE *captured;
static int kept_stderr;

static void capture(void)
{
    captured = tmpfile();
    cr_assert_neq(captured, NULL);
    kept_stderr = dup(STDERR_FILENO);
    fcntl(fileno(captured), F_SETFL, O_APPEND);
    cr_assert_geq(dup2(fileno(captured), STDERR_FILENO), 0);
}

/* A call waits for LOG_STOP_MS_MAX, in which valgrind may not even start a thread; it returns at
 * once when all is written. */
static void close_when_written(void)
{
    for (int i = 0; i < 30; i++)
        log_close();
}

/* Returns what was written; the caller frees it. */
static char *captured_text(void)
{
    long size = 0;
    close_when_written();
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    cr_assert_eq(fseek(captured, 0, SEEK_END), 0);
    size = ftell(captured);
    rewind(captured);
    char *text = calloc(1, (size_t)size + 1);
    cr_assert_eq(fread(text, 1, (size_t)size, captured), (size_t)size);
    fclose(captured);
    return text;
}

/* Expects one line that begins and ends like this, with a time stamp in between. */
static void expect(const char *before, const char *after)
{
    char *text = captured_text();
    size_t size = strlen(text);
    cr_assert_geq(size, strlen(before) + strlen(after), "%s", text);
    cr_assert_eq(strncmp(text, before, strlen(before)), 0, "%s", text);
    cr_assert_str_eq(text + size - strlen(after), after);
    cr_assert_eq(strchr(text, '\n'), text + size - 1, "%s", text);
    free(text);
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static void capture_format(enum config_log_format format)
{
    log_setup("test", LOG_LEVEL_INFO, format, LOG_TARGET_STDERR);
    capture();
}

/* ---- Formats ---- */

Test(log, writes_text_to_stderr_before_it_is_set_up)
{
    capture();
    log_event(LOG_LEVEL_INFO, "listening", "address", "127.0.0.1:3000", NULL);
    expect("20", "Z info listening address=127.0.0.1:3000\n");
}

Test(log, text_has_the_time_the_level_and_the_sentence)
{
    capture_format(LOG_FORMAT_TEXT);
    log_event(LOG_LEVEL_WARNING, "receive buffer clamped", "asked", "4m", "got", "208k", NULL);
    expect("20", "Z warning receive buffer clamped asked=4m got=208k\n");
}

Test(log, logfmt_quotes_what_has_to_be)
{
    capture_format(LOG_FORMAT_LOGFMT);
    log_event(LOG_LEVEL_ERROR, "listening", "address", "127.0.0.1:3000", "why", "in use", "empty",
              "", "quote", "a\"b", "equal", "a=b", NULL);
    expect("time=20",
           "Z level=error msg=listening address=127.0.0.1:3000 why=\"in use\" empty=\"\" "
           "quote=\"a\\\"b\" equal=\"a=b\"\n");
}

Test(log, json_is_an_object_a_line)
{
    capture_format(LOG_FORMAT_JSON);
    log_event(LOG_LEVEL_INFO, "it is \"listening\"", "address", "127.0.0.1:3000", NULL);
    expect("{\"time\":\"20", "Z\",\"level\":\"info\",\"msg\":\"it is \\\"listening\\\"\","
                             "\"address\":\"127.0.0.1:3000\"}\n");
}

Test(log, json_has_plain_numbers_as_numbers)
{
    capture_format(LOG_FORMAT_JSON);
    log_event(LOG_LEVEL_INFO, "7", "a", "0", "b", "9007199254740992", "c", "9007199254740993", "d",
              "007", "e", "-1", "f", "1.5", "g", "", "h", "12 ", "i", "10000000000000000", "j",
              "4711", NULL);
    expect("{\"time\":", ",\"msg\":\"7\",\"a\":0,\"b\":9007199254740992,"
                         "\"c\":\"9007199254740993\",\"d\":\"007\",\"e\":\"-1\","
                         "\"f\":\"1.5\",\"g\":\"\",\"h\":\"12 \","
                         "\"i\":\"10000000000000000\",\"j\":4711}\n");
}

/* ---- A blocked reader ---- */

/* Counts of the lines that were read from a pipe up to its end. */
struct read_lines {
    size_t lines, lost, notes;
};

static struct read_lines read_all(int pipe)
{
    struct read_lines read_lines = {0};
    static char line[8192];
    FILE *in = fdopen(pipe, "r");
    while (fgets(line, sizeof line, in)) {
        const char *dropped = strstr(line, " warning lines of the log were lost dropped=");
        read_lines.lines += strstr(line, " info logged n=") != NULL;
        read_lines.notes += dropped != NULL;
        if (dropped)
            read_lines.lost += strtoul(strchr(dropped, '=') + 1, NULL, 10);
    }
    fclose(in);
    return read_lines;
}

static void log_many(int count)
{
    for (int i = 0; i < count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%d", i);
        log_event(LOG_LEVEL_INFO, "logged", "n", number, NULL);
    }
}

static void *log_and_close(void *state)
{
    (void)state;
    log_event(LOG_LEVEL_INFO, "logged", "n", "last", NULL);
    close_when_written();
    dup2(kept_stderr, STDERR_FILENO);
    return NULL;
}

/* More than the queue and a pipe hold, so that the writer is blocked by the pipe. */
enum { TOO_MANY = 100000 };

static void log_to_a_blocked_pipe(int ends[2])
{
    log_setup("test", LOG_LEVEL_INFO, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
    cr_assert_eq(pipe(ends), 0);
    kept_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    cr_assert_eq(log_start(), 0);
    log_many(TOO_MANY);
}

Test(log, blocked_reader_delays_no_call_and_learns_how_many_lines_were_lost, .timeout = 20)
{
    int ends[2];
    pthread_t ending;
    log_to_a_blocked_pipe(ends);
    cr_assert_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0, "others share it");
    pthread_create(&ending, NULL, log_and_close, NULL);
    struct read_lines read_lines = read_all(ends[0]);
    pthread_join(ending, NULL);
    cr_expect_gt(read_lines.lost, 0);
    cr_expect_eq(read_lines.lines + read_lines.lost, TOO_MANY + 1);
}

Test(log, blocked_reader_does_not_delay_the_close, .timeout = 20)
{
    int ends[2];
    log_to_a_blocked_pipe(ends);
    uint64_t began_ms = clock_now_ms();
    log_close();
    cr_expect_lt(clock_now_ms() - began_ms, 1000);
}

/* A line has the time of its event, however late it is written. */
Test(log, lines_have_the_time_of_their_event, .timeout = 20)
{
    capture();
    char before[CLOCK_WALL_TEXT_BYTES], after[CLOCK_WALL_TEXT_BYTES];
    clock_wall_text(before);
    log_event(LOG_LEVEL_INFO, "logged", NULL);
    clock_wall_text(after);
    for (char now[CLOCK_WALL_TEXT_BYTES]; strcmp(clock_wall_text(now), after) == 0;)
        continue;
    char *text = captured_text();
    cr_expect_geq(strncmp(text, before, strlen(before)), 0, "%s", text);
    cr_expect_leq(strncmp(text, after, strlen(after)), 0, "%s", text);
    free(text);
}

Test(log, lines_that_could_not_be_written_are_reported_with_the_next)
{
    int full = open("/dev/full", O_WRONLY);
    capture_format(LOG_FORMAT_TEXT);
    int file = dup(STDERR_FILENO);
    dup2(full, STDERR_FILENO);
    log_event(LOG_LEVEL_INFO, "gone", NULL);
    log_event(LOG_LEVEL_INFO, "gone", NULL);
    close_when_written();
    dup2(file, STDERR_FILENO);
    log_event(LOG_LEVEL_INFO, "back", NULL);
    char *text = captured_text();
    cr_expect_eq(count_lines(text), 2, "%s", text);
    cr_expect_neq(strstr(text, "Z warning lines of the log were lost dropped=2 "), NULL, "%s",
                  text);
    cr_expect_neq(strstr(text, "Z info back\n"), NULL, "%s", text);
    free(text);
}

/* ---- Hostile values ---- */

static const char hostile[] = "a\nb\x1b[31m\x7f\xff\\\"";

Test(log, text_escapes_bytes_that_could_control_a_terminal)
{
    capture_format(LOG_FORMAT_TEXT);
    log_event(LOG_LEVEL_INFO, "received", "bytes", hostile, NULL);
    expect("20", "received bytes=\"a\\nb\\x1b[31m\\x7f\\xff\\\\\\\"\"\n");
}

Test(log, json_is_valid_for_any_bytes)
{
    capture_format(LOG_FORMAT_JSON);
    log_event(LOG_LEVEL_INFO, "received", "bytes", hostile, NULL);
    expect("{\"time\":", ",\"bytes\":\"a\\nb\\u001b[31m\\u007f\\ufffd\\\\\\\"\"}\n");
}

Test(log, missing_value_is_an_empty_one)
{
    capture_format(LOG_FORMAT_LOGFMT);
    log_event(LOG_LEVEL_INFO, "received", "bytes", (const char *)NULL, NULL);
    expect("time=", " msg=received bytes=\"\"\n");
}

static void log_long_values(enum config_log_format format, char byte)
{
    static char value[5000];
    memset(value, byte, sizeof value - 1);
    capture_format(format);
    log_event(LOG_LEVEL_INFO, "long", "a", value, "b", value, "c", value, "d", value, "e", value,
              "f", "last", NULL);
}

Test(log, long_values_are_truncated_and_the_line_is_bounded)
{
    log_long_values(LOG_FORMAT_TEXT, 'x');
    char *text = captured_text();
    cr_assert_leq(strlen(text), 4096);
    cr_assert_eq(count_lines(text), 1);
    cr_assert_neq(strstr(text, "xxx... b=xxx"), NULL, "%s", text);
    free(text);
}

Test(log, long_json_is_truncated_at_a_whole_escape_and_closed)
{
    log_long_values(LOG_FORMAT_JSON, '\1');
    char *text = captured_text();
    cr_assert_leq(strlen(text), 4096);
    cr_assert_neq(strstr(text, "\\u0001...\",\"b\":\"\\u0001"), NULL, "%s", text);
    cr_assert_str_eq(text + strlen(text) - 2, "}\n");
    free(text);
}

/* ---- Levels ---- */

Test(log, writes_nothing_below_its_level)
{
    log_setup("test", LOG_LEVEL_WARNING, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
    capture();
    log_event(LOG_LEVEL_DEBUG, "no", NULL);
    log_event(LOG_LEVEL_INFO, "no", NULL);
    log_event(LOG_LEVEL_WARNING, "yes", NULL);
    log_event(LOG_LEVEL_ERROR, "yes", NULL);
    char *text = captured_text();
    cr_assert_eq(count_lines(text), 2);
    cr_assert_eq(strstr(text, "no"), NULL);
    free(text);
}

Test(log, does_not_change_errno)
{
    capture_format(LOG_FORMAT_TEXT);
    close(STDERR_FILENO);
    errno = 12345;
    log_event(LOG_LEVEL_ERROR, "not written", NULL);
    cr_assert_eq(errno, 12345);
    free(captured_text());
}

/* ---- Rate-limited warnings ---- */

Test(log, limited_warning_is_written_once_in_its_time)
{
    capture_format(LOG_FORMAT_TEXT);
    for (uint64_t ms = 0; ms < LOG_REPEAT_MS; ms += 1000)
        log_limited(LOG_KIND_REGISTRY_FULL, ms, "the registry is full", "max", "10", NULL);
    expect("20", "Z warning the registry is full max=10\n");
}

Test(log, next_limited_warning_counts_the_suppressed_ones)
{
    capture_format(LOG_FORMAT_TEXT);
    for (uint64_t ms = 500; ms < 500 + LOG_REPEAT_MS; ms += 10000)
        log_limited(LOG_KIND_KERNEL_DROPS, ms, "drops", NULL);
    log_limited(LOG_KIND_KERNEL_DROPS, 500 + LOG_REPEAT_MS, "drops", "n", "7", NULL);
    log_limited(LOG_KIND_KERNEL_DROPS, 500 + 2 * LOG_REPEAT_MS, "drops", "n", "8", NULL);
    char *text = captured_text();
    cr_assert_eq(count_lines(text), 3);
    cr_assert_neq(strstr(text, " drops suppressed=2 n=7\n"), NULL, "%s", text);
    cr_assert_neq(strstr(text, " drops n=8\n"), NULL, "%s", text);
    free(text);
}

Test(log, kinds_of_limited_warnings_are_counted_separately)
{
    capture_format(LOG_FORMAT_TEXT);
    for (int kind = 0; kind < LOG_KINDS; kind++)
        log_limited((enum log_kind)kind, 0, "repeated", NULL);
    char *text = captured_text();
    cr_assert_eq(count_lines(text), LOG_KINDS);
    cr_assert_eq(strstr(text, "suppressed"), NULL);
    free(text);
}

/* ---- Threads ---- */

enum { THREADS = 4, EVENTS = 200 };

static void log_events(void *state)
{
    for (int i = 0; i < EVENTS; i++) {
        log_event(LOG_LEVEL_INFO, "event", "of", state, NULL);
        log_limited(LOG_KIND_COPY_FAILED, 1, "repeated", NULL);
    }
}

Test(log, threads_do_not_mix_their_lines)
{
    static char names[THREADS][2] = {"0", "1", "2", "3"};
    struct thread *threads[THREADS];
    int count[THREADS] = {0}, errors = 0;
    capture_format(LOG_FORMAT_TEXT);
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start("event", log_events, names[i]);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    char *text = captured_text();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        int of = 0;
        if (sscanf(line, "%*s info event of=%1d", &of) == 1)
            count[of]++;
        else if (strstr(line, " warning repeated"))
            errors++;
        else
            cr_assert_fail("mixed: %s", line);
    }
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(count[i], EVENTS);
    cr_assert_eq(errors, 1);
    free(text);
}

/* ---- the last error, which a process reports that cannot start ---- */

Test(log, the_last_error_is_kept_in_the_form_of_text)
{
    char text[LOG_LAST_ERROR_BYTES];
    log_setup("test", LOG_LEVEL_INFO, LOG_FORMAT_JSON, LOG_TARGET_STDERR);
    log_keep_last_error();
    capture();
    log_event(LOG_LEVEL_ERROR, "cannot open", "file", "a", NULL);
    log_event(LOG_LEVEL_ERROR, "cannot open", "file", "b c", "reason", "none", NULL);
    log_event(LOG_LEVEL_WARNING, "it is late", NULL);
    free(captured_text());
    cr_expect_str_eq(log_last_error(text), "cannot open file=\"b c\" reason=none");
}

Test(log, without_an_error_a_general_text_takes_its_place)
{
    char text[LOG_LAST_ERROR_BYTES];
    log_keep_last_error();
    cr_expect_str_eq(log_last_error(text), "it did not say why");
}
