#include "ctl/tab_completion.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct answer_server nobody = {.path = "/nonexistent/sock"};

/* What Tab offers at the end of line, with a blank between; *begin is where that would stand. */
static const char *offers(const char *line, size_t *begin)
{
    static struct tab_completion complete;
    static struct line_editor_choices choices;
    static char text[4096];
    complete.server = &nobody;
    choices = (struct line_editor_choices){0};
    tab_completion_line(&complete, line, strlen(line), &choices);
    cr_assert_leq(choices.begin, strlen(line));
    text[0] = '\0';
    for (size_t i = 0; i < choices.count; i++) {
        cr_assert_eq(strncmp(choices.words[i], line + choices.begin, strlen(line) - choices.begin),
                     0);
        strcat(strcat(text, i > 0 ? " " : ""), choices.words[i]);
    }
    *begin = choices.begin;
    tab_completion_free(&complete);
    return text;
}

static void expect_offers(const char *line, size_t begin, const char *words)
{
    size_t found;
    cr_expect_str_eq(offers(line, &found), words, "'%s'", line);
    cr_expect_eq(found, begin, "'%s'", line);
}

Test(tab_completion, offers_commands_first)
{
    expect_offers("st", 0, "status stats stop");
    expect_offers("  w", 2, "watch");
    expect_offers("q", 0, "quit");
    expect_offers("-t 5s --json sta", 13, "status stats");
    expect_offers("nosuch", 0, "");
}

Test(tab_completion, offers_the_options_that_go_with_a_command)
{
    expect_offers("clients --l", 8, "--limit");
    expect_offers("status --l", 7, "");
    expect_offers("broadcast --", 10,
                  "--socket --timeout --json --stdin --hex --no-wait --help --version");
    expect_offers("--j", 0, "--json");
}

Test(tab_completion, offers_the_words_of_a_choice)
{
    expect_offers("clients --sort ", 15, "idle address");
    expect_offers("clients --sort a", 15, "address");
    expect_offers("clients --sort=i", 15, "idle");
    expect_offers("clients --limit ", 16, "");
    expect_offers("clients -t=i", 8, "");
}

Test(tab_completion, offers_nothing_where_nothing_is_known)
{
    expect_offers("status ", 7, "");
    expect_offers("broadcast he", 10, "");
    expect_offers("kick ", 5, ""); /* nobody is there to be asked */
    expect_offers("kick a ", 7, "");
    expect_offers("nosuch ", 7, "");
}
