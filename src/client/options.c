/* The command line of udpcli. */
#include "client/options.h"

#include "core/text.h"
#include "core/version.h"
#include "net/complain.h"

#include <stdio.h>
#include <string.h>

enum { GO_ON = -1, DONE = 0 };

enum row { TIMEOUT, RETRIES, COUNT, JSON, HEX, KEEPALIVE, IPV4, IPV6, HELP, VERSION, ROWS };

static const struct option_row rows[ROWS] = {
    [TIMEOUT] = {'w', "timeout", "TIMEOUT",
                 "wait so long for a reply (2s); 0: don't wait, print no reply"},
    [RETRIES] = {'r', "retries", "RETRIES", "send MESSAGE again so often at most (2)"},
    [COUNT] = {'n', "count", "COUNT", "send MESSAGE so often, each behind the last reply (1)"},
    [JSON] = {0, "json", NULL, "print what comes as JSON, one object a line"},
    [HEX] = {0, "hex", NULL, "send and print hexadecimal digits"},
    [KEEPALIVE] = {'k', "keepalive", "KEEPALIVE", "send an empty datagram after so long a silence"},
    [IPV4] = {'4', "ipv4", NULL, "use IPv4 alone"},
    [IPV6] = {'6', "ipv6", NULL, "use IPv6 alone"},
    [HELP] = {'h', "help", NULL, "print this help"},
    [VERSION] = {'V', "version", NULL, "print the version"},
};

const struct option_row *client_options_rows(size_t *count)
{
    *count = ROWS;
    return rows;
}

static int help(void)
{
    char text[4096];
    options_help(text, sizeof text, rows, ROWS);
    printf(
        "Usage: udpcli [OPTION]... HOST[:PORT] [MESSAGE]\n"
        "Sends MESSAGE as a datagram to a UDP service (port %d unless given) and prints the\n"
        "reply. Without MESSAGE, each line of standard input is a datagram, until `exit'.\n\n%s\n"
        "TIMEOUT and KEEPALIVE: 500ms, 10s, 5m; a bare number is seconds.\n"
        "Exit status: 0 answered, 1 not answered, 2 wrong usage.\n",
        CLIENT_PORT, text);
    return DONE;
}

static int wrong_value(const char *what, const char *value, const char *why)
{
    char text[512];
    return complain_usage("%s", text_bad_value(text, sizeof text, what, value, why));
}

static const char *duration(const char *text, uint64_t *ms)
{
    const char *wrong = text_duration(text, 1000, ms);
    if (wrong)
        return wrong;
    return *ms > CLIENT_DURATION_MAX_MS ? "it is more than a day" : NULL;
}

static const char *keepalive(const char *text, uint64_t *ms)
{
    const char *wrong = duration(text, ms);
    if (wrong)
        return wrong;
    return *ms == 0 ? "it must not be 0" : NULL;
}

/* One option. Returns NULL, or what is wrong with its value. */
static const char *apply(struct client_options *options, int row, const char *value)
{
    switch (row) {
    case TIMEOUT:
        return duration(value, &options->timeout_ms);
    case RETRIES:
        return text_number(value, 0, UINT32_MAX, &options->retries);
    case COUNT:
        return text_number(value, 1, UINT32_MAX, &options->count);
    case KEEPALIVE:
        return keepalive(value, &options->keepalive_ms);
    case JSON:
        options->json = true;
        break;
    case HEX:
        options->hex = true;
        break;
    case IPV4:
        options->family = ADDR_IPV4;
        break;
    case IPV6:
        options->family = ADDR_IPV6;
        break;
    }
    return NULL;
}

static int read_operands(struct client_options *options, char **operands, int count)
{
    if (count == 0)
        return complain_usage("HOST is missing");
    if (count > 2)
        return complain_usage("there are operands behind MESSAGE: quote a message that has blanks");
    options->host = operands[0];
    const char *wrong = target_parse(&options->target, operands[0], CLIENT_PORT);
    if (wrong)
        return wrong_value("address", operands[0], wrong);
    if (options->target.addr.family && options->family &&
        options->target.addr.family != options->family)
        return wrong_value("address", operands[0],
                           "it is not of the family that -4 or -6 asks for");
    if (count < 2)
        return GO_ON;
    char *message = operands[1];
    options->message = message;
    options->message_size = strlen(message);
    if (!options->hex)
        return GO_ON;
    if (!text_from_hex((uint8_t *)message, message, options->message_size))
        return complain_usage(
            "MESSAGE is not an even number of hexadecimal digits, as --hex has it");
    options->message_size /= 2;
    return GO_ON;
}

static int check_form(const struct client_options *options, bool counted)
{
    if (options->message && options->keepalive_ms)
        return complain_usage("-k listens on, so it goes without MESSAGE");
    if (!options->message && counted)
        return complain_usage("-n needs a MESSAGE");
    return GO_ON;
}

int client_options_read(struct client_options *options, int argc, char **argv)
{
    struct options line;
    bool counted = false;
    *options = (struct client_options){
        .timeout_ms = CLIENT_TIMEOUT_MS, .retries = CLIENT_RETRIES, .count = 1};
    options_begin(&line, argc, argv, rows, ROWS);
    for (int row; (row = options_next(&line)) != OPTIONS_END;) {
        if (row == OPTIONS_WRONG)
            return complain_usage("%s", line.error);
        if (row == HELP)
            return help();
        if (row == VERSION) {
            puts("udpcli " UDPSRV_VERSION);
            return DONE;
        }
        const char *wrong = apply(options, row, line.value);
        if (wrong)
            return wrong_value(rows[row].argument, line.value, wrong);
        counted |= row == COUNT;
    }
    int count;
    char **operands = options_operands(&line, &count);
    int status = read_operands(options, operands, count);
    return status == GO_ON ? check_form(options, counted) : status;
}
