#include "ctl/connection/answer_parser.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The lines that the handler got, as "key=value" each. */
struct received {
    char text[4096];
    const char *invalid_key; /* the handler rejects it */
};

static const char *add_line(void *state, const char *key, char *value)
{
    struct received *received = state;
    if (received->invalid_key && strcmp(received->invalid_key, key) == 0)
        return "a bad key";
    size_t size = strlen(received->text);
    snprintf(received->text + size, sizeof received->text - size, "%s=%s\n", key, value);
    return NULL;
}

static enum answer_result read_sized(const char *text, size_t size, struct received *received,
                                     char error[ANSWER_ERROR_BYTES])
{
    FILE *in = fmemopen((void *)(uintptr_t)text, size, "r");
    cr_assert_not_null(in);
    *error = '\0';
    enum answer_result result = answer_parser_read(in, add_line, received, error);
    fclose(in);
    return result;
}

static enum answer_result read_text(const char *text, struct received *received,
                                    char error[ANSWER_ERROR_BYTES])
{
    return read_sized(text, strlen(text), received, error);
}

static void expect_failure(const char *text, const char *why)
{
    struct received received = {.invalid_key = "wrong"};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text(text, &received, error), ANSWER_FAILED, "'%s'", text);
    cr_expect_not_null(strstr(error, why), "'%s' has no '%s'", error, why);
}

Test(answer_parser, passes_keys_and_values_to_the_handler)
{
    struct received received = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("ok\nclients 3\nversion 0.1 beta\nempty\nblank \n.\n", &received, error),
                 ANSWER_OK);
    cr_expect_str_eq(received.text, "clients=3\nversion=0.1 beta\nempty=\nblank=\n");
}

Test(answer_parser, accepts_crlf_as_the_end_of_a_line)
{
    struct received received = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("ok\r\nclients 3\r\n.\r\n", &received, error), ANSWER_OK);
    cr_expect_str_eq(received.text, "clients=3\n");
}

Test(answer_parser, stops_after_the_dot)
{
    struct received received = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("ok\na 1\n.\nb 2\n", &received, error), ANSWER_OK);
    cr_expect_str_eq(received.text, "a=1\n");
}

Test(answer_parser, a_refusal_has_the_text_and_the_lines_of_the_server)
{
    struct received received = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(
        read_text("error not applied: 1 problem\nproblem f:1:2: x y\n.\n", &received, error),
        ANSWER_REFUSED);
    cr_expect_str_eq(error, "not applied: 1 problem");
    cr_expect_str_eq(received.text, "problem=f:1:2: x y\n");
}

Test(answer_parser, a_refusal_needs_no_end_of_the_answer)
{
    struct received received = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("error all sessions are taken\n", &received, error), ANSWER_REFUSED);
    cr_expect_str_eq(error, "all sessions are taken");
}

Test(answer_parser, an_answer_that_ends_early_has_failed)
{
    expect_failure("ok\nclients 3\n", "closed the connection");
    expect_failure("ok\n", "closed the connection");
    struct received received = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_sized("\n", 1, &received, error), ANSWER_FAILED);
}

Test(answer_parser, an_invalid_answer_is_shown_escaped)
{
    expect_failure("SSH-2.0-\x1b[31m\n", "SSH-2.0-\\x1b[31m");
    expect_failure("okay\n.\n", "neither 'ok' nor 'error'");
    expect_failure("ok\nclients", "without a newline");
    expect_failure("ok\nwrong 1\n.\n", "a bad key");
}

Test(answer_parser, replaces_control_characters)
{
    struct received received = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("error \x1b[2Jno\a\nproblem a:1:2: \x1b]0;x\x7f\n.\n", &received, error),
                 ANSWER_REFUSED);
    cr_expect_str_eq(error, "?[2Jno?");
    cr_expect_str_eq(received.text, "problem=a:1:2: ?]0;x?\n");
}

Test(answer_parser, a_line_has_a_maximum_length)
{
    size_t longest = ANSWER_LINE_BYTES - 2;
    char *text = malloc(longest + 16), error[ANSWER_ERROR_BYTES];
    cr_assert_not_null(text);
    struct received received = {0};
    memcpy(text, "ok\n", 3);
    memset(text + 3, 'x', longest);
    memcpy(text + 3 + longest, "\n.\n", 4);
    cr_expect_eq(read_text(text, &received, error), ANSWER_OK);
    memcpy(text + 3 + longest, "x\n.\n", 5);
    cr_expect_eq(read_text(text, &received, error), ANSWER_FAILED);
    cr_expect_not_null(strstr(error, "without a newline"), "%s", error);
    free(text);
}
