#include "ctl/commands/request_clients.h"

#include "ctl/commands/client_operand.h"
#include "ctl/commands/command_result.h"
#include "ctl/commands/confirmation.h"
#include "ctl/connection/record_request.h"
#include "os/log/error_message.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { COMMAND_BYTES = 64 + CLIENT_OPERAND_BYTES + SELECTOR_OPTIONS_WORDS_BYTES };

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
    {"name", "NAME", OUTPUT_OPTIONAL_NAME},
};

/* The client of a name, which is the only one. */
static int show_named(const struct ctl_options *options)
{
    if (options->operands[0][0] != '@')
        return print_usage_error("'clients' takes only @NAME");
    if (selector_options_are_given(&options->selector))
        return print_usage_error("'clients' takes @NAME or selectors, not both");
    return command_client(options);
}

int command_clients(const struct ctl_options *options)
{
    struct output_table table = {.key = "client",
                                 .fields = client_fields,
                                 .count = COUNT(client_fields),
                                 .sorted = options->sort != CTL_SORT_NONE,
                                 .sort_by =
                                     options->sort == CTL_SORT_IDLE ? COLUMN_IDLE : COLUMN_ADDRESS,
                                 .limit = options->limit};
    char command[COMMAND_BYTES], words[SELECTOR_OPTIONS_WORDS_BYTES], limit[16] = "";
    if (options->operand_count > 0)
        return show_named(options);
    if (options->limit > 0 && !table.sorted)
        snprintf(limit, sizeof limit, " %" PRIu32, options->limit);
    snprintf(command, sizeof command, "clients%s%s",
             selector_options_format(&options->selector, words), limit);
    return command_result_show_table(options, command, &table);
}

int command_clients_show(const struct ctl_options *options, const char *command)
{
    struct output_table table = {
        .key = "client", .fields = client_fields, .count = COUNT(client_fields)};
    return command_result_show_table(options, command, &table);
}

int command_client(const struct ctl_options *options)
{
    char command[COMMAND_BYTES];
    if (!format_command(command, "client", options))
        return EXIT_USAGE;
    return command_clients_show(options, command);
}

/* ---- kick ---- */

static const struct output_field kick_fields[] = {{"kicked", NULL, OUTPUT_NUMBER}};

static int kick_address(const struct ctl_options *options)
{
    char command[COMMAND_BYTES];
    if (!format_command(command, "kick", options))
        return EXIT_USAGE;
    return command_result_show_fields(options, command, kick_fields, COUNT(kick_fields));
}

/* Asks whether the clients that match are to be removed. Returns whether they are; otherwise
 * *status is the exit status. */
static bool confirm_kick(const struct ctl_options *options, const char *words, int *status)
{
    static const struct output_field fields[] = {{"clients", NULL, OUTPUT_NUMBER}};
    struct output_record record = {.fields = fields, .count = COUNT(fields)};
    char command[COMMAND_BYTES], error[ANSWER_ERROR_BYTES], question[96];
    snprintf(command, sizeof command, "count%s", words);
    enum answer_result result = record_request(&options->server, command, &record, error);
    *status = command_result_report(options, result, error);
    if (*status != STATUS_DONE || strcmp(record.values[0], "0") == 0)
        return *status == STATUS_DONE; /* there is nothing to ask */
    snprintf(question, sizeof question, "remove %s client%s?", record.values[0],
             strcmp(record.values[0], "1") == 0 ? "" : "s");
    *status = STATUS_FAILED;
    return confirmation_ask(question);
}

static int kick_matching(const struct ctl_options *options)
{
    struct output_record record = {.fields = kick_fields, .count = COUNT(kick_fields)};
    char command[COMMAND_BYTES], words[SELECTOR_OPTIONS_WORDS_BYTES];
    int status;
    selector_options_format(&options->selector, words);
    if (!(options->given & CTL_YES) && confirmation_is_possible() &&
        !confirm_kick(options, words, &status))
        return status;
    snprintf(command, sizeof command, "kick%s", words);
    status = command_result_show_record(options, command, &record);
    fflush(stdout);
    if (status == STATUS_DONE && !options->json && strcmp(record.values[0], "0") == 0)
        print_error("no client matches", "`udpctl clients` lists the registered ones",
                    "removing clients");
    return status;
}

int command_kick(const struct ctl_options *options)
{
    bool selects = selector_options_are_given(&options->selector);
    if (selects && options->operand_count > 0)
        return print_usage_error("'kick' takes ADDRESS or selectors, not both");
    if (!selects && options->operand_count == 0)
        return print_usage_error("'kick' needs ADDRESS, or selectors: --address BLOCK, "
                                 "--listener LISTENER, --idle-max TIME");
    return selects ? kick_matching(options) : kick_address(options);
}
