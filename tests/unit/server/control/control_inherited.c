/* The control socket that another process takes over. */
#include "control_fixture.h"
#include "handover_fixture.h"
#include "server/listen/inherited_sockets.h"

#include <unistd.h>

static struct inherited_sockets inherited;

static void stop(void)
{
    inherited_sockets_close(&inherited);
    control_stop();
}

TestSuite(control_inherited, .init = control_start, .fini = stop, .timeout = 60);

/* Has the next process read the record of the socket. Returns the socket in it. */
static struct inherited_listener *hand_over(void)
{
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    control_hand_over(control_tested, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    cr_assert_eq(inherited_sockets_take_over_one(&inherited, &reader), 0);
    handover_forget(&reader);
    handover_writer_free(&writer);
    struct inherited_listener *entry =
        inherited_sockets_find(&inherited, INHERITED_CONTROL, control_path);
    cr_assert_not_null(entry);
    return entry;
}

/* Opens it as the next process does, and ends this one without its file. */
static void take_over(struct inherited_listener *entry)
{
    struct control *next = NULL;
    struct control_options options = control_tested->options;
    options.path = control_path;
    options.inherited = entry->sockets[0];
    options.inherited_file = entry->file;
    entry->sockets[0] = -1;
    cr_assert_eq(control_open(&next, control_loop, &options), 0);
    control_tested->options.passed = control_tested->listener; /* its file stays */
    control_close(control_tested);
    control_tested = next;
}

Test(control_inherited, serves_new_sessions_and_connections_that_waited)
{
    int waiting = control_client_open();
    take_over(hand_over());
    operator_expect(waiting, "echo one\n", "ok\necho one\n.\n");
    operator_expect_service();
}

Test(control_inherited, keeps_its_file_and_removes_it_at_its_end)
{
    take_over(hand_over());
    cr_assert(socket_file_is_at(control_path, &control_tested->file));
    control_close(control_tested);
    control_tested = NULL;
    cr_assert_neq(access(control_path, F_OK), 0);
}

Test(control_inherited, makes_a_removed_file_again)
{
    bool made = false;
    take_over(hand_over());
    cr_assert_eq(unlink(control_path), 0);
    cr_assert_eq(control_restore(control_tested, &made), 0);
    cr_expect(made);
    operator_expect_service();
}

Test(control_inherited, is_closed_with_its_file_if_the_next_process_has_another_path)
{
    hand_over()->taken = false;
    inherited_sockets_end(&inherited);
    cr_assert_neq(access(control_path, F_OK), 0);
}
