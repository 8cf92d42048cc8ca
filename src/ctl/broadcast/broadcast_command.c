#include "ctl/broadcast/broadcast_command.h"

#include "config/config.h"
#include "ctl/broadcast/job_wait.h"
#include "ctl/commands/message_payload.h"
#include "ctl/connection/record_request.h"
#include "ctl/output/output_error.h"
#include "os/log/error_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct output_field fields[] = {
    {"id", NULL, OUTPUT_NUMBER},
    {"targets", NULL, OUTPUT_NUMBER},
    {"sent", NULL, OUTPUT_NUMBER},
    {"failed", NULL, OUTPUT_NUMBER},
    {"skipped", NULL, OUTPUT_NUMBER},
    {"duration_ms", NULL, OUTPUT_NUMBER},
    {"state", NULL, OUTPUT_TEXT},
    /* Only with --confirm: */
    {"confirmed", NULL, OUTPUT_NUMBER},
    {"silent", NULL, OUTPUT_NUMBER},
    {"plain", NULL, OUTPUT_NUMBER},
    {"rounds", NULL, OUTPUT_NUMBER},
    {"datagrams", NULL, OUTPUT_NUMBER},
};
enum {
    FIELD_ID = 0,
    FIELD_TARGETS = 1,
    FIELD_STATE = 6,
    FIELDS_PLAIN = 7,
    FIELD_CONFIRMED = 7,
    FIELD_SILENT = 8,
    FIELD_PLAIN = 9,
    FIELDS = sizeof fields / sizeof fields[0],
    STATUS_SIGNAL = 128, /* plus the number of the signal, as in shells */
};

/* Reports an error, with the number of the input line unless that is 0. Returns the exit status. */
static int fail(const struct ctl_options *options, size_t line, const char *text)
{
    char error[ANSWER_ERROR_BYTES + 32];
    if (line > 0)
        snprintf(error, sizeof error, "line %zu: %s", line, text);
    return output_error(options->json, line > 0 ? error : text);
}

static void print_result(const struct ctl_options *options, const struct output_record *record)
{
    enum output_format form = options->given & CTL_STDIN ? OUTPUT_ONE_LINE : OUTPUT_LINES;
    output_record_print(stdout, record, options->json ? OUTPUT_JSON : form);
    fflush(stdout); /* a program that writes to --stdin may wait for this line */
}

/* Prints for people which clients have not confirmed it. */
static void report_silence(const struct output_record *record)
{
    char advice[160];
    if (strcmp(record->values[FIELD_SILENT], "0") != 0) {
        snprintf(advice, sizeof advice,
                 "`udpctl job %s --silent` lists those that have not, while they are registered",
                 record->values[FIELD_ID]);
        print_error("not all clients have confirmed it", advice, "sending job %s",
                    record->values[FIELD_ID]);
    } else if (strcmp(record->values[FIELD_CONFIRMED], "0") == 0 &&
               strcmp(record->values[FIELD_PLAIN], "0") != 0) {
        print_error("all clients got it, and none can confirm it",
                    "let them ask for that, as `udpcli --confirm` does", "sending job %s",
                    record->values[FIELD_ID]);
    }
}

/* An entry that was published before has no job, and so neither an id nor confirmations. */
static bool is_duplicate(const struct output_record *record)
{
    return strcmp(record->values[FIELD_STATE], "duplicate") == 0;
}

/* Prints for people what they might not expect of a job that has ended. Returns the exit status. */
static int report_end(const struct ctl_options *options, const struct output_record *record)
{
    bool cancelled = strcmp(record->values[FIELD_STATE], "cancelled") == 0;
    bool selects = selector_options_are_given(&options->selector);
    if (options->json || is_duplicate(record))
        return cancelled;
    if (cancelled)
        print_error("it was cancelled before its end",
                    "check above how many copies were sent, and send it again",
                    "waiting for job %s", record->values[FIELD_ID]);
    else if (strcmp(record->values[FIELD_TARGETS], "0") == 0)
        print_error(selects ? "no client matches" : "no client is registered",
                    selects ? "`udpctl clients` lists the registered ones"
                            : "after a restart they join by their next datagram",
                    "sending job %s", record->values[FIELD_ID]);
    else if (record->count == FIELDS)
        report_silence(record);
    return cancelled;
}

/* Prepares the record of an answer; keyed are its fields if the broadcast has a key. */
static void init_record(struct output_record *record, const struct ctl_options *options,
                        struct output_field keyed[FIELDS])
{
    bool waits = !(options->given & CTL_NO_WAIT);
    size_t count = options->given & CTL_CONFIRM ? FIELDS : FIELDS_PLAIN;
    *record = (struct output_record){.fields = fields, .count = waits ? count : 1};
    if (!(options->given & CTL_KEY))
        return;
    memcpy(keyed, fields, sizeof fields);
    keyed[FIELD_ID].kind = OUTPUT_OPTIONAL_NUMBER;
    for (size_t i = FIELDS_PLAIN; i < FIELDS; i++)
        keyed[i].kind = OUTPUT_OPTIONAL_NUMBER;
    record->fields = keyed;
    if (waits)
        return;
    keyed[1] = fields[FIELD_STATE];
    record->count = 2;
}

/* Formats the control line of a broadcast. Returns NULL after it has reported an error, with
 * *status. The caller frees it. */
static char *format_command(const struct ctl_options *options, const void *bytes, size_t size,
                            size_t line, int *status)
{
    bool waits = !(options->given & CTL_NO_WAIT);
    char key[CTL_KEY_WORDS_BYTES], confirm[CTL_CONFIRM_WORDS_BYTES];
    char words[SELECTOR_OPTIONS_WORDS_BYTES], verb[32 + sizeof key + sizeof confirm + sizeof words];
    *status = EXIT_USAGE;
    if (ctl_options_format_key(options, key) == NULL ||
        ctl_options_format_confirm(options, confirm) == NULL)
        return NULL;
    snprintf(verb, sizeof verb, "broadcast %s%s%s%s", waits ? "wait" : "nowait", key, confirm,
             selector_options_format(&options->selector, words));
    char *command = message_payload_format(verb, bytes, size);
    if (command == NULL)
        *status = fail(options, line, "cannot broadcast: not enough memory; free some");
    return command;
}

/* Sends one broadcast; line is its number in the input, or 0. Returns the exit status. */
static int send(const struct ctl_options *options, const void *bytes, size_t size, size_t line)
{
    bool waits = !(options->given & CTL_NO_WAIT), has_key = options->given & CTL_KEY;
    struct control_server server = options->server;
    /* A broadcast with a key waits for its turn. */
    if ((waits || has_key) && !options->server.timeout_is_total)
        server.timeout_ms = CONTROL_SERVER_NO_TIMEOUT;
    struct output_field keyed[FIELDS];
    struct output_record record;
    char error[ANSWER_ERROR_BYTES];
    int signal = 0, status;
    char *command = format_command(options, bytes, size, line, &status);
    if (command == NULL)
        return status;
    init_record(&record, options, keyed);
    enum answer_result result = waits ? job_wait(&server, command, &record, &signal, error)
                                      : record_request(&server, command, &record, error);
    free(command);
    if (result != ANSWER_OK) {
        status = fail(options, line, error);
        return signal ? STATUS_SIGNAL + signal : status;
    }
    print_result(options, &record);
    return waits ? report_end(options, &record) : 0;
}

static int send_payload(const struct ctl_options *options, const char *text)
{
    struct message_payload payload;
    int status = message_payload_read(&payload, options, "broadcast", text);
    if (status >= 0)
        return status;
    status = send(options, payload.bytes, payload.size, 0);
    message_payload_free(&payload);
    return status;
}

static int too_long(const struct ctl_options *options, size_t line)
{
    char error[MESSAGE_PAYLOAD_ERROR_BYTES];
    message_payload_too_long(error, options, "broadcast");
    return fail(options, line, error);
}

enum {
    LINE_BYTES = CONFIG_MESSAGE_BYTES_MAX + 2
}; /* one more than the maximum, and a carriage return */

/* Reads a line without its LF or CRLF. A longer line is truncated, but to more than the maximum of
 * a payload. Returns false at the end of the input. */
static bool read_line(FILE *in, char line[LINE_BYTES], size_t *size)
{
    int byte, last = EOF;
    size_t length = 0; /* of the whole line */
    for (; (byte = getc(in)) != EOF && byte != '\n'; last = byte, length++)
        if (length < LINE_BYTES)
            line[length] = (char)byte;
    bool found = byte != EOF || (length > 0 && !ferror(in));
    if (byte == '\n' && last == '\r')
        length--;
    *size = length < LINE_BYTES ? length : LINE_BYTES;
    return found;
}

static int send_lines(const struct ctl_options *options)
{
    char line[LINE_BYTES];
    int status = 0;
    size_t number = 0;
    for (size_t size; status == 0 && !ferror(stdout) && read_line(stdin, line, &size);) {
        number++;
        status = size > message_payload_max(options) ? too_long(options, number)
                                                     : send(options, line, size, number);
    }
    if (!ferror(stdin))
        return status;
    snprintf(line, sizeof line,
             "cannot read standard input after line %zu: %s; give it a file, a pipe or a terminal",
             number, strerror(errno));
    return output_error(options->json, line);
}

int broadcast_command_run(const struct ctl_options *options)
{
    unsigned from = options->given & (CTL_STDIN | CTL_HEX);
    if ((options->operand_count > 0) + !!(from & CTL_STDIN) + !!(from & CTL_HEX) != 1)
        return print_usage_error("'broadcast' needs one of TEXT, --stdin, --hex DIGITS");
    if ((from & CTL_STDIN) && (options->given & CTL_KEY))
        return print_usage_error("--key is for one message: 'gateway' takes a key for each");
    if (from & CTL_STDIN)
        return send_lines(options);
    return send_payload(options, from & CTL_HEX ? NULL : options->operands[0]);
}
