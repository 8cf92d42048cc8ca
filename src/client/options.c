#include "client/options.h"

#include "base/version.h"
#include "os/log/error_message.h"
#include "text/bad_value.h"
#include "text/hex.h"
#include "text/number_with_unit.h"

#include <stdio.h>
#include <string.h>

enum { CONTINUE = -1, DONE = 0 };

enum option {
    TIMEOUT,
    RETRIES,
    COUNT,
    JSON,
    HEX,
    KEEPALIVE,
    NAME,
    KEY_FILE,
    PLAIN,
    NO_CONFIRM,
    GROUP,
    INTERFACE,
    TTL,
    IPV4,
    IPV6,
    HELP,
    VERSION,
    ROWS
};

static const struct option_row rows[ROWS] = {
    [TIMEOUT] = {'w', "timeout", "TIMEOUT",
                 "time to wait for a reply (2s); 0: don't wait, print none"},
    [RETRIES] = {'r', "retries", "RETRIES", "how often to resend MESSAGE without a reply (2)"},
    [COUNT] = {'n', "count", "COUNT", "how often to send MESSAGE, each after the last reply (1)"},
    [JSON] = {0, "json", NULL, "print received messages as JSON, one object a line"},
    [HEX] = {0, "hex", NULL, "send and print hexadecimal digits"},
    [KEEPALIVE] = {'k', "keepalive", "KEEPALIVE",
                   "send an empty datagram after this time of silence"},
    [NAME] = {0, "name", "NAME", "the name of this client at a udpsrv that gives names"},
    [KEY_FILE] = {0, "key-file", "PATH", "the file of that name's key, where it has to be proven"},
    [PLAIN] = {0, "plain", NULL, "send nothing but the datagrams given: no hello"},
    [NO_CONFIRM] = {0, "no-confirm", NULL, "say hello, but confirm nothing: for tests"},
    [GROUP] = {'g', "group", "GROUP:PORT", "join a multicast group instead of using HOST"},
    [INTERFACE] = {'i', "interface", "INTERFACE", "the group's network interface"},
    [TTL] = {0, "ttl", "TTL", "how far messages travel: 0 this host, 1 the link (1)"},
    [IPV4] = {'4', "ipv4", NULL, "use IPv4 only"},
    [IPV6] = {'6', "ipv6", NULL, "use IPv6 only"},
    [HELP] = {'h', "help", NULL, "print this help"},
    [VERSION] = {'V', "version", NULL, "print the version"},
};

const struct option_row *client_options_rows(size_t *count)
{
    *count = ROWS;
    return rows;
}

static int print_help(void)
{
    char text[4096];
    option_parser_help(text, sizeof text, rows, ROWS);
    printf("Usage: udpcli [OPTION]... HOST[:PORT] [MESSAGE]\n"
           "       udpcli [OPTION]... tcp:HOST[:PORT] | unix:PATH [MESSAGE]\n"
           "       udpcli [OPTION]... --group GROUP:PORT [MESSAGE]\n"
           "Sends MESSAGE as a datagram to a UDP service (port %d unless given) and prints the\n"
           "reply. Without MESSAGE, each line of standard input is a datagram, until `exit'.\n"
           "On a stream a line is a message; in a group all members receive it.\n\n%s\n"
           "TIMEOUT and KEEPALIVE: 500ms, 10s, 5m; a bare number is seconds.\n"
           "Exit status: 0 answered, 1 not answered, 2 wrong usage.\n",
           CLIENT_PORT, text);
    return DONE;
}

static int wrong_value(const char *what, const char *value, const char *why)
{
    char text[512];
    return print_usage_error("%s", bad_value_message(text, sizeof text, what, value, why));
}

static const char *duration(const char *text, uint64_t *ms)
{
    const char *wrong = duration_parse(text, 1000, ms);
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

static const char *ttl(const char *text, uint8_t *ttl)
{
    uint64_t value = 0;
    const char *wrong = number_parse(text, 0, UINT8_MAX, &value);
    *ttl = (uint8_t)value;
    return wrong;
}

static const char *name(struct client_options *options, const char *name)
{
    options->frames.name = name;
    return device_name_check(name, strlen(name));
}

/* Applies one option. Returns NULL, or what is wrong with its value. */
static const char *apply(struct client_options *options, int row, const char *value)
{
    switch (row) {
    case TIMEOUT:
        return duration(value, &options->timeout_ms);
    case RETRIES:
        return number_parse(value, 0, UINT32_MAX, &options->retries);
    case COUNT:
        return number_parse(value, 1, UINT32_MAX, &options->count);
    case KEEPALIVE:
        return keepalive(value, &options->keepalive_ms);
    case NAME:
        return name(options, value);
    case KEY_FILE:
        options->key_file = value;
        options->frames.key = options->key;
        break;
    case JSON:
        options->json = true;
        break;
    case HEX:
        options->hex = true;
        break;
    case GROUP:
        options->route.group = true;
        options->host = value;
        return target_parse_group(&options->target, value);
    case INTERFACE:
        options->route.interface = value;
        break;
    case TTL:
        return ttl(value, &options->route.ttl);
    case IPV4:
        options->route.family = ADDR_IPV4;
        break;
    case IPV6:
        options->route.family = ADDR_IPV6;
        break;
    }
    return NULL;
}

static int read_host(struct client_options *options, const char *host)
{
    const struct target *target = &options->target;
    options->host = host;
    const char *wrong = target_parse_any(&options->target, host, CLIENT_PORT);
    if (!wrong && target->addr.family && options->route.family &&
        target->addr.family != options->route.family)
        wrong = "it is not of the family that -4 or -6 asks for";
    return wrong ? wrong_value("address", host, wrong) : CONTINUE;
}

static int read_message(struct client_options *options, char *message)
{
    options->message = message;
    options->message_size = strlen(message);
    if (!options->hex)
        return CONTINUE;
    if (!hex_decode((uint8_t *)message, message, options->message_size))
        return print_usage_error(
            "MESSAGE is not an even number of hexadecimal digits, which --hex needs");
    options->message_size /= 2;
    return CONTINUE;
}

/* With a group, the only operand is the MESSAGE. */
static int read_operands(struct client_options *options, char **operands, int count)
{
    if (!options->route.group) {
        if (count == 0)
            return print_usage_error("HOST is missing");
        int status = read_host(options, operands[0]);
        if (status != CONTINUE)
            return status;
        operands++;
        count--;
    }
    if (count > 1)
        return print_usage_error(
            "there are operands after MESSAGE: quote a message that has blanks");
    return count == 1 ? read_message(options, operands[0]) : CONTINUE;
}

/* Returns whether the peer is one UDP service: no stream, and no multicast group. */
static bool exchanges_datagrams(const struct client_options *options)
{
    return !options->route.group && options->target.transport == TRANSPORT_UDP;
}

static int check_combination(const struct client_options *options, const bool *given)
{
    if (options->message && options->keepalive_ms)
        return print_usage_error("-k and MESSAGE exclude each other");
    if (!options->message && given[COUNT])
        return print_usage_error("-n needs a MESSAGE");
    if (!options->route.group && (given[INTERFACE] || given[TTL]))
        return print_usage_error("--interface and --ttl need --group");
    if (given[PLAIN] && (given[NO_CONFIRM] || given[NAME]))
        return print_usage_error("--plain excludes --no-confirm and --name");
    if (given[NO_CONFIRM] && options->message)
        return print_usage_error("--no-confirm and MESSAGE exclude each other");
    if (given[KEY_FILE] && !given[NAME])
        return print_usage_error("--key-file needs --name");
    if (!exchanges_datagrams(options) && (given[NO_CONFIRM] || given[NAME]))
        return print_usage_error("--no-confirm and --name need a UDP service");
    return CONTINUE;
}

/* Only datagrams may be frames. With a MESSAGE the program ends before a broadcast comes. */
static void set_frames(struct client_options *options, const bool *given)
{
    bool asked = given[NO_CONFIRM] || given[NAME];
    bool frames = exchanges_datagrams(options) && options->message == NULL && !given[PLAIN];
    options->frames.frames = frames;
    options->frames.confirms = frames && !given[NO_CONFIRM];
    options->frames.policy = asked ? HELLO_ASKED : frames ? HELLO_UNASKED : HELLO_NEVER;
}

int client_options_read(struct client_options *options, int argc, char **argv)
{
    struct option_parser line;
    bool given[ROWS] = {false};
    *options = (struct client_options){
        .timeout_ms = CLIENT_TIMEOUT_MS,
        .retries = CLIENT_RETRIES,
        .count = 1,
        .route = {.target = &options->target, .ttl = CLIENT_GROUP_TTL},
    };
    option_parser_init(&line, argc, argv, rows, ROWS);
    for (int row; (row = option_parser_next(&line)) != OPTION_PARSER_END;) {
        if (row == OPTION_PARSER_ERROR)
            return print_usage_error("%s", line.error);
        if (row == HELP)
            return print_help();
        if (row == VERSION) {
            puts("udpcli " UDPSRV_VERSION);
            return DONE;
        }
        const char *wrong = apply(options, row, line.value);
        if (wrong)
            return wrong_value(rows[row].argument, line.value, wrong);
        given[row] = true;
    }
    int count;
    char **operands = option_parser_operands(&line, &count);
    int status = read_operands(options, operands, count);
    /* Messages to a group are not requests, so no reply is expected. */
    if (options->route.group)
        options->timeout_ms = 0;
    set_frames(options, given);
    return status == CONTINUE ? check_combination(options, given) : status;
}
