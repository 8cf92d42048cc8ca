#include "server/options.h"

#include "os/log/error_message.h"

#include <stdio.h>

enum { CONFIG, CHECK, PRINT, LISTEN, SOCKET, HELP, VERSION, ROWS };

static const struct option_row rows[ROWS] = {
    [CONFIG] = {'c', "config", "FILE",
                "read this configuration; without it, the built-in defaults"},
    [CHECK] = {'t', "test", NULL, "check the configuration and exit: 0 if it is valid, 78 if not"},
    [PRINT] = {'T', "print", NULL, "print the effective configuration and exit"},
    [LISTEN] = {'l', "listen", "ADDR", "listen here, in place of server.listen; may be repeated"},
    [SOCKET] = {'s', "socket", "PATH",
                "the operator's socket, in place of control.socket; off: none"},
    [HELP] = {'h', "help", NULL, "print this help and exit"},
    [VERSION] = {'V', "version", NULL, "print the version and exit"},
};

const struct option_row *server_options_rows(size_t *count)
{
    *count = ROWS;
    return rows;
}

/* Adds a setting that overrides the configuration. Returns false if there are too many. */
static bool add_override(struct server_options *options, const char *where, const char *section,
                         const char *key, const char *value)
{
    if (options->override_count == sizeof options->overrides / sizeof options->overrides[0]) {
        print_usage_error("too many of %s: at most %d listeners", where, CONFIG_LISTEN_MAX);
        return false;
    }
    options->overrides[options->override_count++] = (struct config_files_override){
        .where = where, .section = section, .key = key, .value = value};
    return true;
}

/* Applies one option. Returns false if it is wrong. */
static bool apply(struct server_options *options, int row, const char *value)
{
    switch (row) {
    case CONFIG:
        options->config_path = value;
        return true;
    case CHECK:
        options->task = SERVER_CHECK;
        return true;
    case PRINT:
        options->task = SERVER_PRINT;
        return true;
    case LISTEN:
        return add_override(options, "-l", "server", "listen", value);
    case SOCKET:
        return add_override(options, "-s", "control", "socket", value);
    case HELP:
        options->task = SERVER_HELP;
        return true;
    default:
        options->task = SERVER_VERSION;
        return true;
    }
}

void server_options_read(struct server_options *options, int argc, char **argv)
{
    struct option_parser line;
    int row, operands;

    *options = (struct server_options){.task = SERVER_RUN, .arguments = argv};
    option_parser_init(&line, argc, argv, rows, ROWS);
    while ((row = option_parser_next(&line)) >= 0)
        if (!apply(options, row, line.value)) {
            options->task = SERVER_WRONG;
            return;
        } else if (options->task == SERVER_HELP || options->task == SERVER_VERSION) {
            return;
        }
    char **operand = option_parser_operands(&line, &operands);
    if (row == OPTION_PARSER_ERROR)
        print_usage_error("%s", line.error);
    else if (operands > 0)
        print_usage_error("unexpected operand '%s' (a configuration file is given by -c)",
                          operand[0]);
    else
        return;
    options->task = SERVER_WRONG;
}

void server_options_help(void)
{
    char text[2048];
    option_parser_help(text, sizeof text, rows, ROWS);
    printf(
        "Usage: udpsrv [-c FILE] [-t] [-T] [-l ADDR]... [-s PATH]\n\n"
        "Answers every datagram, registers its sender as a client, and can send to all "
        "clients.\n\n%s\n"
        "Exit status: 0 stopped, or the configuration is good; 1 it could not start, or failed;\n"
        "2 wrong usage; 78 the configuration is wrong, in a file or by -l and -s.\n\n"
        "Without -c it listens on 127.0.0.1:3000 and [::1]:3000. See udpsrv(8), udpsrv.conf(5).\n",
        text);
}
