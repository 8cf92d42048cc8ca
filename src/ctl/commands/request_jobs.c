#include "ctl/commands/request_jobs.h"

#include "address/device_name.h"
#include "ctl/commands/command_result.h"
#include "ctl/commands/request_clients.h"
#include "os/log/error_message.h"
#include "text/number_with_unit.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { COMMAND_BYTES = 64 };

static const struct output_field job_fields[] = {
    {"id", "ID", OUTPUT_NUMBER},
    {"state", "STATE", OUTPUT_TEXT},
    {"targets", "TARGETS", OUTPUT_NUMBER},
    {"sent", "SENT", OUTPUT_NUMBER},
    {"failed", "FAILED", OUTPUT_NUMBER},
    {"skipped", "SKIPPED", OUTPUT_NUMBER},
    {"duration_ms", "DURATION", OUTPUT_MILLISECONDS},
    {"bytes", "BYTES", OUTPUT_NUMBER},
    {"selector", "SELECTOR", OUTPUT_OPTIONAL_TEXT},
    {"confirmations", "CONFIRMATIONS", OUTPUT_PAIRS},
};

static int show_jobs(const struct ctl_options *options, const char *command)
{
    struct output_table table = {.key = "job", .fields = job_fields, .count = COUNT(job_fields)};
    return command_result_show_table(options, command, &table);
}

int command_jobs(const struct ctl_options *options)
{
    return show_jobs(options, "jobs");
}

/* Formats "VERB ID" with the first operand as the id. Returns false after a usage error, which it
 * prints. */
static bool format_command(char command[COMMAND_BYTES], const char *verb,
                           const struct ctl_options *options)
{
    uint64_t id;
    const char *wrong = number_parse(options->operands[0], 0, UINT64_MAX, &id);
    if (wrong != NULL)
        command_result_bad_argument("job", options->operands[0], wrong);
    else
        snprintf(command, COMMAND_BYTES, "%s %" PRIu64, verb, id);
    return wrong == NULL;
}

int command_job(const struct ctl_options *options)
{
    unsigned lists = options->given & (CTL_SILENT | CTL_CONFIRMED);
    char command[COMMAND_BYTES];
    if (lists == (CTL_SILENT | CTL_CONFIRMED))
        return print_usage_error("'job' takes --silent or --confirmed, not both");
    if (!format_command(command, "job", options))
        return EXIT_USAGE;
    if (lists == 0)
        return show_jobs(options, command);
    strcat(command, lists & CTL_SILENT ? " silent" : " confirmed");
    return command_clients_show(options, command);
}

int command_cancel(const struct ctl_options *options)
{
    static const struct output_field fields[] = {{"id", NULL, OUTPUT_NUMBER},
                                                 {"state", NULL, OUTPUT_TEXT}};
    char command[COMMAND_BYTES];
    if (!format_command(command, "cancel", options))
        return EXIT_USAGE;
    return command_result_show_fields(options, command, fields, COUNT(fields));
}

/* Formats "streams" with the first operand, if there is one, as the name. Returns false after a
 * usage error, which it prints. */
static bool format_streams(char command[COMMAND_BYTES + DEVICE_NAME_TEXT_BYTES],
                           const struct ctl_options *options)
{
    struct device_name name;
    strcpy(command, "streams");
    if (options->operand_count == 0)
        return true;
    const char *operand = options->operands[0];
    const char *wrong = strchr(operand, '\\') == NULL
                            ? device_name_set(&name, operand, strlen(operand))
                            : device_name_parse(&name, operand);
    if (wrong != NULL)
        command_result_bad_argument("stream", operand, wrong);
    else
        device_name_format(&name, strcpy(command + strlen(command), " ") + 1);
    return wrong == NULL;
}

int command_streams(const struct ctl_options *options)
{
    static const struct output_field fields[] = {
        {"stream", "STREAM", OUTPUT_OPTIONAL_NAME}, {"id", "LAST", OUTPUT_TEXT},
        {"entries_added", "ADDED", OUTPUT_NUMBER},  {"state", "STATE", OUTPUT_TEXT},
        {"kept", "KEPT", OUTPUT_BOOLEAN},           {"gaps", "GAPS", OUTPUT_PAIRS},
    };
    struct output_table table = {.key = "stream", .fields = fields, .count = COUNT(fields)};
    char command[COMMAND_BYTES + DEVICE_NAME_TEXT_BYTES];
    if (!format_streams(command, options))
        return EXIT_USAGE;
    return command_result_show_table(options, command, &table);
}
