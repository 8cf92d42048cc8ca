/* Tests of ctl/commands/confirmation: which answers are a yes. */
#include "ctl/commands/confirmation.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void redirect(void)
{
    cr_redirect_stderr();
}

TestSuite(confirmation, .init = redirect);

/* Asks with this text on standard input. */
static bool is_yes(const char *text)
{
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    cr_assert_eq(write(pipes[1], text, strlen(text)), (ssize_t)strlen(text));
    close(pipes[1]);
    cr_assert_eq(dup2(pipes[0], STDIN_FILENO), STDIN_FILENO);
    close(pipes[0]);
    clearerr(stdin);
    return confirmation_ask("remove 3 clients?");
}

Test(confirmation, is_y_or_yes_in_either_case)
{
    cr_expect(is_yes("y\n"));
    cr_expect(is_yes("Y\n"));
    cr_expect(is_yes("yes\n"));
    cr_expect(is_yes("YES\n"));
    cr_expect(is_yes("yes"), "the input may end without a newline");
}

Test(confirmation, is_not_any_other_line_nor_the_end_of_the_input)
{
    static const char *const others[] = {"n\n", "\n", "", "yesterday\n", "ye\n", " y\n", "y es\n"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_expect_not(is_yes(others[i]), "'%s'", others[i]);
}

Test(confirmation, reads_one_line_of_the_input)
{
    char next[16];
    cr_expect_not(is_yes("a long answer of many words\ny\n"));
    cr_assert_not_null(fgets(next, sizeof next, stdin));
    cr_expect_str_eq(next, "y\n");
}

Test(confirmation, is_not_possible_without_a_terminal)
{
    is_yes("");
    cr_expect_not(confirmation_is_possible());
}
