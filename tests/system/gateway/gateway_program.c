/* `udpctl gateway` as a process: see gateway_program.h. */
#include "gateway_program.h"

#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

void gateway_write(struct gateway *gateway, const char *request)
{
    process_write(&gateway->process, harness_format("%s\n", request));
}

void gateway_start(struct gateway *gateway, const struct server *server, ...)
{
    const char *argv[HARNESS_ARGUMENTS_MAX] = {"udpctl", "-s", server->socket, "gateway"}, *word;
    va_list words;
    va_start(words, server);
    for (size_t count = 4; (word = va_arg(words, const char *)) != NULL;)
        argv[count++] = word;
    va_end(words);
    *gateway = (struct gateway){.taken = 0};
    process_start(&gateway->process, NULL, argv);
    gateway_write(gateway, "{\"ref\":\"begin\"}");
    gateway_expect_part(gateway, "{\"ref\":\"begin\",\"error\":");
}

void gateway_write_without_reading(struct gateway *gateway, const char *text, size_t size)
{
    while (size > 0) {
        struct pollfd wait = {.fd = gateway->process.in, .events = POLLOUT};
        expect(poll(&wait, 1, HARNESS_DEADLINE_MS) == 1, "expected that it reads; %zu bytes left",
               size);
        ssize_t written = write(gateway->process.in, text, size);
        expect(written > 0, "expected to write");
        text += written;
        size -= (size_t)written;
    }
}

const char *gateway_line(struct gateway *gateway)
{
    struct process *process = &gateway->process;
    const char *line, *newline;
    for (;;) {
        line = process->texts[0].data != NULL ? process->texts[0].data + gateway->taken : "";
        if ((newline = strchr(line, '\n')) != NULL)
            break;
        if (process->pidfd < 0)
            return NULL;
        expect(process_pump(process, HARNESS_DEADLINE_MS), "expected a line after '%s'", line);
    }
    gateway->taken += (size_t)(newline - line) + 1;
    return harness_format("%.*s", (int)(newline - line), line);
}

void gateway_expect(struct gateway *gateway, const char *line)
{
    const char *got = gateway_line(gateway);
    expect(got != NULL && strcmp(got, line) == 0, "expected '%s', got '%s'", line,
           got != NULL ? got : "the end");
}

void gateway_expect_part(struct gateway *gateway, const char *part)
{
    const char *got = gateway_line(gateway);
    expect(got != NULL && strstr(got, part) != NULL, "expected '%s', got '%s'", part,
           got != NULL ? got : "the end");
}

void gateway_end(struct gateway *gateway)
{
    process_close_stdin(&gateway->process);
    const char *got = gateway_line(gateway);
    expect(got == NULL, "expected the end, got '%s'", got != NULL ? got : "");
    harness_equal("status", process_wait(&gateway->process), 0);
}
