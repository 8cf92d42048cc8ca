#include "ctl/commands/request_upgrade.h"

#include "ctl/commands/command_result.h"
#include "ctl/connection/blocking_request.h"
#include "ctl/output/json.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <inttypes.h>
#include <string.h>

/* The server gives the new program 10 s to become ready, and 2 s to take over, with 2 s more for
 * each million clients that are copied: it answers within this time up to 50 million. */
enum { TIMEOUT_MS = 120000 };

/* The values of the answer to `upgrade`. */
struct upgrade_answer {
    char from[24], to[24], version[64], pause_us[24];
};

static const char *read_line(void *state, const char *key, char *value)
{
    struct upgrade_answer *answer = state;
    const struct {
        const char *key;
        char *value;
        size_t size;
    } values[] = {
        {"from", answer->from, sizeof answer->from},
        {"to", answer->to, sizeof answer->to},
        {"version", answer->version, sizeof answer->version},
        {"pause_us", answer->pause_us, sizeof answer->pause_us},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(key, values[i].key) == 0)
            printable_ascii(values[i].value, values[i].size, value, strlen(value));
    return NULL;
}

/* Returns the number of a text; 0 if it is not one. */
static uint64_t number(const char *text)
{
    uint64_t value = 0;
    return number_parse(text, 0, UINT64_MAX, &value) == NULL ? value : 0;
}

static int print_upgraded(const struct ctl_options *options, const struct upgrade_answer *answer)
{
    uint64_t pause_us = number(answer->pause_us);
    if (options->json) {
        printf("{\"upgraded\":true,\"from\":%" PRIu64 ",\"to\":%" PRIu64 ",\"version\":",
               number(answer->from), number(answer->to));
        json_string(stdout, answer->version);
        printf(",\"pause_us\":%" PRIu64 "}\n", pause_us);
    } else {
        printf("upgraded: process %s (udpsrv %s) serves in place of %s, after %" PRIu64 ".%" PRIu64
               " ms without service\n",
               answer->to, answer->version, answer->from, pause_us / 1000, pause_us / 100 % 10);
    }
    return STATUS_DONE;
}

static int print_refused(const struct ctl_options *options, const char *error)
{
    if (!options->json)
        return command_result_report(options, ANSWER_REFUSED, error);
    fputs("{\"upgraded\":false,\"reason\":", stdout);
    json_string(stdout, error);
    puts("}");
    return STATUS_FAILED;
}

int command_upgrade(const struct ctl_options *options)
{
    char error[ANSWER_ERROR_BYTES];
    struct upgrade_answer answer = {.from = ""};
    struct control_server server = options->server;
    if (!server.timeout_is_total)
        server.timeout_ms = TIMEOUT_MS;
    enum answer_result result = blocking_request(&server, "upgrade", read_line, &answer, error);
    if (result == ANSWER_OK)
        return print_upgraded(options, &answer);
    if (result == ANSWER_REFUSED)
        return print_refused(options, error);
    return command_result_report(options, result, error);
}
