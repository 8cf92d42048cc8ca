#include "ctl/commands/command_result.h"

#include "ctl/connection/record_request.h"
#include "ctl/output/output_error.h"
#include "os/log/error_message.h"
#include "text/printable.h"

#include <string.h>

int command_result_report(const struct ctl_options *options, enum answer_result result,
                          const char *error)
{
    if (result == ANSWER_OK)
        return STATUS_DONE;
    if (!ferror(stdout)) /* output_finish reports that */
        output_error(options->json, error);
    return result == ANSWER_NO_SERVER ? STATUS_NO_SERVER : STATUS_FAILED;
}

int command_result_show_record(const struct ctl_options *options, const char *command,
                               struct output_record *record)
{
    char error[ANSWER_ERROR_BYTES];
    enum answer_result result = record_request(&options->server, command, record, error);
    if (result == ANSWER_OK)
        output_record_print(stdout, record, options->json ? OUTPUT_JSON : OUTPUT_LINES);
    return command_result_report(options, result, error);
}

int command_result_show_fields(const struct ctl_options *options, const char *command,
                               const struct output_field *fields, size_t count)
{
    struct output_record record = {.fields = fields, .count = count};
    return command_result_show_record(options, command, &record);
}

int command_result_show_table(const struct ctl_options *options, const char *command,
                              struct output_table *table)
{
    char error[ANSWER_ERROR_BYTES];
    table->json = options->json;
    table->out = stdout;
    return command_result_report(options, table_request(&options->server, command, table, error),
                                 error);
}

int command_result_bad_argument(const char *what, const char *value, const char *why)
{
    char shown[200];
    printable_ascii(shown, sizeof shown, value, strlen(value));
    return print_usage_error("bad %s '%s': %s", what, shown, why);
}
