/* A service manager that the test itself implements. */

#define HARNESS_INTERNAL
#include "stand_in_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    PASSED_MAX = 16,
    FIRST = 3,   /* the descriptors that a server gets */
    ABOVE = 400, /* other numbers */
    NOBODY = 65534,
};

static int notifications = -1;
static const char *address; /* in the form of NOTIFY_SOCKET; NULL: it is not set */
static const char *watchdog;
static int passed[PASSED_MAX];
static size_t passed_count;

/* ---- notifications ---- */

void manager_open(enum manager_address kind)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (notifications >= 0)
        close(notifications);
    notifications = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address = kind == MANAGER_PATH ? harness_path("notify")
                                   : harness_format("@udpsrv-test-%d", (int)getpid());
    if (kind == MANAGER_PATH)
        unlink(address);
    memcpy(name.sun_path, address, strlen(address));
    if (kind == MANAGER_ABSTRACT)
        name.sun_path[0] = '\0';
    size_t size = offsetof(struct sockaddr_un, sun_path) + strlen(address);
    if (bind(notifications, (struct sockaddr *)&name, (socklen_t)size) < 0)
        harness_fail("expected to bind to %s: %s", address, strerror(errno));
}

void manager_set_address(const char *other)
{
    address = other;
}

void manager_set_watchdog_ms(int ms)
{
    watchdog = harness_format("%d", ms * 1000);
}

void manager_fill(void)
{
    struct sockaddr_un name;
    socklen_t size = sizeof name;
    int other = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (other < 0 || getsockname(notifications, (struct sockaddr *)&name, &size) < 0 ||
        connect(other, (struct sockaddr *)&name, size) < 0)
        harness_fail("expected to notify the manager: %s", strerror(errno));
    while (send(other, "STATUS=x", 8, 0) == 8)
        ;
    close(other);
}

/* Returns the next notification that arrives before the deadline, or NULL. */
static const char *receive(int64_t deadline_ms)
{
    char text[4096];
    for (;;) {
        ssize_t size = recv(notifications, text, sizeof text - 1, 0);
        if (size >= 0)
            return harness_format("%.*s", (int)size, text);
        int64_t left_ms = deadline_ms - harness_now_ms();
        struct pollfd wait = {.fd = notifications, .events = POLLIN};
        if (left_ms <= 0)
            return NULL;
        poll(&wait, 1, (int)left_ms);
    }
}

static const char *await(const char *text, int ms)
{
    int64_t deadline_ms = harness_now_ms() + ms;
    const char *got;
    do
        got = receive(deadline_ms);
    while (got != NULL && strstr(got, text) == NULL);
    return got;
}

const char *manager_await(const char *text)
{
    const char *got = await(text, HARNESS_DEADLINE_MS);
    if (got == NULL)
        harness_fail("expected a notification with '%s'", text);
    return got;
}

bool manager_receives(const char *text, int ms)
{
    return await(text, ms) != NULL;
}

/* ---- sockets ---- */

void manager_pass(int fd)
{
    if (passed_count == PASSED_MAX)
        harness_fail("expected at most %d sockets", PASSED_MAX);
    passed[passed_count++] = fd;
}

int manager_passed(size_t i)
{
    return i < passed_count ? passed[i] : -1;
}

void manager_forget_sockets(void)
{
    while (passed_count > 0)
        close(passed[--passed_count]);
}

/* Binds a socket of that type, and passes it. */
static struct endpoint pass_ip(const char *local, int type, bool shares_port)
{
    const int shares = shares_port, on = 1;
    struct endpoint at = endpoint_of(local);
    int fd = socket(at.sockaddr.ss_family, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &shares, sizeof shares) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(fd, (struct sockaddr *)&at.sockaddr, at.size) < 0 ||
        (type == SOCK_STREAM && listen(fd, 64) < 0))
        harness_fail("expected to bind to %s: %s", local, strerror(errno));
    getsockname(fd, (struct sockaddr *)&at.sockaddr, &at.size);
    manager_pass(fd);
    return at;
}

struct endpoint manager_pass_udp(const char *local, bool shares_port)
{
    return pass_ip(local, SOCK_DGRAM, shares_port);
}

struct endpoint manager_pass_tcp(const char *local)
{
    return pass_ip(local, SOCK_STREAM, false);
}

void manager_pass_unix(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) < 0 || listen(fd, 64) < 0)
        harness_fail("expected to listen at %s: %s", path, strerror(errno));
    manager_pass(fd);
}

/* ---- the server ---- */

static void set(const char *variable, const char *value)
{
    if (value != NULL)
        setenv(variable, value, 1);
}

static void prepare(pid_t pid)
{
    char number[24];
    for (size_t i = 0; i < passed_count; i++)
        passed[i] = fcntl(passed[i], F_DUPFD_CLOEXEC, ABOVE);
    for (size_t i = 0; i < passed_count; i++)
        dup2(passed[i], FIRST + (int)i);
    set("NOTIFY_SOCKET", address);
    set("WATCHDOG_USEC", watchdog);
    snprintf(number, sizeof number, "%d", (int)pid);
    set("WATCHDOG_PID", watchdog != NULL ? number : NULL);
    if (passed_count == 0)
        return;
    set("LISTEN_PID", number);
    snprintf(number, sizeof number, "%zu", passed_count);
    set("LISTEN_FDS", number);
    set("LISTEN_FDNAMES", "first:second");
}

void manager_prepare(void)
{
    prepare(getpid());
}

void manager_prepare_too_many(void)
{
    prepare(getpid());
    set("LISTEN_FDS", "1000");
}

void manager_prepare_another(void)
{
    prepare(getppid());
}

void manager_prepare_nobody(void)
{
    prepare(getpid());
    if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
        _exit(1);
}
