/* A UDP service that the test plays for udpcli: see udpcli_service.h. */

#define HARNESS_INTERNAL
#include "udpcli_service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 16 };

int service_udp;
const char *service_name;
struct endpoint service_client;

void service_open(const char *local)
{
    service_udp = udp_open(local);
    struct endpoint at = udp_name(service_udp);
    service_name = endpoint_text(&at);
}

void service_open_ipv4(void)
{
    service_open("127.0.0.1");
}

void service_expect(const char *request)
{
    char bytes[2048] = "";
    ssize_t size = udp_receive(service_udp, bytes, sizeof bytes - 1, &service_client);
    if (size != (ssize_t)strlen(request) || memcmp(bytes, request, (size_t)size) != 0)
        harness_fail("expected the request '%s', it was '%s' (%zd bytes)", request, bytes, size);
}

void service_answer(const char *request, const char *reply)
{
    service_expect(request);
    udp_send_text(service_udp, &service_client, reply);
}

void service_echo(int count)
{
    char bytes[2048];
    for (int i = 0; i < count; i++) {
        ssize_t size = udp_receive(service_udp, bytes, sizeof bytes, &service_client);
        if (size < 0)
            harness_fail("expected request %d of %d", i + 1, count);
        udp_send(service_udp, &service_client, bytes, (size_t)size);
    }
}

void udpcli_start(struct process *process, harness_prepare *prepare, const char *words)
{
    const char *argv[WORDS_MAX] = {"udpcli"};
    char *rest = strdup(words);
    int count = 1;
    for (char *word = strtok(rest, " "); word && count < WORDS_MAX - 1; word = strtok(NULL, " ")) {
        bool empty = strcmp(word, "''") == 0;
        argv[count++] = empty ? "" : strcmp(word, "@") == 0 ? service_name : word;
    }
    process_start(process, prepare, argv);
    free(rest);
}

const char *udpcli_output(const struct process *process, int stream)
{
    return process->texts[stream].data ? process->texts[stream].data : "";
}

void udpcli_expect_end(struct process *process, int status, const char *out)
{
    process_close_stdin(process);
    process_wait(process);
    if (process->status != status)
        harness_fail("expected status %d, it was %d: %s", status, process->status,
                     udpcli_output(process, 1));
    if (strcmp(udpcli_output(process, 0), out) != 0)
        harness_fail("expected the output '%s', it was '%s'", out, udpcli_output(process, 0));
}

void udpcli_expect_success(struct process *process, const char *out)
{
    udpcli_expect_end(process, 0, out);
    if (udpcli_output(process, 1)[0] != '\0')
        harness_fail("expected no error message: %s", udpcli_output(process, 1));
}

const char *numbered_lines(int count)
{
    char *text = calloc((size_t)count, 12), *end = text;
    for (int i = 1; i <= count; i++)
        end += sprintf(end, "%d\n", i);
    const char *kept = harness_format("%s", text);
    free(text);
    return kept;
}
