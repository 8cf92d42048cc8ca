/* Tests of ctl/events/event_kinds: operands, and the control line that they make. */
#include "ctl/events/event_kinds.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char command[EVENT_KINDS_COMMAND_BYTES];

static void expect(const char *expected, int count, char *const *kinds)
{
    cr_expect_eq(event_kinds_command(kinds, count, command), -1);
    cr_expect_str_eq(command, expected);
}

Test(event_kinds, makes_a_command_of_no_one_or_several_kinds)
{
    expect("events", 0, NULL);
    expect("events kinds=left", 1, (char *[]){"left"});
    expect("events kinds=left,reloaded", 3, (char *[]){"reloaded", "left", "left"});
}

Test(event_kinds, knows_each_kind_of_the_choice_once)
{
    char words[] = EVENT_KINDS_CHOICE;
    char *kinds[32], *rest = NULL;
    int count = 0;
    for (char *word = strtok_r(words, "|", &rest); word != NULL; word = strtok_r(NULL, "|", &rest))
        kinds[count++] = word;
    cr_assert_eq(event_kinds_command(kinds, count, command), -1);
    const char *list = strchr(command, '=') + 1;
    for (char *comma = command; (comma = strchr(comma, ',')) != NULL;)
        *comma = '|';
    cr_expect_str_eq(list, EVENT_KINDS_CHOICE);
}

Test(event_kinds, leave_a_name_to_a_word_of_its_own)
{
    char word[EVENT_NAME_WORD_BYTES];
    expect("events kinds=left", 2, (char *[]){"@front gate", "left"});
    cr_expect_eq(event_kinds_name((char *[]){"left", "@front gate"}, 2, word), -1);
    cr_expect_str_eq(word, " name=front\\x20gate");
    cr_expect_eq(event_kinds_name((char *[]){"left"}, 1, word), -1);
    cr_expect_str_eq(word, "");
}

Test(event_kinds, refuses_what_is_no_kind_and_suggests_the_nearest)
{
    FILE *errors = tmpfile();
    char text[256];
    cr_assert_not_null(errors);
    cr_assert_geq(dup2(fileno(errors), STDERR_FILENO), 0);
    cr_expect_eq(event_kinds_command((char *[]){"left", "joind"}, 2, command), 2);
    fflush(stderr);
    rewind(errors);
    size_t size = fread(text, 1, sizeof text - 1, errors);
    text[size] = '\0';
    fclose(errors);
    cr_expect_not_null(strstr(text, "unknown kind of event 'joind' (did you mean 'joined'?)"));
}

Test(event_kinds, refuses_a_word_of_any_length, .init = cr_redirect_stderr)
{
    static char longest[100000];
    memset(longest, 'a', sizeof longest - 1);
    cr_expect_eq(event_kinds_command((char *[]){longest}, 1, command), 2);
    cr_expect_eq(event_kinds_command((char *[]){""}, 1, command), 2);
    cr_expect_eq(event_kinds_command((char *[]){"joined,left"}, 1, command), 2);
}
