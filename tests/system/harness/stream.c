/* Connections to a TCP or Unix listener, on which a message is a line or a chunk. */
#define HARNESS_INTERNAL
#include "process.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const void *name, socklen_t size, int family)
{
    int stream = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (stream < 0 || connect(stream, name, size) != 0)
        harness_fail("expected a connection: %s", strerror(errno));
    return stream;
}

int stream_open(const char *name)
{
    if (strncmp(name, "tcp:", 4) == 0) {
        struct endpoint at = endpoint_of(name + 4);

        return connect_to(&at.sockaddr, at.size, at.sockaddr.ss_family);
    }
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strncmp(name, "unix:", 5) != 0 || strlen(name + 5) >= sizeof at.sun_path)
        harness_fail("expected the name of a stream, not '%s'", name);
    strcpy(at.sun_path, name + 5);
    return connect_to(&at, sizeof at, AF_UNIX);
}

const char *stream_refusing(void)
{
    struct endpoint at = endpoint_of("127.0.0.1");
    int stream = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (stream < 0 || bind(stream, (const struct sockaddr *)&at.sockaddr, at.size) != 0 ||
        getsockname(stream, (struct sockaddr *)&at.sockaddr, &at.size) != 0)
        harness_fail("expected a TCP socket: %s", strerror(errno));
    return endpoint_text(&at);
}

void stream_write_text(int stream, const char *text)
{
    if (send(stream, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
        harness_fail("expected '%s' to be sent: %s", text, strerror(errno));
}

/* Reads one byte. Returns 1, or 0 at the end of the stream; fails the test at the deadline. */
static ssize_t read_byte(int stream, char *byte)
{
    struct pollfd wait = {.fd = stream, .events = POLLIN};

    if (poll(&wait, 1, HARNESS_DEADLINE_MS) != 1)
        harness_fail("expected a byte or the end, received nothing");
    ssize_t got = recv(stream, byte, 1, 0);
    return got > 0 ? got : 0;
}

const char *stream_line(int stream)
{
    struct bytes line = {0};
    char byte;

    while (read_byte(stream, &byte) > 0) {
        if (byte == '\n')
            return line.data != NULL ? line.data : "";
        bytes_add(&line, &byte, 1);
    }
    if (line.size > 0)
        harness_fail("expected a whole line, received '%s' and then the end", line.data);
    return NULL;
}

void stream_expect(int stream, const char *line)
{
    const char *received = stream_line(stream);

    if (received == NULL || strcmp(received, line) != 0)
        harness_fail("expected the line '%s', received %s%s", line,
                     received == NULL ? "the end" : "", received == NULL ? "" : received);
}

void stream_expect_bytes(int stream, const char *text)
{
    struct bytes received = {0};
    char byte;

    while (received.size < strlen(text) && read_byte(stream, &byte) > 0)
        bytes_add(&received, &byte, 1);
    if (received.size < strlen(text) || memcmp(received.data, text, strlen(text)) != 0)
        harness_fail("expected '%s', received '%s'", text,
                     received.data != NULL ? received.data : "");
}

void stream_expect_end(int stream)
{
    char byte;

    if (read_byte(stream, &byte) != 0)
        harness_fail("expected the end, received '%c'", byte);
}

void stream_expect_nothing(int stream, const char *what)
{
    char bytes[256];
    ssize_t got = recv(stream, bytes, sizeof bytes - 1, MSG_DONTWAIT);

    if (got < 0 && errno == EAGAIN)
        return;
    bytes[got > 0 ? got : 0] = '\0';
    harness_fail("expected nothing (%s), received '%s'", what, bytes);
}

void stream_reset(int stream)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    setsockopt(stream, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(stream);
}
