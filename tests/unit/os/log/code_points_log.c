/* Every code point in what is printed by os/log: log events and error messages. */
#include "os/log/error_message.h"
#include "os/log/log.h"

#include "code_points_fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(code_points_log, .timeout = 300);

/* Standard error is a pipe while the pieces are printed; each line is read back immediately. */
static FILE *captured;
static char line[4 * DECODED_BYTES];

static void check_each(void (*visit)(const char *piece, size_t size))
{
    int ends[2], kept = dup(STDERR_FILENO);
    cr_assert_eq(pipe(ends), 0);
    cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
    captured = fdopen(ends[0], "r");
    cr_assert_not_null(captured);
    cr_assert_eq(log_start(), 0);
    code_points_each(visit);
    log_close();
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(ends[1]);
    cr_assert_null(fgets(line, sizeof line, captured), "more lines than expected: %s", line);
    fclose(captured);
}

/* Returns the next line without its newline, from the end of `before` on. */
static char *next_line(const char *before)
{
    cr_assert_not_null(fgets(line, sizeof line, captured));
    size_t size = strlen(line);
    cr_assert_eq(line[size - 1], '\n');
    line[size - 1] = '\0';
    char *found = strstr(line, before);
    cr_assert_not_null(found, "%s", line);
    return found + strlen(before);
}

/* A value in the log is truncated after 1,000 escaped bytes, so the pieces are divided: each part
 * ends after a digit. Calls visit for each part. */
static void each_part(const char *piece, size_t size, void (*visit)(const char *part, size_t size))
{
    char part[PIECE_BYTES];
    for (size_t at = 0; at < size;) {
        size_t length = size - at < 100 ? size - at : 100;
        while (at + length < size && (unsigned char)piece[at + length - 1] >= 0x80)
            length--;
        memcpy(part, piece + at, length);
        part[length] = '\0';
        visit(part, length);
        at += length;
    }
}

static void check_json_part(const char *part, size_t size)
{
    log_event(LOG_LEVEL_INFO, "test", "bytes", part, NULL);
    const char *value = next_line("\"bytes\":");
    size_t length = strlen(value);
    cr_assert_eq(strcmp(value + length - 1, "}"), 0);
    bool is_number = *value != '"';
    if (is_number)
        code_points_expect_json(value, length - 1, part, size);
    else
        code_points_expect_json(value + 1, length - 3, part, size);
}

static void check_json_line(const char *piece, size_t size)
{
    each_part(piece, size, check_json_part);
}

Test(code_points_log, are_preserved_in_a_json_log)
{
    log_setup("test", LOG_LEVEL_INFO, LOG_FORMAT_JSON, LOG_TARGET_STDERR);
    check_each(check_json_line);
}

static void check_quoted_part(const char *part, size_t size)
{
    log_event(LOG_LEVEL_INFO, "test", "bytes", part, NULL);
    const char *value = next_line(" bytes=");
    size_t length = strlen(value), quoted = *value == '"';
    for (size_t i = 0; i < length; i++)
        cr_assert(value[i] >= ' ' && value[i] <= '~');
    code_points_expect_escaped(value + quoted, length - 2 * quoted, part, size);
}

static void check_quoted_line(const char *piece, size_t size)
{
    each_part(piece, size, check_quoted_part);
}

Test(code_points_log, are_preserved_in_a_logfmt_log)
{
    log_setup("test", LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT, LOG_TARGET_STDERR);
    check_each(check_quoted_line);
}

Test(code_points_log, are_preserved_in_a_text_log)
{
    log_setup("test", LOG_LEVEL_INFO, LOG_FORMAT_TEXT, LOG_TARGET_STDERR);
    check_each(check_quoted_line);
}

/* ---- Error messages ---- */

static void check_attempt(const char *piece, size_t size)
{
    print_error("why", "next", "looking up %s", piece);
    char *text = next_line(": looking up "), *end = text + strlen(text) - strlen(": why; next");
    cr_assert_str_eq(end, ": why; next");
    *end = '\0';
    code_points_expect_line(text, piece, size);
}

Test(code_points_log, are_preserved_in_the_attempt_of_an_error)
{
    check_each(check_attempt);
}

static void check_text(const char *piece, size_t size)
{
    print_error_text(piece, NULL);
    code_points_expect_line(next_line(": "), piece, size);
}

Test(code_points_log, are_preserved_in_an_error_text)
{
    check_each(check_text);
}

static void check_usage(const char *piece, size_t size)
{
    print_usage_error("bad '%s'", piece);
    char *text = next_line(": command line: bad '"), *end = strstr(text, "'; try '");
    for (char *later; (later = strstr(end + 1, "'; try '"));)
        end = later;
    *end = '\0';
    code_points_expect_line(text, piece, size);
}

Test(code_points_log, are_preserved_in_a_usage_error)
{
    check_each(check_usage);
}

/* Newlines in it stay newlines. */
static void check_fault(const char *piece, size_t size)
{
    print_config_error(piece, false);
    const char *newline = memchr(piece, '\n', size);
    size_t first = newline ? (size_t)(newline - piece) : size;
    code_points_expect_line(next_line(""), piece, first);
    if (newline)
        code_points_expect_line(next_line(""), newline + 1, size - first - 1);
}

Test(code_points_log, are_preserved_in_a_configuration_error)
{
    check_each(check_fault);
}
