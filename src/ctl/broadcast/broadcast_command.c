/* Broadcasts, from whatever source the payload comes. */
#include "ctl/broadcast/broadcast_command.h"

#include "config/config.h"
#include "ctl/broadcast/job_wait.h"
#include "ctl/connection/request.h"
#include "os/log/error_message.h"
#include "text/hex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The state stands last, behind the figures. */
static const struct output_field fields[] = {
    {"id", NULL, OUTPUT_NUMBER},      {"targets", NULL, OUTPUT_NUMBER},
    {"sent", NULL, OUTPUT_NUMBER},    {"failed", NULL, OUTPUT_NUMBER},
    {"skipped", NULL, OUTPUT_NUMBER}, {"duration_ms", NULL, OUTPUT_NUMBER},
    {"state", NULL, OUTPUT_TEXT},
};
enum {
    FIELDS = sizeof fields / sizeof fields[0],
    BY_SIGNAL = 128, /* and its number: the exit status that a shell would show */
};

/* A failure, with the number of the line that it befell, if it was one. */
static int fail(const struct ctl_options *options, size_t line, const char *text)
{
    char error[ANSWER_ERROR_BYTES + 32];
    if (line > 0)
        snprintf(error, sizeof error, "line %zu: %s", line, text);
    return output_error(options->json, line > 0 ? error : text);
}

/* "broadcast wait HEX", for the caller to free; NULL if memory is short. */
static char *compose(const struct ctl_options *options, const void *bytes, size_t size)
{
    const char *how = options->given & CTL_NO_WAIT ? "nowait" : "wait";
    char *hex = malloc(2 * size + 1), *command = NULL;
    if (!hex)
        return NULL;
    hex_encode(hex, bytes, size);
    if (asprintf(&command, "broadcast %s %s", how, size == 0 ? "-" : hex) < 0)
        command = NULL;
    free(hex);
    return command;
}

static void print(const struct ctl_options *options, const struct output_record *record)
{
    enum output_form form = options->given & CTL_STDIN ? OUTPUT_ONE_LINE : OUTPUT_LINES;
    output_record_print(stdout, record, options->json ? OUTPUT_JSON : form);
    fflush(stdout); /* whoever feeds --stdin reads along */
}

/* One broadcast; line is its number in the input, 0 if it isn't from there. */
static int send(const struct ctl_options *options, const void *bytes, size_t size, size_t line)
{
    bool waits = !(options->given & CTL_NO_WAIT);
    struct answer_server server = options->server;
    if (waits && !options->server.bounded)
        server.timeout_ms = ANSWER_NO_TIMEOUT;
    struct output_record record = {.fields = fields, .count = waits ? FIELDS : 1};
    char error[ANSWER_ERROR_BYTES], *command = compose(options, bytes, size);
    if (!command)
        return fail(options, line, "cannot broadcast: memory is short; free some");
    int signal = 0;
    enum answer_result result = waits ? wait_for_job(&server, command, &record, &signal, error)
                                      : request_record(&server, command, &record, error);
    free(command);
    if (result != ANSWER_OK) {
        int status = fail(options, line, error);
        return signal ? BY_SIGNAL + signal : status;
    }
    bool cancelled = waits && strcmp(record.values[FIELDS - 1], "cancelled") == 0;
    print(options, &record);
    if (cancelled && !options->json)
        print_error("it was cancelled before its end",
                    "see what it reached above, and send it again", "waiting for job %s",
                    record.values[0]);
    return cancelled;
}

static int too_long(const struct ctl_options *options, size_t line)
{
    char error[160];
    snprintf(error, sizeof error,
             "cannot broadcast: the payload is longer than %d bytes, the most that a UDP datagram "
             "holds; send it in parts",
             CONFIG_MESSAGE_BYTES_MAX);
    return fail(options, line, error);
}

static int send_hex(const struct ctl_options *options)
{
    size_t length = strlen(options->hex);
    uint8_t *bytes = malloc(length / 2 + 1);
    if (!bytes)
        return fail(options, 0, "cannot broadcast: memory is short; free some");
    int status;
    if (!hex_decode(bytes, options->hex, length))
        status = print_usage_error("bad --hex: it must be an even number of hexadecimal digits");
    else if (length / 2 > CONFIG_MESSAGE_BYTES_MAX)
        status = too_long(options, 0);
    else
        status = send(options, bytes, length / 2, 0);
    free(bytes);
    return status;
}

enum { LINE_BYTES = CONFIG_MESSAGE_BYTES_MAX + 2 }; /* one too many, and a carriage return */

/* Reads a line without its LF or CRLF; one that is too long is cut, but not to a payload's size.
 * False at the end of the input. */
static bool read_line(FILE *in, char line[LINE_BYTES], size_t *size)
{
    int byte, last = EOF;
    size_t length = 0; /* of the line as it is */
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
        status = size > CONFIG_MESSAGE_BYTES_MAX ? too_long(options, number)
                                                 : send(options, line, size, number);
    }
    if (!ferror(stdin))
        return status;
    snprintf(line, sizeof line,
             "cannot read standard input behind line %zu: %s; give it a file, a pipe or a terminal",
             number, strerror(errno));
    return output_error(options->json, line);
}

int broadcast_command_run(const struct ctl_options *options)
{
    unsigned from = options->given & (CTL_STDIN | CTL_HEX);
    if ((options->operand_count > 0) + !!(from & CTL_STDIN) + !!(from & CTL_HEX) != 1)
        return print_usage_error("'broadcast' needs one of TEXT, --stdin, --hex DIGITS");
    if (from & CTL_STDIN)
        return send_lines(options);
    if (from & CTL_HEX)
        return send_hex(options);
    size_t size = strlen(options->operands[0]);
    return size > CONFIG_MESSAGE_BYTES_MAX ? too_long(options, 0)
                                           : send(options, options->operands[0], size, 0);
}
