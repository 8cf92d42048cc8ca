#include "completion/bash.h"
#include "completion/fish.h"
#include "completion/zsh.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* A program whose help needs quoting. */
static const struct option_row rows[] = {
    {'f', "file", "FILE", "it's a [file]: C:\\temp"},
    {0, "sort", "up|down", "only for list"},
    {'q', "quiet", NULL, "say nothing"},
    {0, "at", "LISTENER", "only there"},
};

static const struct option_command *command(size_t i)
{
    static const struct option_command commands[] = {
        {"list", "", "what's there", 1u << 1},
        {"drop", "ADDRESS", "one of them", 0},
        {"pick", "this|that", "some", 0},
        {"show", "[@NAME]", "one with a name", 0},
        {"wait", "come|go|[@NAME]", "for this or that", 0},
    };
    return i < 5 ? &commands[i] : NULL;
}

static const struct program_options with_commands = {
    .name = "try", .rows = rows, .row_count = 4, .command = command, .operand = ""};
static const struct program_options without_commands = {
    .name = "ask", .rows = rows, .row_count = 4, .operand = "HOST[:PORT]"};

static const char *written(void (*write)(FILE *out, const struct program_options *program),
                           const struct program_options *program)
{
    static char text[16384];
    FILE *out = fmemopen(text, sizeof text, "w");
    cr_assert_not_null(out);
    write(out, program);
    cr_assert_eq(fclose(out), 0);
    cr_assert_null(strstr(text, "PROGRAM"), "a name was not put in: %s", text);
    return text;
}

static void expect_part(const char *text, const char *part)
{
    cr_expect_not_null(strstr(text, part), "'%s' is not in:\n%s", part, text);
}

Test(completion, an_argument_is_completed_according_to_its_name)
{
    cr_expect_eq(program_options_argument_kind("FILE"), ARGUMENT_FILE);
    cr_expect_eq(program_options_argument_kind("PATH"), ARGUMENT_FILE);
    cr_expect_eq(program_options_argument_kind("idle|address"), ARGUMENT_CHOICE);
    cr_expect_eq(program_options_argument_kind("HOST[:PORT]"), ARGUMENT_HOST);
    cr_expect_eq(program_options_argument_kind("ADDRESS"), ARGUMENT_CLIENT);
    cr_expect_eq(program_options_argument_kind("ADDR"), ARGUMENT_OTHER);
    cr_expect_eq(program_options_argument_kind("[@NAME]"), ARGUMENT_NAME);
    cr_expect_eq(program_options_argument_kind("come|[@NAME]"), ARGUMENT_CHOICE);
    cr_expect(program_options_choice_has_names("come|go|[@NAME]"));
    cr_expect_not(program_options_choice_has_names("come|go"));
    cr_expect_eq(program_options_argument_kind("LISTENER"), ARGUMENT_LISTENER);
    cr_expect_eq(program_options_argument_kind("ID"), ARGUMENT_JOB);
    cr_expect_eq(program_options_argument_kind(""), ARGUMENT_OTHER);
}

Test(completion, a_list_is_a_column_of_the_table_of_a_command)
{
    cr_expect_str_eq(program_options_list_command(ARGUMENT_CLIENT), "clients 1");
    cr_expect_str_eq(program_options_list_command(ARGUMENT_LISTENER), "clients 2");
    cr_expect_str_eq(program_options_list_command(ARGUMENT_JOB), "jobs 1");
    cr_expect_null(program_options_list_command(ARGUMENT_FILE));
}

Test(completion, finds_the_options_that_every_command_has)
{
    size_t i = 0;
    uint32_t common = program_options_common_rows(&with_commands);
    cr_expect_eq(program_options_next_row(&with_commands, common, &i), &rows[0]);
    cr_expect_eq(program_options_next_row(&with_commands, common, &i), &rows[2]);
    cr_expect_eq(program_options_next_row(&with_commands, common, &i), &rows[3]);
    cr_expect_null(program_options_next_row(&with_commands, common, &i));
    cr_expect_eq(program_options_common_rows(&without_commands), UINT32_MAX);
}

Test(completion, bash_offers_the_options_of_a_command_only_after_it)
{
    const char *text = written(bash_write, &with_commands);
    expect_part(text, "local options=' --file --quiet --at'");
    expect_part(text, "list) options+=' --sort' ;;");
    expect_part(text, "--sort) _try_words 'up down' ;;");
    expect_part(text, "-f | --file) _try_files ;;");
    expect_part(text, "1:drop) _try_listed clients 1 ;;");
    expect_part(text, "[1-9]*:pick) _try_words 'this that' ;;");
    expect_part(text, "--at) _try_listed clients 2 ;;");
    expect_part(text, "1:show) _try_listed clients @ ;;");
    expect_part(text, "[1-9]*:wait) _try_words 'come go'; [[ $current == @* ]] && "
                      "_try_listed clients @ ;;");
    text = written(bash_write, &without_commands);
    expect_part(text, "0:) _ask_hosts ;;");
    cr_expect_null(strstr(text, "_ask_listed()"));
}

Test(completion, zsh_descriptions_are_escaped)
{
    const char *text = written(zsh_write, &with_commands);
    expect_part(text, "'*'{-f+,--file=}'[it'\\''s a \\[file\\]\\: C\\:\\\\temp]:FILE:_files'");
    expect_part(text, "'*--sort=[only for list]:up|down:(up down)'");
    expect_part(text, "'*'{-q,--quiet}'[say nothing]'");
    expect_part(text, "'list:what'\\''s there'");
    expect_part(text, "    operand:drop) _try_listed clients 1 ;;");
    expect_part(text, "    (operand|more):pick) compadd this that ;;");
    expect_part(text, "'*--at=[only there]:LISTENER: _try_listed clients 2'");
    expect_part(text, "    operand:show) _try_listed clients @ ;;");
    expect_part(text, "    (operand|more):wait) compadd come go; [[ $PREFIX == @* ]] && "
                      "_try_listed clients @ ;;");
    expect_part(written(zsh_write, &without_commands),
                "_arguments -s -S $options '1:HOST\\[\\:PORT\\]:_hosts'");
}

Test(completion, fish_descriptions_are_escaped)
{
    const char *text = written(fish_write, &with_commands);
    expect_part(text, "complete -c try -s f -l file -r -F -d 'it\\'s a [file]: C:\\\\temp'\n");
    expect_part(text, "complete -c try -n '__try_is list' -l sort -x -a 'up down'");
    expect_part(text, "complete -c try -n '__try_is drop' -x -a '(__try_listed clients 1)'\n");
    expect_part(text, "complete -c try -n '__try_is show' -x -a '(__try_listed clients @)'\n");
    expect_part(text,
                "complete -c try -n '__try_is wait' -x -a 'come go (__try_listed clients @)'\n");
    expect_part(text, "case -f --file --sort --at\n");
    expect_part(written(fish_write, &without_commands),
                "complete -c ask -x -a '(__fish_print_hostnames)'\n");
}
