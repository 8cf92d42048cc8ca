#include "ctl/commands/request_clients.h"

#include "ctl/commands/client_operand.h"
#include "ctl/commands/command_result.h"
#include "os/log/error_message.h"

#include <inttypes.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { COMMAND_BYTES = 128 };

/* Formats "VERB ADDRESS" with the first operand as the address. Returns false after a usage error,
 * which it prints. */
static bool format_command(char command[COMMAND_BYTES], const char *verb,
                           const struct ctl_options *options)
{
    char text[CLIENT_OPERAND_BYTES];
    bool is_address = client_operand_format(text, options->operands[0]);
    if (is_address)
        snprintf(command, COMMAND_BYTES, "%s %s", verb, text);
    return is_address;
}

enum { COLUMN_ADDRESS, COLUMN_LISTENER, COLUMN_IDLE };

static const struct output_field client_fields[] = {
    [COLUMN_ADDRESS] = {"address", "ADDRESS", OUTPUT_TEXT},
    [COLUMN_LISTENER] = {"listener", "LISTENER", OUTPUT_TEXT},
    [COLUMN_IDLE] = {"idle_ms", "IDLE", OUTPUT_MILLISECONDS},
    {"age_s", "AGE", OUTPUT_SECONDS},
    {"received", "RECEIVED", OUTPUT_NUMBER},
};

int command_clients(const struct ctl_options *options)
{
    struct output_table table = {.key = "client",
                                 .fields = client_fields,
                                 .count = COUNT(client_fields),
                                 .sorted = options->sort != CTL_SORT_NONE,
                                 .sort_by =
                                     options->sort == CTL_SORT_IDLE ? COLUMN_IDLE : COLUMN_ADDRESS,
                                 .limit = options->limit};
    char command[COMMAND_BYTES] = "clients";
    if (options->limit > 0 && !table.sorted)
        snprintf(command, sizeof command, "clients %" PRIu32, options->limit);
    return command_result_show_table(options, command, &table);
}

int command_client(const struct ctl_options *options)
{
    struct output_table table = {
        .key = "client", .fields = client_fields, .count = COUNT(client_fields)};
    char command[COMMAND_BYTES];
    if (!format_command(command, "client", options))
        return EXIT_USAGE;
    return command_result_show_table(options, command, &table);
}

int command_kick(const struct ctl_options *options)
{
    static const struct output_field fields[] = {{"kicked", NULL, OUTPUT_NUMBER}};
    char command[COMMAND_BYTES];
    if (!format_command(command, "kick", options))
        return EXIT_USAGE;
    return command_result_show_fields(options, command, fields, COUNT(fields));
}
