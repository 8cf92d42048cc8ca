/* Tests of text/option_parser: options, errors, help. */
#include "text/option_parser.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { CONFIG, CHECK, LISTEN, CHANNEL };

static const struct option_row ROWS[] = {
    [CONFIG] = {'c', "config", "FILE", "read FILE"},
    [CHECK] = {'t', "test", NULL, "check, and end"},
    [LISTEN] = {'l', "listen", "ADDR", "listen on ADDR"},
    [CHANNEL] = {0, "connect", "WHERE", "only a long name"},
};

/* Begins with the words as an argv that may be reordered. */
#define BEGIN(options, ...)                         \
    char *words[] = {"program", __VA_ARGS__, NULL}; \
    option_parser_init(options, (int)COUNT(words) - 1, words, ROWS, COUNT(ROWS))

static void expect(struct option_parser *options, int row, const char *value)
{
    cr_assert_eq(option_parser_next(options), row, "%s", options->error);
    if (value)
        cr_assert_str_eq(options->value, value);
    else
        cr_assert_null(options->value);
}

static void expect_wrong(struct option_parser *options, const char *error)
{
    cr_assert_eq(option_parser_next(options), OPTION_PARSER_ERROR);
    cr_assert_str_eq(options->error, error);
}

Test(option_parser, short_and_long_names_are_the_same)
{
    struct option_parser options;
    BEGIN(&options, "-c", "a", "-cb", "--config", "c", "--config=d", "-t", "--test");
    expect(&options, CONFIG, "a");
    expect(&options, CONFIG, "b");
    expect(&options, CONFIG, "c");
    expect(&options, CONFIG, "d");
    expect(&options, CHECK, NULL);
    expect(&options, CHECK, NULL);
    expect(&options, OPTION_PARSER_END, NULL);
}

Test(option_parser, short_names_may_be_combined)
{
    struct option_parser options;
    BEGIN(&options, "-ttl", "x");
    expect(&options, CHECK, NULL);
    expect(&options, CHECK, NULL);
    expect(&options, LISTEN, "x");
    expect(&options, OPTION_PARSER_END, NULL);
}

Test(option_parser, a_row_may_have_only_a_long_name)
{
    struct option_parser options;
    BEGIN(&options, "--connect", "x");
    expect(&options, CHANNEL, "x");
}

Test(option_parser, a_long_name_may_be_abbreviated)
{
    struct option_parser options;
    BEGIN(&options, "--li=x");
    expect(&options, LISTEN, "x");
}

Test(option_parser, operands_may_be_between_options)
{
    struct option_parser options;
    int count;
    BEGIN(&options, "one", "-t", "two", "--", "-t");
    expect(&options, CHECK, NULL);
    expect(&options, OPTION_PARSER_END, NULL);
    char **operands = option_parser_operands(&options, &count);
    cr_assert_eq(count, 3);
    cr_assert_str_eq(operands[0], "one");
    cr_assert_str_eq(operands[1], "two");
    cr_assert_str_eq(operands[2], "-t");
}

Test(option_parser, an_empty_command_line_has_no_options_and_no_operands)
{
    struct option_parser options;
    char *words[] = {"program", NULL};
    int count = 7;
    option_parser_init(&options, 1, words, ROWS, COUNT(ROWS));
    expect(&options, OPTION_PARSER_END, NULL);
    option_parser_operands(&options, &count);
    cr_assert_eq(count, 0);
}

Test(option_parser, an_unknown_short_name_is_reported)
{
    struct option_parser options;
    BEGIN(&options, "-tx");
    expect(&options, CHECK, NULL);
    expect_wrong(&options, "unknown option -x");
}

Test(option_parser, an_unknown_long_name_is_reported)
{
    struct option_parser options;
    BEGIN(&options, "--confg=x", "--banana");
    expect_wrong(&options, "unknown option --confg=x");
    expect_wrong(&options, "unknown option --banana");
}

Test(option_parser, an_ambiguous_abbreviation_is_reported_with_its_candidates)
{
    struct option_parser options;
    BEGIN(&options, "--con", "--co=x");
    expect_wrong(&options, "ambiguous option --con: --config or --connect");
    expect_wrong(&options, "ambiguous option --co=x: --config or --connect");
}

Test(option_parser, a_misspelt_name_is_reported_with_a_suggestion)
{
    struct option_parser options;
    BEGIN(&options, "--tset");
    expect_wrong(&options, "unknown option --tset (did you mean --test?)");
}

Test(option_parser, a_missing_argument_is_reported)
{
    struct option_parser options;
    BEGIN(&options, "-c");
    expect_wrong(&options, "option --config needs an argument");
}

Test(option_parser, a_missing_argument_of_a_long_name_is_reported)
{
    struct option_parser options;
    BEGIN(&options, "--connect");
    expect_wrong(&options, "option --connect needs an argument");
}

Test(option_parser, an_argument_too_many_is_reported)
{
    struct option_parser options;
    BEGIN(&options, "--test=yes");
    expect_wrong(&options, "option --test takes no argument");
}

Test(option_parser, an_unknown_option_is_escaped_and_truncated)
{
    struct option_parser options;
    char word[1000] = "--\x1b[2J";
    memset(word + 6, 'x', sizeof word - 7);
    BEGIN(&options, word);
    cr_assert_eq(option_parser_next(&options), OPTION_PARSER_ERROR);
    cr_assert_not_null(strstr(options.error, "--\\x1b[2Jxxx"));
    cr_assert_null(strchr(options.error, '\x1b'));
    cr_assert_lt(strlen(options.error), sizeof options.error);
}

Test(option_parser, a_second_command_line_can_be_parsed)
{
    for (int i = 0; i < 2; i++) {
        struct option_parser options;
        BEGIN(&options, "-tt");
        expect(&options, CHECK, NULL);
    }
}

Test(option_parser, help_is_aligned)
{
    static const char HELP[] = "  -c, --config FILE    read FILE\n"
                               "  -t, --test           check, and end\n"
                               "  -l, --listen ADDR    listen on ADDR\n"
                               "      --connect WHERE  only a long name\n";
    char out[sizeof HELP];
    cr_assert_eq(option_parser_help(out, sizeof out, ROWS, COUNT(ROWS)), sizeof HELP - 1);
    cr_assert_str_eq(out, HELP);
}

Test(option_parser, help_is_truncated_to_the_room)
{
    char out[32];
    memset(out, '#', sizeof out);
    cr_assert_eq(option_parser_help(out, 16, ROWS, COUNT(ROWS)),
                 option_parser_help(NULL, 0, ROWS, COUNT(ROWS)));
    cr_assert_str_eq(out, "  -c, --config ");
    cr_assert_eq(out[16], '#');
}
