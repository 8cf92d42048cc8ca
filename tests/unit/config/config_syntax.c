/* The syntax of configuration lines and items. */
#include "config/config_syntax.h"

#include <criterion/criterion.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A line, and what was parsed from it. */
struct parsed {
    char line[128];
    struct config_statement statement;
    struct config_item item;
    const char *wrong;
};

static void read_line(struct parsed *parsed, const char *line)
{
    strcpy(parsed->line, line);
    parsed->wrong = config_statement_read(&parsed->statement, parsed->line, strlen(parsed->line));
}

static void read_item(struct parsed *parsed, const char *value, bool list)
{
    strcpy(parsed->line, value);
    parsed->wrong = config_item_read(&parsed->item, parsed->line, list);
}

Test(config_syntax, blank_lines_and_comments_are_empty)
{
    static const char *const EMPTY[] = {"", " ", "\t \t", "# x = y", ";[z]", "  # [server"};
    for (size_t i = 0; i < COUNT(EMPTY); i++) {
        struct parsed parsed;
        read_line(&parsed, EMPTY[i]);
        cr_expect_null(parsed.wrong, "%s", EMPTY[i]);
        cr_expect_eq(parsed.statement.form, CONFIG_EMPTY);
    }
}

Test(config_syntax, a_section_is_a_name_in_brackets)
{
    static const char *const SECTIONS[] = {"[log]", "  [log]  ", "[ log\t]", "[log]#x", "[log] ;]"};
    for (size_t i = 0; i < COUNT(SECTIONS); i++) {
        struct parsed parsed;
        read_line(&parsed, SECTIONS[i]);
        cr_expect_null(parsed.wrong, "%s", SECTIONS[i]);
        cr_expect_eq(parsed.statement.form, CONFIG_SECTION);
        cr_expect_str_eq(parsed.statement.name, "log");
    }
}

Test(config_syntax, a_setting_is_a_name_and_all_after_the_first_equals_sign)
{
    struct parsed parsed;
    read_line(&parsed, " \tmax-datagram\t = a = b # c");
    cr_assert_null(parsed.wrong);
    cr_assert_eq(parsed.statement.form, CONFIG_SETTING);
    cr_assert_str_eq(parsed.statement.name, "max-datagram");
    cr_assert_str_eq(parsed.statement.value, " a = b # c");
    read_line(&parsed, "a=");
    cr_assert_str_eq(parsed.statement.name, "a");
    cr_assert_str_eq(parsed.statement.value, "");
}

Test(config_syntax, an_error_in_a_line_is_returned_with_its_position)
{
    static const struct {
        const char *line;
        int column;
        const char *wrong;
        enum config_form form;
    } BAD[] = {
        {"  [log", 2, "']' is missing", CONFIG_SECTION},
        {"[log] x", 6, "only a comment may follow ']'", CONFIG_SECTION},
        {"[log]]", 5, "only a comment may follow ']'", CONFIG_SECTION},
        {" ttl", 1, "neither '[section]' nor 'key = value'", CONFIG_EMPTY},
        {"ttl 10s # = x", 0, NULL, CONFIG_SETTING}, /* an unknown key */
        {" = 10s", 1, "the key is missing before '='", CONFIG_EMPTY},
        {"a = \x1b[2J", 4, "a control character: this is not a text file", CONFIG_EMPTY},
        {"# \x7f", 2, "a control character: this is not a text file", CONFIG_EMPTY},
        {"\r", 0, "a control character: this is not a text file", CONFIG_EMPTY},
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct parsed parsed;
        read_line(&parsed, BAD[i].line);
        cr_expect_eq(parsed.statement.form, BAD[i].form, "%s", BAD[i].line);
        if (BAD[i].wrong) {
            cr_expect_str_eq(parsed.wrong, BAD[i].wrong, "%s", BAD[i].line);
            cr_expect_eq(parsed.statement.wrong - parsed.line, BAD[i].column, "%s", BAD[i].line);
        }
    }
}

Test(config_syntax, a_nul_byte_is_a_control_character)
{
    struct config_statement statement;
    char line[] = "a = b\0c";
    cr_assert_not_null(config_statement_read(&statement, line, sizeof line - 1));
    cr_assert_eq(statement.wrong - line, 5);
}

Test(config_syntax, bytes_beyond_ascii_are_text)
{
    struct parsed parsed;
    read_line(&parsed, "message = h\xc3\xa9llo \xff");
    cr_assert_null(parsed.wrong);
    cr_assert_eq(parsed.statement.form, CONFIG_SETTING);
}

Test(config_syntax, an_item_without_quotes_ends_at_a_comment_and_is_trimmed)
{
    static const struct {
        const char *value, *item;
    } ITEMS[] = {
        {"a", "a"},         {"  a b\t", "a b"},   {" a # b", "a"},   {" a\t;b", "a"},
        {"a#b;c", "a#b;c"}, {"#a", "#a"},         {" # a", ""},      {"", ""},
        {"  ", ""},         {"a\"b\"", "a\"b\""}, {"a\\n", "a\\n"},  {"a,b", "a,b"},
        {"a = b", "a = b"}, {"; a", "; a"},       {" a #b #c", "a"},
    };
    for (size_t i = 0; i < COUNT(ITEMS); i++) {
        struct parsed parsed;
        read_item(&parsed, ITEMS[i].value, false);
        cr_expect_null(parsed.wrong, "%s", ITEMS[i].value);
        cr_expect_str_eq(parsed.item.bytes, ITEMS[i].item);
        cr_expect_eq(parsed.item.size, strlen(ITEMS[i].item));
        cr_expect_null(parsed.item.next);
        cr_expect_not(parsed.item.quoted);
    }
}

Test(config_syntax, a_quoted_item_keeps_blanks_comments_and_commas)
{
    struct parsed parsed;
    read_item(&parsed, "  \" a # b, c ; \"  # d", true);
    cr_assert_null(parsed.wrong);
    cr_assert_str_eq(parsed.item.bytes, " a # b, c ; ");
    cr_assert(parsed.item.quoted);
    cr_assert_null(parsed.item.next);
}

Test(config_syntax, a_quoted_item_may_be_empty)
{
    struct parsed parsed;
    read_item(&parsed, "\"\"", false);
    cr_assert_null(parsed.wrong);
    cr_assert_eq(parsed.item.size, 0);
    cr_assert(parsed.item.quoted);
}

Test(config_syntax, escapes_stand_for_bytes)
{
    static const char BYTES[] = "\n\t\r\\\"\0\xff\x1b[x";
    struct parsed parsed;
    read_item(&parsed, "\"\\n\\t\\r\\\\\\\"\\x00\\xfF\\x1b[x\"", false);
    cr_assert_null(parsed.wrong);
    cr_assert_eq(parsed.item.size, sizeof BYTES - 1);
    cr_assert_arr_eq(parsed.item.bytes, BYTES, sizeof BYTES);
}

Test(config_syntax, commas_separate_the_items_of_a_list)
{
    static const char *const ITEMS[] = {"audi", "a, b", "x y", "", "#z", "bmw"};
    struct parsed parsed;
    strcpy(parsed.line, " audi , \"a, b\",x y,,#z,bmw # end");
    char *value = parsed.line;
    for (size_t i = 0; i < COUNT(ITEMS); i++) {
        cr_assert_null(config_item_read(&parsed.item, value, true));
        cr_assert_str_eq(parsed.item.bytes, ITEMS[i]);
        value = parsed.item.next;
        cr_assert_eq(value == NULL, i + 1 == COUNT(ITEMS));
    }
}

Test(config_syntax, an_error_in_an_item_is_returned_with_its_position)
{
    static const char CLOSE[] = "the quote is not closed";
    static const char ESCAPE[] =
        "unknown escape sequence: the known ones are \\n \\t \\r \\\\ \\\" and \\xNN";
    static const struct {
        const char *value;
        bool list;
        int column;
        const char *wrong;
    } BAD[] = {
        {" \"abc", false, 1, CLOSE},
        {"\"", false, 0, CLOSE},
        {"\"abc\\\"", false, 0, CLOSE},
        {"\"ab\\q\"", false, 3, ESCAPE},
        {"\"ab\\", false, 3, ESCAPE},
        {"\"\\x\"", false, 1, ESCAPE},
        {"\"\\x1\"", false, 1, ESCAPE},
        {"\"\\x1", false, 1, ESCAPE},
        {"\"\\x", false, 1, ESCAPE},
        {"\"\\xzz\"", false, 1, ESCAPE},
        {"\"a\" b", false, 4, "only a comment may follow the closing quote"},
        {"\"a\", b", false, 3, "only a comment may follow the closing quote"},
        {"\"a\"b, c", true, 3, "only ',' or a comment may follow the closing quote"},
    };
    for (size_t i = 0; i < COUNT(BAD); i++) {
        struct parsed parsed;
        read_item(&parsed, BAD[i].value, BAD[i].list);
        cr_assert_not_null(parsed.wrong, "%s", BAD[i].value);
        cr_expect_str_eq(parsed.wrong, BAD[i].wrong, "%s", BAD[i].value);
        cr_expect_eq(parsed.item.wrong - parsed.line, BAD[i].column, "%s", BAD[i].value);
    }
}
