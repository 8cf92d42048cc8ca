#include "ctl/commands/request_send.h"

#include "ctl/commands/client_operand.h"
#include "ctl/commands/command_result.h"
#include "ctl/commands/message_payload.h"
#include "ctl/connection/blocking_request.h"
#include "ctl/connection/record_request.h"
#include "ctl/output/output_error.h"
#include "os/log/error_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The reason is the last field, and is printed only if the message was not sent. */
static const struct output_field fields[] = {
    {"address", NULL, OUTPUT_TEXT},  {"listener", NULL, OUTPUT_TEXT}, {"sent", NULL, OUTPUT_NUMBER},
    {"failed", NULL, OUTPUT_NUMBER}, {"reason", NULL, OUTPUT_TEXT},
};
enum { FIELDS = sizeof fields / sizeof fields[0], FIELD_FAILED = 3, FIELD_REASON = 4 };

static int print_result(const struct ctl_options *options, const struct output_record *record)
{
    bool has_failed = record->count == FIELDS;
    output_record_print(stdout, record, options->json ? OUTPUT_JSON : OUTPUT_LINES);
    if (has_failed && !options->json)
        print_error(record->values[FIELD_REASON],
                    "`udpctl stats` counts it in direct_failed; send it again", "sending to %s",
                    record->values[0]);
    return has_failed ? STATUS_FAILED : STATUS_DONE;
}

static int send(const struct ctl_options *options, const char *address,
                const struct message_payload *payload)
{
    struct output_record record = {.fields = fields, .count = FIELDS};
    char prefix[CLIENT_OPERAND_BYTES + 8], error[ANSWER_ERROR_BYTES];
    snprintf(prefix, sizeof prefix, "send %s", address);
    char *command = message_payload_format(prefix, payload->bytes, payload->size);
    if (command == NULL)
        return output_error(options->json, "cannot send: not enough memory; free some");
    enum answer_result result =
        blocking_request(&options->server, command, output_record_add_line, &record, error);
    free(command);
    if (strcmp(record.values[FIELD_FAILED], "0") == 0)
        record.count = FIELD_REASON;
    if (result == ANSWER_OK)
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
