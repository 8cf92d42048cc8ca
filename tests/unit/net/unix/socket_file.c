/* The identity of a socket's file, and the removal of the file that it identifies. */
#include "net/unix/socket_file.h"

#include "net/unix/unix_listener.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char directory[] = "/tmp/udpsrv-socket-file-XXXXXX", path[64];
static const struct identity SAME = {(uid_t)-1, (gid_t)-1};

static void set_up(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/socket", directory);
}

static void tear_down(void)
{
    unlink(path);
    cr_expect_eq(rmdir(directory), 0, "nothing is left in the directory");
}

TestSuite(socket_file, .init = set_up, .fini = tear_down);

static int open_listener(struct socket_file *file)
{
    int listener = unix_listener_open(path, 0600, &SAME);
    cr_assert_geq(listener, 0);
    cr_assert_eq(socket_file_read(path, file), 0);
    return listener;
}

Test(socket_file, is_removed_while_a_process_listens_there)
{
    struct socket_file file;
    int listener = open_listener(&file);
    socket_file_remove(path, &file);
    cr_assert_neq(access(path, F_OK), 0);
    unix_listener_close(listener);
}

Test(socket_file, of_another_socket_stays)
{
    struct socket_file file, other;
    int listener = open_listener(&file);
    cr_assert_eq(unlink(path), 0);
    int second = open_listener(&other);
    socket_file_remove(path, &file);
    cr_assert(socket_file_is_at(path, &other));
    unix_listener_close(listener);
    unix_listener_close(second);
}

Test(socket_file, that_does_not_exist_any_more_is_no_error)
{
    struct socket_file file;
    int listener = open_listener(&file);
    cr_assert_eq(unlink(path), 0);
    socket_file_remove(path, &file);
    cr_assert_neq(access(path, F_OK), 0);
    unix_listener_close(listener);
}
