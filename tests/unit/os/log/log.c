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

/* Standard error goes into a file while a test speaks. */
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

/* What was written, to be freed. */
static char *heard(void)
{
    long size = 0;
    log_close();
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

/* Asserts that it is one line that ends so, behind a time stamp where there is one. */
static void expect(const char *before, const char *behind)
{
    char *text = heard();
    size_t size = strlen(text);
    cr_assert_geq(size, strlen(before) + strlen(behind), "%s", text);
    cr_assert_eq(strncmp(text, before, strlen(before)), 0, "%s", text);
    cr_assert_str_eq(text + size - strlen(behind), behind);
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

static void speak(enum config_log_format format)
{
    log_setup("test", LOG_LEVEL_INFO, format, LOG_TARGET_STDERR);
    capture();
}

/* ---- Formats ---- */

Test(log, speaks_text_to_stderr_before_it_is_set_up)
{
    capture();
    log_event(LOG_LEVEL_INFO, "listening", "address", "127.0.0.1:3000", NULL);
    expect("20", "Z info listening address=127.0.0.1:3000\n");
}

Test(log, text_has_the_time_the_level_and_the_sentence)
{
    speak(LOG_FORMAT_TEXT);
    log_event(LOG_LEVEL_WARNING, "receive buffer clamped", "asked", "4m", "got", "208k", NULL);
    expect("20", "Z warning receive buffer clamped asked=4m got=208k\n");
}

Test(log, logfmt_quotes_what_has_to_be)
{
    speak(LOG_FORMAT_LOGFMT);
    log_event(LOG_LEVEL_ERROR, "listening", "address", "127.0.0.1:3000", "why", "in use", "empty",
              "", "quote", "a\"b", "equal", "a=b", NULL);
    expect("time=20",
           "Z level=error msg=listening address=127.0.0.1:3000 why=\"in use\" empty=\"\" "
           "quote=\"a\\\"b\" equal=\"a=b\"\n");
}

Test(log, json_is_an_object_a_line)
{
    speak(LOG_FORMAT_JSON);
    log_event(LOG_LEVEL_INFO, "it is \"listening\"", "address", "127.0.0.1:3000", NULL);
    expect("{\"time\":\"20", "Z\",\"level\":\"info\",\"msg\":\"it is \\\"listening\\\"\","
                             "\"address\":\"127.0.0.1:3000\"}\n");
}

Test(log, json_has_plain_numbers_as_numbers)
{
    speak(LOG_FORMAT_JSON);
    log_event(LOG_LEVEL_INFO, "7", "a", "0", "b", "9007199254740992", "c", "9007199254740993", "d",
              "007", "e", "-1", "f", "1.5", "g", "", "h", "12 ", "i", "10000000000000000", "j",
              "4711", NULL);
    expect("{\"time\":", ",\"msg\":\"7\",\"a\":0,\"b\":9007199254740992,"
                         "\"c\":\"9007199254740993\",\"d\":\"007\",\"e\":\"-1\","
                         "\"f\":\"1.5\",\"g\":\"\",\"h\":\"12 \","
                         "\"i\":\"10000000000000000\",\"j\":4711}\n");
}

/* ---- A reader that stands still ---- */

/* The lines of a pipe up to its end. */
struct told {
    size_t lines, lost, notes;
};

static struct told read_all(int pipe)
{
    struct told told = {0};
    static char line[8192];
    FILE *in = fdopen(pipe, "r");
    while (fgets(line, sizeof line, in)) {
        const char *dropped = strstr(line, " warning lines of the log were lost dropped=");
        told.lines += strstr(line, " info said n=") != NULL;
        told.notes += dropped != NULL;
        if (dropped)
            told.lost += strtoul(strchr(dropped, '=') + 1, NULL, 10);
    }
    fclose(in);
    return told;
}

static void say_many(int count)
{
    for (int i = 0; i < count; i++) {
        char number[24];
        snprintf(number, sizeof number, "%d", i);
        log_event(LOG_LEVEL_INFO, "said", "n", number, NULL);
    }
}

static void *say_at_the_end(void *state)
{
    (void)state;
    log_event(LOG_LEVEL_INFO, "said", "n", "last", NULL);
    log_close();
    dup2(kept_stderr, STDERR_FILENO);
    return NULL;
}

/* More than the queue and a pipe take, so that the writer stands before the pipe. */
enum { TOO_MANY = 100000 };

static void stand_still(int ends[2])
{
    log_setup("test", LOG_LEVEL_INFO, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
    cr_assert_eq(pipe(ends), 0);
    kept_stderr = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    cr_assert_eq(log_start(), 0);
    say_many(TOO_MANY);
}

Test(log, reader_that_stands_still_holds_nobody_and_is_told_what_it_missed, .timeout = 20)
{
    int ends[2];
    pthread_t ending;
    stand_still(ends);
    cr_assert_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0, "others share it");
    pthread_create(&ending, NULL, say_at_the_end, NULL);
    struct told told = read_all(ends[0]);
    pthread_join(ending, NULL);
    cr_expect_gt(told.lost, 0);
    cr_expect_eq(told.lines + told.lost, TOO_MANY + 1);
}

Test(log, reader_that_stands_still_does_not_hold_the_end, .timeout = 20)
{
    int ends[2];
    stand_still(ends);
    uint64_t began_ms = clock_now_ms();
    log_close();
    cr_expect_lt(clock_now_ms() - began_ms, 1000);
}

/* The time of a line is the event's, however late it is written: the lines of a stalled reader do
 * not carry the time when it went on. */
Test(log, lines_have_the_time_of_their_event, .timeout = 20)
{
    capture();
    char before[CLOCK_WALL_TEXT_BYTES], behind[CLOCK_WALL_TEXT_BYTES];
    clock_wall_text(before);
    log_event(LOG_LEVEL_INFO, "said", NULL);
    clock_wall_text(behind);
    for (char now[CLOCK_WALL_TEXT_BYTES]; strcmp(clock_wall_text(now), behind) == 0;)
        continue;
    char *text = heard();
    cr_expect_geq(strncmp(text, before, strlen(before)), 0, "%s", text);
    cr_expect_leq(strncmp(text, behind, strlen(behind)), 0, "%s", text);
    free(text);
}

Test(log, lines_that_are_refused_are_reported_with_the_next)
{
    int full = open("/dev/full", O_WRONLY);
    speak(LOG_FORMAT_TEXT);
    int file = dup(STDERR_FILENO);
    dup2(full, STDERR_FILENO);
    log_event(LOG_LEVEL_INFO, "gone", NULL);
    log_event(LOG_LEVEL_INFO, "gone", NULL);
    log_close();
    dup2(file, STDERR_FILENO);
    log_event(LOG_LEVEL_INFO, "back", NULL);
    char *text = heard();
    cr_expect_eq(count_lines(text), 2, "%s", text);
    cr_expect_neq(strstr(text, "Z warning lines of the log were lost dropped=2 "), NULL, "%s",
                  text);
    cr_expect_neq(strstr(text, "Z info back\n"), NULL, "%s", text);
    free(text);
}

/* ---- Hostile values ---- */

static const char hostile[] = "a\nb\x1b[31m\x7f\xff\\\"";

Test(log, text_escapes_what_could_steer_a_terminal)
{
    speak(LOG_FORMAT_TEXT);
    log_event(LOG_LEVEL_INFO, "heard", "bytes", hostile, NULL);
    expect("20", "heard bytes=\"a\\nb\\x1b[31m\\x7f\\xff\\\\\\\"\"\n");
}

Test(log, json_is_valid_for_any_bytes)
{
    speak(LOG_FORMAT_JSON);
    log_event(LOG_LEVEL_INFO, "heard", "bytes", hostile, NULL);
    expect("{\"time\":", ",\"bytes\":\"a\\nb\\u001b[31m\\u007f\\ufffd\\\\\\\"\"}\n");
}

Test(log, missing_value_is_an_empty_one)
{
    speak(LOG_FORMAT_LOGFMT);
    log_event(LOG_LEVEL_INFO, "heard", "bytes", (const char *)NULL, NULL);
    expect("time=", " msg=heard bytes=\"\"\n");
}

static void speak_at_length(enum config_log_format format, char byte)
{
    static char value[5000];
    memset(value, byte, sizeof value - 1);
    speak(format);
    log_event(LOG_LEVEL_INFO, "long", "a", value, "b", value, "c", value, "d", value, "e", value,
              "f", "last", NULL);
}

Test(log, long_values_are_cut_and_the_line_is_bounded)
{
    speak_at_length(LOG_FORMAT_TEXT, 'x');
    char *text = heard();
    cr_assert_leq(strlen(text), 4096);
    cr_assert_eq(count_lines(text), 1);
    cr_assert_neq(strstr(text, "xxx... b=xxx"), NULL, "%s", text);
    free(text);
}

Test(log, long_json_is_cut_at_a_whole_escape_and_closed)
{
    speak_at_length(LOG_FORMAT_JSON, '\1');
    char *text = heard();
    cr_assert_leq(strlen(text), 4096);
    cr_assert_neq(strstr(text, "\\u0001...\",\"b\":\"\\u0001"), NULL, "%s", text);
    cr_assert_str_eq(text + strlen(text) - 2, "}\n");
    free(text);
}

/* ---- Levels ---- */

Test(log, is_silent_below_its_level)
{
    log_setup("test", LOG_LEVEL_WARNING, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
    capture();
    log_event(LOG_LEVEL_DEBUG, "no", NULL);
    log_event(LOG_LEVEL_INFO, "no", NULL);
    log_event(LOG_LEVEL_WARNING, "yes", NULL);
    log_event(LOG_LEVEL_ERROR, "yes", NULL);
    char *text = heard();
    cr_assert_eq(count_lines(text), 2);
    cr_assert_eq(strstr(text, "no"), NULL);
    free(text);
}

Test(log, leaves_errno_alone)
{
    speak(LOG_FORMAT_TEXT);
    close(STDERR_FILENO);
    errno = 12345;
    log_event(LOG_LEVEL_ERROR, "unheard", NULL);
    cr_assert_eq(errno, 12345);
    free(heard());
}

/* ---- Complaints ---- */

Test(log, complaint_is_said_once_in_its_time)
{
    speak(LOG_FORMAT_TEXT);
    for (uint64_t ms = 0; ms < LOG_REPEAT_MS; ms += 1000)
        log_limited(LOG_KIND_REGISTRY_FULL, ms, "the registry is full", "max", "10", NULL);
    expect("20", "Z warning the registry is full max=10\n");
}

Test(log, next_complaint_counts_the_ones_not_said)
{
    speak(LOG_FORMAT_TEXT);
    for (uint64_t ms = 500; ms < 500 + LOG_REPEAT_MS; ms += 10000)
        log_limited(LOG_KIND_KERNEL_DROPS, ms, "drops", NULL);
    log_limited(LOG_KIND_KERNEL_DROPS, 500 + LOG_REPEAT_MS, "drops", "n", "7", NULL);
    log_limited(LOG_KIND_KERNEL_DROPS, 500 + 2 * LOG_REPEAT_MS, "drops", "n", "8", NULL);
    char *text = heard();
    cr_assert_eq(count_lines(text), 3);
    cr_assert_neq(strstr(text, " drops suppressed=2 n=7\n"), NULL, "%s", text);
    cr_assert_neq(strstr(text, " drops n=8\n"), NULL, "%s", text);
    free(text);
}

Test(log, kinds_of_complaints_are_counted_apart)
{
    speak(LOG_FORMAT_TEXT);
    for (int kind = 0; kind < LOG_KINDS; kind++)
        log_limited((enum log_kind)kind, 0, "complaint", NULL);
    char *text = heard();
    cr_assert_eq(count_lines(text), LOG_KINDS);
    cr_assert_eq(strstr(text, "suppressed"), NULL);
    free(text);
}

/* ---- Threads ---- */

enum { THREADS = 4, EVENTS = 200 };

static void chatter(void *state)
{
    for (int i = 0; i < EVENTS; i++) {
        log_event(LOG_LEVEL_INFO, "chatter", "of", state, NULL);
        log_limited(LOG_KIND_COPY_FAILED, 1, "complaint", NULL);
    }
}

Test(log, threads_do_not_mix_their_lines)
{
    static char names[THREADS][2] = {"0", "1", "2", "3"};
    struct thread *threads[THREADS];
    int count[THREADS] = {0}, errors = 0;
    speak(LOG_FORMAT_TEXT);
    for (int i = 0; i < THREADS; i++)
        threads[i] = thread_start("chatter", chatter, names[i]);
    for (int i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    char *text = heard();
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        int of = 0;
        if (sscanf(line, "%*s info chatter of=%1d", &of) == 1)
            count[of]++;
        else if (strstr(line, " warning complaint"))
            errors++;
        else
            cr_assert_fail("mixed: %s", line);
    }
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(count[i], EVENTS);
    cr_assert_eq(errors, 1);
    free(text);
}
