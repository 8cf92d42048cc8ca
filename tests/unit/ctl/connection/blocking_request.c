/* Commands to a control socket that the test listens on. */
#include "ctl/connection/blocking_request.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *ignore_line(void *state, const char *key, char *value)
{
    (void)state;
    (void)key;
    (void)value;
    return NULL;
}

static char directory[] = "/tmp/udpctl-XXXXXX";
static char path[64];

static int listen_in_directory(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/s", directory);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    strcpy(name.sun_path, path);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&name, sizeof name), 0);
    cr_assert_eq(listen(listener, 1), 0);
    return listener;
}

static void remove_directory(void)
{
    unlink(path);
    rmdir(directory);
}

Test(blocking_request, an_absent_server_is_distinguished_from_other_failures,
     .fini = remove_directory)
{
    struct control_server server = {.path = path, .timeout_ms = 1000};
    char error[ANSWER_ERROR_BYTES];
    int listener = listen_in_directory();
    close(listener);
    cr_expect_eq(blocking_request(&server, "status", ignore_line, NULL, error), ANSWER_NO_SERVER);
    cr_expect_not_null(strstr(error, "start udpsrv"), "%s", error);
    unlink(path);
    cr_expect_eq(blocking_request(&server, "status", ignore_line, NULL, error), ANSWER_NO_SERVER);
    cr_expect_not_null(strstr(error, "(No such file or directory)"), "%s", error);
    server.path = "/etc/passwd/nothing";
    cr_expect_eq(blocking_request(&server, "status", ignore_line, NULL, error), ANSWER_FAILED);
}

Test(blocking_request, the_error_names_the_fallback_path_if_a_server_listens_there,
     .fini = remove_directory)
{
    char error[ANSWER_ERROR_BYTES];
    int listener = listen_in_directory();
    struct control_server server = {
        .path = "/nonexistent/socket", .fallback_path = path, .timeout_ms = 1000};
    cr_expect_eq(blocking_request(&server, "status", ignore_line, NULL, error), ANSWER_NO_SERVER);
    cr_expect_not_null(strstr(error, "one does at /tmp/udpctl-"), "%s", error);
    close(listener);
    cr_expect_eq(blocking_request(&server, "status", ignore_line, NULL, error), ANSWER_NO_SERVER);
    cr_expect_null(strstr(error, "/tmp/udpctl-"), "%s", error);
}

static void remove_directory_as_root(void)
{
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
    remove_directory();
}

Test(blocking_request, a_socket_without_permission_names_the_keys_that_decide,
     .fini = remove_directory_as_root)
{
    char error[ANSWER_ERROR_BYTES];
    int listener = listen_in_directory();
    cr_assert_eq(chmod(path, 0), 0);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0); /* root has every permission */
    struct control_server server = {.path = path, .timeout_ms = 1000};
    cr_expect_eq(blocking_request(&server, "status", ignore_line, NULL, error), ANSWER_FAILED);
    cr_expect_not_null(strstr(error, "(control.mode, control.group)"), "%s", error);
    server = (struct control_server){
        .path = "/nonexistent/socket", .fallback_path = path, .timeout_ms = 1000};
    cr_expect_eq(blocking_request(&server, "status", ignore_line, NULL, error), ANSWER_NO_SERVER);
    cr_expect_not_null(strstr(error, "one does at /tmp/udpctl-"), "%s", error);
    close(listener);
}

Test(blocking_request, a_server_that_does_not_answer_ends_in_a_timeout, .fini = remove_directory,
     .timeout = 10)
{
    int listener = listen_in_directory();
    struct control_server server = {.path = path, .timeout_ms = 20};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(blocking_request(&server, "status", ignore_line, NULL, error), ANSWER_FAILED);
    cr_expect_not_null(strstr(error, "set a longer one with -t"), "%s", error);
    close(listener);
}

static void *close_after_command(void *listener)
{
    char command[32];
    int fd = accept(*(int *)listener, NULL, NULL);
    /* The client has sent the command, so it waits for the answer, or will soon. */
    cr_expect_gt(read(fd, command, sizeof command), 0);
    poll(NULL, 0, 50);
    close(fd);
    return NULL;
}

Test(blocking_request, a_closed_connection_is_not_reported_as_a_timeout, .fini = remove_directory,
     .timeout = 10)
{
    int listener = listen_in_directory();
    struct control_server server = {.path = path, .timeout_ms = 5000};
    char error[ANSWER_ERROR_BYTES];
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, close_after_command, &listener), 0);
    cr_expect_eq(blocking_request(&server, "status", ignore_line, NULL, error), ANSWER_FAILED);
    cr_expect_not_null(strstr(error, "closed the connection"), "%s", error);
    pthread_join(thread, NULL);
    close(listener);
}

Test(blocking_request, sends_the_command_as_a_line, .fini = remove_directory, .timeout = 10)
{
    int listener = listen_in_directory();
    struct control_server server = {.path = path, .timeout_ms = 20};
    char error[ANSWER_ERROR_BYTES], line[32] = "";
    blocking_request(&server, "kick 10.0.0.1:5", ignore_line, NULL, error);
    int fd = accept(listener, NULL, NULL);
    cr_expect_eq(read(fd, line, sizeof line - 1), 16);
    cr_expect_str_eq(line, "kick 10.0.0.1:5\n");
    close(fd);
    close(listener);
}
