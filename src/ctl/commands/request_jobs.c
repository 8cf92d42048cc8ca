#include "ctl/commands/request_jobs.h"

#include "ctl/commands/command_result.h"
#include "text/number_with_unit.h"

#include <inttypes.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

int command_jobs(const struct ctl_options *options)
{
    static const struct output_field fields[] = {
        {"id", "ID", OUTPUT_NUMBER},
        {"state", "STATE", OUTPUT_TEXT},
        {"targets", "TARGETS", OUTPUT_NUMBER},
        {"sent", "SENT", OUTPUT_NUMBER},
        {"failed", "FAILED", OUTPUT_NUMBER},
        {"skipped", "SKIPPED", OUTPUT_NUMBER},
        {"duration_ms", "DURATION", OUTPUT_MILLISECONDS},
        {"bytes", "BYTES", OUTPUT_NUMBER},
        {"selector", "SELECTOR", OUTPUT_OPTIONAL_TEXT},
    };
    struct output_table table = {.key = "job", .fields = fields, .count = COUNT(fields)};
    return command_result_show_table(options, "jobs", &table);
}

int command_cancel(const struct ctl_options *options)
{
    static const struct output_field fields[] = {{"id", NULL, OUTPUT_NUMBER},
                                                 {"state", NULL, OUTPUT_TEXT}};
    char command[64];
    uint64_t id;
    const char *wrong = number_parse(options->operands[0], 0, UINT64_MAX, &id);
    if (wrong)
        return command_result_bad_argument("job", options->operands[0], wrong);
    snprintf(command, sizeof command, "cancel %" PRIu64, id);
    return command_result_show_fields(options, command, fields, COUNT(fields));
}
