/* Recreating the file of the control socket. */
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
    operator_expect_service();
}

Test(control_restore, creates_the_file_again_and_keeps_sessions_and_waiting_connections)
{
    bool made = false;
    int session = operator_open_session(), waiting = control_client_open();
    cr_assert_eq(unlink(control_path), 0);
    cr_assert_eq(control_restore(control_tested, &made), 0);
    cr_expect(made);
    operator_expect(session, "echo one\n", "ok\necho one\n.\n");
    operator_expect(waiting, "echo two\n", "ok\necho two\n.\n");
    operator_expect_service();
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
    operator_expect_service();
}

Test(control_restore, does_not_replace_a_file_that_is_not_a_socket)
{
    bool made = true;
    cr_assert_eq(unlink(control_path), 0);
    cr_assert_eq(mkdir(control_path, 0700), 0);
    cr_assert_eq(control_restore(control_tested, &made), -EEXIST);
    cr_expect_not(made);
    cr_assert_eq(rmdir(control_path), 0);
    cr_assert_eq(control_restore(control_tested, &made), 0);
    operator_expect_service();
}

Test(control_restore, does_not_replace_the_socket_of_another_live_process)
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
    operator_expect_service();
}
