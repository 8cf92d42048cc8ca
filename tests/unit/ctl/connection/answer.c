#include "ctl/connection/answer.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* What the visitor saw, a line each: "key=value". */
struct seen {
    char text[4096];
    const char *refuse; /* a key that makes no sense */
};

static const char *see(void *state, const char *key, char *value)
{
    struct seen *seen = state;
    if (seen->refuse && strcmp(seen->refuse, key) == 0)
        return "a bad key";
    size_t size = strlen(seen->text);
    snprintf(seen->text + size, sizeof seen->text - size, "%s=%s\n", key, value);
    return NULL;
}

static enum answer_result read_sized(const char *text, size_t size, struct seen *seen,
                                     char error[ANSWER_ERROR_BYTES])
{
    FILE *in = fmemopen((void *)(uintptr_t)text, size, "r");
    cr_assert_not_null(in);
    *error = '\0';
    enum answer_result result = answer_read(in, see, seen, error);
    fclose(in);
    return result;
}

static enum answer_result read_text(const char *text, struct seen *seen,
                                    char error[ANSWER_ERROR_BYTES])
{
    return read_sized(text, strlen(text), seen, error);
}

static void expect_nonsense(const char *text, const char *why)
{
    struct seen seen = {.refuse = "wrong"};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text(text, &seen, error), ANSWER_BROKEN, "'%s'", text);
    cr_expect_not_null(strstr(error, why), "'%s' has no '%s'", error, why);
}

Test(answer, hands_over_keys_and_values)
{
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("ok\nclients 3\nversion 0.1 beta\nempty\nblank \n.\n", &seen, error),
                 ANSWER_OK);
    cr_expect_str_eq(seen.text, "clients=3\nversion=0.1 beta\nempty=\nblank=\n");
}

Test(answer, takes_carriage_returns_as_part_of_the_line_end)
{
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("ok\r\nclients 3\r\n.\r\n", &seen, error), ANSWER_OK);
    cr_expect_str_eq(seen.text, "clients=3\n");
}

Test(answer, stops_behind_the_dot)
{
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("ok\na 1\n.\nb 2\n", &seen, error), ANSWER_OK);
    cr_expect_str_eq(seen.text, "a=1\n");
}

Test(answer, a_refusal_has_the_servers_words_and_its_lines)
{
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("error not applied: 1 problem\nproblem f:1:2: x y\n.\n", &seen, error),
                 ANSWER_REFUSED);
    cr_expect_str_eq(error, "not applied: 1 problem");
    cr_expect_str_eq(seen.text, "problem=f:1:2: x y\n");
}

Test(answer, a_refusal_without_its_end_is_a_refusal)
{
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("error all sessions are taken\n", &seen, error), ANSWER_REFUSED);
    cr_expect_str_eq(error, "all sessions are taken");
}

Test(answer, an_answer_that_ends_early_is_broken)
{
    expect_nonsense("ok\nclients 3\n", "closed the connection");
    expect_nonsense("ok\n", "closed the connection");
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_sized("\n", 1, &seen, error), ANSWER_BROKEN);
}

Test(answer, what_is_no_answer_is_shown_escaped)
{
    expect_nonsense("SSH-2.0-\x1b[31m\n", "SSH-2.0-\\x1b[31m");
    expect_nonsense("okay\n.\n", "neither 'ok' nor 'error'");
    expect_nonsense("ok\nclients", "without an end");
    expect_nonsense("ok\nwrong 1\n.\n", "a bad key");
}

Test(answer, what_it_says_moves_no_cursor)
{
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(read_text("error \x1b[2Jno\a\nproblem a:1:2: \x1b]0;x\x7f\n.\n", &seen, error),
                 ANSWER_REFUSED);
    cr_expect_str_eq(error, "?[2Jno?");
    cr_expect_str_eq(seen.text, "problem=a:1:2: ?]0;x?\n");
}

Test(answer, a_line_has_a_limit)
{
    size_t longest = ANSWER_LINE_BYTES - 2;
    char *text = malloc(longest + 16), error[ANSWER_ERROR_BYTES];
    cr_assert_not_null(text);
    struct seen seen = {0};
    memcpy(text, "ok\n", 3);
    memset(text + 3, 'x', longest);
    memcpy(text + 3 + longest, "\n.\n", 4);
    cr_expect_eq(read_text(text, &seen, error), ANSWER_OK);
    memcpy(text + 3 + longest, "x\n.\n", 5);
    cr_expect_eq(read_text(text, &seen, error), ANSWER_BROKEN);
    cr_expect_not_null(strstr(error, "without an end"), "%s", error);
    free(text);
}

/* ---- Over a socket ---- */

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

Test(answer, nobody_there_is_told_from_other_failures, .fini = remove_directory)
{
    struct answer_server server = {.path = path, .timeout_ms = 1000};
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    int listener = listen_in_directory();
    close(listener);
    cr_expect_eq(answer_ask(&server, "status", see, &seen, error), ANSWER_ABSENT);
    cr_expect_not_null(strstr(error, "start udpsrv"), "%s", error);
    unlink(path);
    cr_expect_eq(answer_ask(&server, "status", see, &seen, error), ANSWER_ABSENT);
    cr_expect_not_null(strstr(error, "(No such file or directory)"), "%s", error);
    server.path = "/etc/passwd/nothing";
    cr_expect_eq(answer_ask(&server, "status", see, &seen, error), ANSWER_BROKEN);
}

Test(answer, a_server_elsewhere_is_pointed_at, .fini = remove_directory)
{
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    int listener = listen_in_directory();
    struct answer_server server = {
        .path = "/nonexistent/socket", .elsewhere = path, .timeout_ms = 1000};
    cr_expect_eq(answer_ask(&server, "status", see, &seen, error), ANSWER_ABSENT);
    cr_expect_not_null(strstr(error, "one does at /tmp/udpctl-"), "%s", error);
    close(listener);
    cr_expect_eq(answer_ask(&server, "status", see, &seen, error), ANSWER_ABSENT);
    cr_expect_null(strstr(error, "/tmp/udpctl-"), "%s", error);
}

static void remove_directory_as_before(void)
{
    if (getuid() == 0)
        cr_assert_eq(seteuid(0), 0);
    remove_directory();
}

Test(answer, a_socket_that_is_not_for_us_names_what_decides, .fini = remove_directory_as_before)
{
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    int listener = listen_in_directory();
    cr_assert_eq(chmod(path, 0), 0);
    if (geteuid() == 0)
        cr_assert_eq(seteuid(65534), 0); /* root may do all */
    struct answer_server server = {.path = path, .timeout_ms = 1000};
    cr_expect_eq(answer_ask(&server, "status", see, &seen, error), ANSWER_BROKEN);
    cr_expect_not_null(strstr(error, "(control.mode, control.group)"), "%s", error);
    server = (struct answer_server){
        .path = "/nonexistent/socket", .elsewhere = path, .timeout_ms = 1000};
    cr_expect_eq(answer_ask(&server, "status", see, &seen, error), ANSWER_ABSENT);
    cr_expect_not_null(strstr(error, "one does at /tmp/udpctl-"), "%s", error);
    close(listener);
}

Test(answer, a_silent_server_is_not_waited_for_longer_than_asked, .fini = remove_directory,
     .timeout = 10)
{
    int listener = listen_in_directory();
    struct answer_server server = {.path = path, .timeout_ms = 20};
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    cr_expect_eq(answer_ask(&server, "status", see, &seen, error), ANSWER_BROKEN);
    cr_expect_not_null(strstr(error, "-t TIME gives it more"), "%s", error);
    close(listener);
}

static void *hang_up(void *listener)
{
    char command[32];
    int fd = accept(*(int *)listener, NULL, NULL);
    /* Behind the command the other one waits for the answer already, or soon does. */
    cr_expect_gt(read(fd, command, sizeof command), 0);
    poll(NULL, 0, 50);
    close(fd);
    return NULL;
}

Test(answer, a_server_that_ends_meanwhile_is_no_matter_of_time, .fini = remove_directory,
     .timeout = 10)
{
    int listener = listen_in_directory();
    struct answer_server server = {.path = path, .timeout_ms = 5000};
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES];
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, hang_up, &listener), 0);
    cr_expect_eq(answer_ask(&server, "status", see, &seen, error), ANSWER_BROKEN);
    cr_expect_not_null(strstr(error, "closed the connection"), "%s", error);
    pthread_join(thread, NULL);
    close(listener);
}

Test(answer, sends_the_command_as_a_line, .fini = remove_directory, .timeout = 10)
{
    int listener = listen_in_directory();
    struct answer_server server = {.path = path, .timeout_ms = 20};
    struct seen seen = {0};
    char error[ANSWER_ERROR_BYTES], line[32] = "";
    answer_ask(&server, "kick 10.0.0.1:5", see, &seen, error);
    int fd = accept(listener, NULL, NULL);
    cr_expect_eq(read(fd, line, sizeof line - 1), 16);
    cr_expect_str_eq(line, "kick 10.0.0.1:5\n");
    close(fd);
    close(listener);
}
