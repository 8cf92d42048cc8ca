#include "control_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(control_restore, .init = control_start, .fini = control_stop, .timeout = 60);

Test(control_restore, does_nothing_while_the_file_is_there)
{
    bool made = true;
    cr_assert_eq(control_restore(control_tested, &made), 0);
    cr_expect_not(made);
    operator_is_served();
}

Test(control_restore, makes_the_file_again_and_keeps_sessions_and_who_waits)
{
    bool made = false;
    int session = operator_in_session(), waiting = control_client_open();
    cr_assert_eq(unlink(control_path), 0);
    cr_assert_eq(control_restore(control_tested, &made), 0);
    cr_expect(made);
    operator_expects(session, "echo one\n", "ok\necho one\n.\n");
    operator_expects(waiting, "echo two\n", "ok\necho two\n.\n");
    operator_is_served();
    cr_assert_eq(control_restore(control_tested, &made), 0);
    cr_expect_not(made);
}

Test(control_restore, does_so_again_and_again_without_losing_descriptors)
{
    for (int i = 0; i < 2000; i++) {
        bool made = false;
        cr_assert_eq(unlink(control_path), 0);
        cr_assert_eq(control_restore(control_tested, &made), 0);
        cr_assert(made);
    }
    operator_is_served();
}

Test(control_restore, leaves_what_is_no_socket)
{
    bool made = true;
    cr_assert_eq(unlink(control_path), 0);
    cr_assert_eq(mkdir(control_path, 0700), 0);
    cr_assert_eq(control_restore(control_tested, &made), -EEXIST);
    cr_expect_not(made);
    cr_assert_eq(rmdir(control_path), 0);
    cr_assert_eq(control_restore(control_tested, &made), 0);
    operator_is_served();
}

Test(control_restore, leaves_the_socket_of_another_who_lives)
{
    struct control *another = NULL;
    bool made = true;
    cr_assert_eq(unlink(control_path), 0);
    cr_assert_eq(control_open_another(&another), 0);
    cr_assert_eq(control_restore(control_tested, &made), -EADDRINUSE);
    cr_expect_not(made);
    control_close(another);
    cr_assert_eq(control_restore(control_tested, &made), 0);
    cr_expect(made);
    operator_is_served();
}
