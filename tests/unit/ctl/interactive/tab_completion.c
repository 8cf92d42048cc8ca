#include "ctl/interactive/tab_completion.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct control_server absent_server = {.path = "/nonexistent/sock"};

/* Returns the words offered at the end of line, separated by blanks; *begin is their position. */
static const char *offers(const char *line, size_t *begin)
{
    static struct tab_completion completion;
    static struct line_editor_choices choices;
    static char text[4096];
    completion.server = &absent_server;
    choices = (struct line_editor_choices){0};
    tab_completion_complete(&completion, line, strlen(line), &choices);
    cr_assert_leq(choices.begin, strlen(line));
    text[0] = '\0';
    for (size_t i = 0; i < choices.count; i++) {
        cr_assert_eq(strncmp(choices.words[i], line + choices.begin, strlen(line) - choices.begin),
                     0);
        strcat(strcat(text, i > 0 ? " " : ""), choices.words[i]);
    }
    *begin = choices.begin;
    tab_completion_free(&completion);
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
    expect_offers("st", 0, "status stats streams stop");
    expect_offers("  w", 2, "watch");
    expect_offers("q", 0, "quit");
    expect_offers("-t 5s --json sta", 13, "status stats");
    expect_offers("nosuch", 0, "");
}

Test(tab_completion, offers_the_options_that_go_with_a_command)
{
    expect_offers("clients --l", 8, "--limit --listener");
    expect_offers("kick --", 5,
                  "--socket --timeout --json --address --listener --idle-max --yes --help "
                  "--version");
    expect_offers("status --l", 7, "");
    expect_offers("broadcast --", 10,
                  "--socket --timeout --json --stdin --hex --no-wait --confirm --within --key "
                  "--entries-added --to --listener --idle-max --help --version");
    expect_offers("send --c", 5, "--confirm");
    expect_offers("job --", 4, "--socket --timeout --json --silent --confirmed --help --version");
    expect_offers("--j", 0, "--json");
}

Test(tab_completion, offers_the_words_of_a_choice)
{
    expect_offers("clients --sort ", 15, "idle address");
    expect_offers("clients --sort a", 15, "address");
    expect_offers("clients --sort=i", 15, "idle");
    expect_offers("clients --limit ", 16, "");
    expect_offers("clients -t=i", 8, "");
    expect_offers("events j", 7, "joined job_queued job_started job_ended");
    expect_offers("events joined st", 14, "stream_closed");
    expect_offers("events --co", 7, "--count");
}

Test(tab_completion, offers_nothing_for_free_text_or_without_a_server)
{
    expect_offers("status ", 7, "");
    expect_offers("broadcast hi", 10, "");
    expect_offers("kick ", 5, ""); /* no server answers */
    expect_offers("kick a ", 7, "");
    expect_offers("kick --listener ", 16, "");
    expect_offers("send ", 5, "");
    expect_offers("nosuch ", 7, "");
}
