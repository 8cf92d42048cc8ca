/* Subscribers by raw control lines: see subscriber.h. */
#define HARNESS_INTERNAL
#include "subscriber.h"

#include "process.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void subscriber_open(struct subscriber *subscriber, const struct server *server,
                     const char *command)
{
    *subscriber = (struct subscriber){.control = control_client_open(server)};
    const char *line = harness_format("%s\n", command);
    operator_send(subscriber->control, line, strlen(line));
    const char *first = subscriber_line(subscriber);
    if (strcmp(first, "ok") != 0)
        harness_fail("expected ok to '%s', '%s' came", command, first);
}

void subscriber_close(struct subscriber *subscriber)
{
    close(subscriber->control);
}

/* Drops what was returned, and appends what arrives. */
static void receive(struct subscriber *subscriber)
{
    struct pollfd wait = {.fd = subscriber->control, .events = POLLIN};
    static char buffer[1 << 16];
    if (poll(&wait, 1, HARNESS_DEADLINE_MS) != 1)
        harness_fail("expected a line of the subscription, none came; %lld delivered, %lld lost",
                     (long long)subscriber->delivered, (long long)subscriber->lost);
    ssize_t size = recv(subscriber->control, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
        harness_fail("expected a line of the subscription, the session has ended");
    if (size <= 0)
        return;
    struct bytes *input = &subscriber->input;
    if (subscriber->read > 0) {
        input->size -= subscriber->read;
        memmove(input->data, input->data + subscriber->read, input->size);
        subscriber->read = 0;
    }
    bytes_add(input, buffer, (size_t)size);
}

static void count(struct subscriber *subscriber, const char *line)
{
    if (strncmp(line, "lost ", 5) == 0)
        subscriber->lost += strtoll(line + 5, NULL, 10);
    else if (strncmp(line, "message ", 8) == 0 || strncmp(line, "event ", 6) == 0)
        subscriber->delivered++;
}

const char *subscriber_line(struct subscriber *subscriber)
{
    struct bytes *input = &subscriber->input;
    char *newline = NULL;
    for (;;) {
        size_t left = input->size - subscriber->read;
        if (left > 0)
            newline = memchr(input->data + subscriber->read, '\n', left);
        if (newline != NULL)
            break;
        receive(subscriber);
    }
    char *line = input->data + subscriber->read;
    *newline = '\0';
    subscriber->read = (size_t)(newline + 1 - input->data);
    count(subscriber, line);
    return line;
}

const char *subscriber_expect(struct subscriber *subscriber, ...)
{
    const char *line = subscriber_line(subscriber);
    va_list parts;
    va_start(parts, subscriber);
    for (const char *part; (part = va_arg(parts, const char *)) != NULL;)
        if (strstr(line, part) == NULL)
            harness_fail("expected a line with '%s', '%s' came", part, line);
    va_end(parts);
    return line;
}

void subscriber_read_until(struct subscriber *subscriber, int64_t count)
{
    while (subscriber->delivered + subscriber->lost < count)
        subscriber_line(subscriber);
    if (subscriber->delivered + subscriber->lost != count)
        harness_fail("expected %lld, %lld were delivered and %lld lost", (long long)count,
                     (long long)subscriber->delivered, (long long)subscriber->lost);
}

bool subscriber_has_input(struct subscriber *subscriber)
{
    struct pollfd wait = {.fd = subscriber->control, .events = POLLIN};
    return subscriber->input.size > subscriber->read || poll(&wait, 1, 0) == 1;
}
