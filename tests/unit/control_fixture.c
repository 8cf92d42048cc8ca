#include "control_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct loop *control_loop;
struct control *control_tested;
char control_path[64];
struct control_session *control_waiting;
struct listing control_listing;

static char directory[] = "/tmp/control-XXXXXX";

void control_stop_loop(void *state)
{
    (void)state;
    loop_stop(control_loop);
}

void control_turn(int rounds)
{
    struct loop_task stop = {.run = control_stop_loop};
    while (rounds-- > 0) {
        loop_defer(control_loop, &stop);
        cr_assert_eq(loop_run_until_stopped(control_loop), 0);
    }
}

/* ---- The commands ---- */

static struct loop_task later;

static void run_ping(void *state, struct control_session *session, char *arguments)
{
    (void)arguments;
    control_ok(session);
    control_line(session, "state", "%s", (char *)state);
    control_end(session);
}

static void run_echo(void *state, struct control_session *session, char *arguments)
{
    (void)state;
    control_ok(session);
    control_line(session, "echo", "%s", arguments);
    control_end(session);
}

static void run_size(void *state, struct control_session *session, char *arguments)
{
    (void)state;
    control_ok(session);
    control_line(session, "size", "%zu", strlen(arguments));
    control_end(session);
}

static void run_lines(void *state, struct control_session *session, char *arguments)
{
    (void)state;
    (void)arguments;
    static char longest[2 * CONTROL_LINE_BYTES_MAX];
    memset(longest, 'x', sizeof longest - 1);
    control_ok(session);
    control_line(session, "forged", "%s", "a\n.\nok\n");
    control_line(session, "empty", "%s", "");
    control_line(session, "long", "%s", longest);
    control_end(session);
}

static void run_wait(void *state, struct control_session *session, char *arguments)
{
    (void)state;
    (void)arguments;
    control_waiting = session;
}

static void finish_later(void *state)
{
    struct control_session *session = state;
    control_error(session, "%s is over", "later");
    control_end(session);
}

static void run_later(void *state, struct control_session *session, char *arguments)
{
    (void)state;
    (void)arguments;
    later = (struct loop_task){.run = finish_later, .state = session};
    loop_defer(control_loop, &later);
}

/* Writes slices of 100 lines, as a listing of a million clients does. */
static void go_on(void *state)
{
    (void)state;
    control_listing.slices++;
    for (int i = 0; i < 100 && control_listing.written < control_listing.lines; i++)
        control_line(control_listing.session, "line", "%d", control_listing.written++);
    control_listing.left_early = control_gone(control_listing.session);
    if (control_listing.left_early || control_listing.written == control_listing.lines)
        control_end(control_listing.session);
    else if (!control_write_later(control_listing.session, go_on, NULL))
        loop_defer(control_loop, &control_listing.task);
}

static void run_list(void *state, struct control_session *session, char *arguments)
{
    (void)state;
    control_listing =
        (struct listing){.session = session, .lines = atoi(arguments), .task = {.run = go_on}};
    control_ok(session);
    go_on(NULL);
}

static const struct control_command commands[] = {
    {"ping", "", "answers", run_ping, false},
    {"echo", "TEXT", "repeats", run_echo, false},
    {"size", "[TEXT]", "measures", run_size, false},
    {"lines", "", "odd lines", run_lines, false},
    {"wait", "", "waits for the test", run_wait, false},
    {"later", "", "ends in a task", run_later, true},
    {"list", "COUNT", "many lines", run_list, false},
    {"help", "", "this", control_help, false},
};

/* ---- The server and its peers ---- */

int control_open_another(struct control **opened)
{
    static char state[] = "handed in";
    const struct control_options options = {
        .path = control_path,
        .mode = 0660,
        .owner = {(uid_t)-1, (gid_t)-1},
        .commands = commands,
        .command_count = sizeof commands / sizeof commands[0],
        .state = state,
    };
    return control_open(opened, control_loop, &options);
}

void control_start(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(control_path, sizeof control_path, "%s/socket", directory);
    control_loop = loop_new();
    cr_assert_not_null(control_loop);
    cr_assert_eq(control_open_another(&control_tested), 0);
}

void control_stop(void)
{
    if (control_tested)
        control_close(control_tested);
    loop_free(control_loop);
    cr_expect_eq(rmdir(directory), 0, "nothing is left in the directory");
}

int operator_open(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    strcpy(name.sun_path, control_path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&name, sizeof name), 0, "%s", strerror(errno));
    return fd;
}

int operator_in_session(void)
{
    int fd = operator_open();
    control_turn(2);
    return fd;
}

void operator_say_bytes(int fd, const char *bytes, size_t size)
{
    cr_assert_eq(send(fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL), (ssize_t)size);
}

void operator_say(int fd, const char *text)
{
    operator_say_bytes(fd, text, strlen(text));
}

const char *operator_hear(int fd)
{
    static char text[4 * CONTROL_LINE_BYTES_MAX];
    size_t size = 0;
    for (int round = 0; round < 20; round++) {
        control_turn(1);
        ssize_t got = recv(fd, text + size, sizeof text - 1 - size, MSG_DONTWAIT);
        size += got > 0 ? (size_t)got : 0;
    }
    text[size] = '\0';
    return text;
}

bool operator_is_closed(int fd)
{
    char byte;
    control_turn(2);
    ssize_t got = recv(fd, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

void operator_expects(int fd, const char *command, const char *answer)
{
    operator_say(fd, command);
    cr_expect_str_eq(operator_hear(fd), answer, "to '%s'", command);
}

void operator_is_served(void)
{
    int fd = operator_in_session();
    operator_expects(fd, "ping\n", "ok\nstate handed in\n.\n");
    close(fd);
}

void operator_expects_listing(int fd, int lines)
{
    static char text[1 << 16];
    size_t size = 0;
    int expected = -1; /* the first line is "ok" */
    for (int rounds = 0; rounds < 1000000; rounds++) {
        control_turn(1);
        ssize_t got = recv(fd, text + size, sizeof text - size, MSG_DONTWAIT);
        size += got > 0 ? (size_t)got : 0;
        char *line = text;
        for (char *end; (end = memchr(line, '\n', size - (size_t)(line - text))); line = end + 1) {
            char wanted[32] = "ok";
            *end = '\0';
            if (expected >= 0)
                snprintf(wanted, sizeof wanted, expected < lines ? "line %d" : ".", expected);
            cr_assert_str_eq(line, wanted);
            if (++expected > lines)
                return;
        }
        size -= (size_t)(line - text);
        memmove(text, line, size);
    }
    cr_assert_fail("the listing stopped at line %d", expected);
}
