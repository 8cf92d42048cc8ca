#include "ctl/commands/request_clients.h"

#include "address/client_name.h"
#include "ctl/commands/command_result.h"
#include "net/interface/interface.h"
#include "os/log/error_message.h"

#include <inttypes.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { COMMAND_BYTES = 128 };

/* Parses a client's address. A zone becomes the interface's index, because the server only knows
 * that. Returns NULL, or what is wrong. */
static const char *parse_client(struct client_name *name, const char *text)
{
    char zone[ADDR_ZONE_BYTES];
    const char *wrong = client_name_parse(name, zone, text);
    if (wrong)
        return wrong;
    if (zone[0] != '\0' && (name->addr.scope = interface_index(zone)) == 0)
        return "no such network interface";
    return NULL;
}

/* Formats "VERB ADDRESS" with the first operand as the address. Returns false after a usage error,
 * which it prints. */
static bool format_command(char command[COMMAND_BYTES], const char *verb,
                           const struct ctl_options *options)
{
    struct client_name name;
    char text[TRANSPORT_TEXT_BYTES];
    const char *wrong = parse_client(&name, options->operands[0]);
    if (wrong)
        command_result_bad_argument("address", options->operands[0], wrong);
    else
        snprintf(command, COMMAND_BYTES, "%s %s", verb, client_name_format(&name, text));
    return !wrong;
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
