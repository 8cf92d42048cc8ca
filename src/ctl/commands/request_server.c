#include "ctl/commands/request_server.h"

#include "base/stats.h"
#include "ctl/commands/command_result.h"
#include "ctl/connection/blocking_request.h"

#include <assert.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

int command_status(const struct ctl_options *options)
{
    static const struct output_field fields[] = {
        {"clients", NULL, OUTPUT_NUMBER},  {"max", NULL, OUTPUT_NUMBER},
        {"uptime_s", NULL, OUTPUT_NUMBER}, {"workers", NULL, OUTPUT_NUMBER},
        {"version", NULL, OUTPUT_TEXT},    {"pid", NULL, OUTPUT_NUMBER},
    };
    return command_result_show_fields(options, "status", fields, COUNT(fields));
}

int command_stats(const struct ctl_options *options)
{
    struct output_field fields[OUTPUT_FIELDS_MAX];
    size_t count = STATS_COUNT;
    assert(count < OUTPUT_FIELDS_MAX);
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct output_field){stats_name(i), stats_meaning(i), OUTPUT_NUMBER};
    fields[count++] = (struct output_field){"clients", "clients registered now", OUTPUT_NUMBER};
    struct output_record record = {
        .fields = fields, .count = count, .blank_before = 1 + STATS_OUTCOME_COUNT};
    return command_result_show_record(options, "stats", &record);
}

int command_offload(const struct ctl_options *options)
{
    static const struct output_field fields[] = {
        {"interface", "INTERFACE", OUTPUT_TEXT},     {"mode", "MODE", OUTPUT_TEXT},
        {"attached", "ATTACHED", OUTPUT_BOOLEAN},    {"program", "PROGRAM", OUTPUT_NUMBER},
        {"clients", "CLIENTS", OUTPUT_NUMBER},       {"max", "MAX", OUTPUT_NUMBER},
        {"send_drops", "SEND-DROPS", OUTPUT_NUMBER}, {"problem", "PROBLEM", OUTPUT_OPTIONAL_TEXT},
    };
    struct output_table table = {.key = "interface", .fields = fields, .count = COUNT(fields)};
    return command_result_show_table(options, "offload", &table);
}

static const char *ignore_line(void *state, const char *key, char *value)
{
    (void)state;
    (void)key;
    (void)value;
    return NULL;
}

int command_stop(const struct ctl_options *options)
{
    char error[ANSWER_ERROR_BYTES];
    enum answer_result result =
        blocking_request(&options->server, "stop", ignore_line, NULL, error);
    if (result == ANSWER_OK)
        puts(options->json ? "{\"stopping\":true}" : "stopping");
    return command_result_report(options, result, error);
}
