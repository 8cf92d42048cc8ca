#include "ctl/commands/request_send.h"

#include "ctl/commands/client_operand.h"
#include "ctl/commands/command_result.h"
#include "ctl/commands/message_payload.h"
#include "ctl/connection/blocking_request.h"
#include "ctl/connection/record_request.h"
#include "ctl/output/output_error.h"
#include "os/log/error_message.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The reason is printed only if the kernel did not take the message. */
static const struct output_field fields[] = {
    {"address", NULL, OUTPUT_TEXT},  {"listener", NULL, OUTPUT_TEXT}, {"sent", NULL, OUTPUT_NUMBER},
    {"failed", NULL, OUTPUT_NUMBER}, {"reason", NULL, OUTPUT_TEXT},
};
static const struct output_field confirmed_fields[] = {
    {"address", NULL, OUTPUT_TEXT},     {"listener", NULL, OUTPUT_TEXT},
    {"sent", NULL, OUTPUT_NUMBER},      {"failed", NULL, OUTPUT_NUMBER},
    {"confirmed", NULL, OUTPUT_NUMBER}, {"silent", NULL, OUTPUT_NUMBER},
    {"plain", NULL, OUTPUT_NUMBER},     {"rounds", NULL, OUTPUT_NUMBER},
    {"datagrams", NULL, OUTPUT_NUMBER}, {"reason", NULL, OUTPUT_TEXT},
};
enum {
    FIELDS = sizeof fields / sizeof fields[0],
    CONFIRMED_FIELDS = sizeof confirmed_fields / sizeof confirmed_fields[0],
    FIELD_FAILED = 3,
    FIELD_CONFIRMED = 4,
    FIELD_PLAIN = 6,
};

static bool is(const struct output_record *record, size_t field, const char *value)
{
    return strcmp(record->values[field], value) == 0;
}

/* Prints for people why the message did not reach the client, or may not have. Returns the exit
 * status.
 */
static int report_result(const struct ctl_options *options, const struct output_record *record,
                         const char *reason)
{
    bool confirms = options->given & CTL_CONFIRM;
    const char *why = NULL, *advice = NULL;
    if (confirms && is(record, FIELD_CONFIRMED, "1")) {
        /* A datagram that the kernel has refused was repeated in a later round. */
        why = NULL;
    } else if (!is(record, FIELD_FAILED, "0")) {
        why = reason[0] != '\0' ? reason : "the kernel refused it";
        advice = confirms && reason[0] == '\0'
                     ? "`udpctl stats` counts it in copies_failed; send it again"
                     : "`udpctl stats` counts it in direct_failed; send it again";
    } else if (confirms && is(record, FIELD_PLAIN, "1")) {
        why = "it was sent, but the client confirms nothing";
        advice = "let the client ask for frames, as `udpcli --confirm` does";
    } else if (confirms && !is(record, FIELD_CONFIRMED, "1")) {
        why = "the client has not confirmed it";
        advice = "see by `udpctl client` when it last sent something, and send it again";
    }
    if (why != NULL && !options->json)
        print_error(why, advice, "sending to %s", record->values[0]);
    return why != NULL ? STATUS_FAILED : STATUS_DONE;
}

/* The reason is the last field of the record. */
static int print_result(const struct ctl_options *options, struct output_record *record)
{
    const char *reason = record->values[record->count - 1];
    if (reason[0] == '\0')
        record->count--;
    output_record_print(stdout, record, options->json ? OUTPUT_JSON : OUTPUT_LINES);
    return report_result(options, record, reason);
}

/* Whether only the reason is missing, which a message that was sent does not have. */
static bool is_complete(const struct output_record *record)
{
    const char *missing = output_record_find_missing(record);
    return missing == NULL || strcmp(missing, "reason") == 0;
}

static int send(const struct ctl_options *options, const char *address,
                const struct message_payload *payload)
{
    bool confirms = options->given & CTL_CONFIRM;
    struct control_server server = options->server;
    struct output_record record = {.fields = confirms ? confirmed_fields : fields,
                                   .count = confirms ? CONFIRMED_FIELDS : FIELDS};
    char confirm[CTL_CONFIRM_WORDS_BYTES];
    char prefix[CLIENT_OPERAND_BYTES + sizeof confirm + 8], error[ANSWER_ERROR_BYTES];
    if (ctl_options_format_confirm(options, confirm) == NULL)
        return EXIT_USAGE;
    if (confirms && !options->server.timeout_is_total)
        server.timeout_ms = CONTROL_SERVER_NO_TIMEOUT;
    snprintf(prefix, sizeof prefix, "send %s%s", address, confirm);
    char *command = message_payload_format(prefix, payload->bytes, payload->size);
    if (command == NULL)
        return output_error(options->json, "cannot send: not enough memory; free some");
    enum answer_result result =
        blocking_request(&server, command, output_record_add_line, &record, error);
    free(command);
    if (result == ANSWER_OK && !is_complete(&record))
        result = record_request_check(&record, error);
    return result == ANSWER_OK ? print_result(options, &record)
                               : command_result_report(options, result, error);
}

int command_send(const struct ctl_options *options)
{
    char address[CLIENT_OPERAND_BYTES];
    struct message_payload payload;
    const char *text = options->operand_count > 1 ? options->operands[1] : NULL;
    if ((text != NULL) + !!(options->given & CTL_HEX) != 1)
        return print_usage_error("'send' needs ADDRESS and one of TEXT, --hex DIGITS");
    if (!client_operand_format(address, options->operands[0]))
        return EXIT_USAGE;
    int status = message_payload_read(&payload, options, "send", text);
    if (status >= 0)
        return status;
    status = send(options, address, &payload);
    message_payload_free(&payload);
    return status;
}
