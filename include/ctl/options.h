#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "base/option_parser.h"
#include "ctl/connection/answer.h"
#include "os/file/control_path.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The rows of the table of options. */
enum ctl_row {
    CTL_ROW_SOCKET,
    CTL_ROW_TIMEOUT,
    CTL_ROW_JSON,
    CTL_ROW_LIMIT,
    CTL_ROW_SORT,
    CTL_ROW_STDIN,
    CTL_ROW_HEX,
    CTL_ROW_NO_WAIT,
    CTL_ROW_COUNT,
    CTL_ROW_HELP,
    CTL_ROW_VERSION,
    CTL_ROWS
};

/* Those that belong to some of the commands alone, a bit each, as struct option_command has them.
 */
enum ctl_option {
    CTL_LIMIT = 1 << CTL_ROW_LIMIT,
    CTL_SORT = 1 << CTL_ROW_SORT,
    CTL_STDIN = 1 << CTL_ROW_STDIN,
    CTL_HEX = 1 << CTL_ROW_HEX,
    CTL_NO_WAIT = 1 << CTL_ROW_NO_WAIT,
    CTL_COUNT = 1 << CTL_ROW_COUNT,
    CTL_OWN = CTL_LIMIT | CTL_SORT | CTL_STDIN | CTL_HEX | CTL_NO_WAIT | CTL_COUNT,
};

enum ctl_sort { CTL_SORT_NONE, CTL_SORT_IDLE, CTL_SORT_ADDRESS };

/* What the command line asks for. */
struct ctl_options {
    struct answer_server server;
    char built_in_path[CONTROL_PATH_BYTES]; /* where server.path may point */
    bool json;
    uint32_t given; /* enum ctl_option */
    uint32_t limit; /* 0: all */
    uint32_t count; /* 0: without end */
    enum ctl_sort sort;
    const char *hex;
    const char *command; /* NULL: none */
    char **operands;     /* behind the command */
    int operand_count;
};

/* The table of options; *count rows. */
const struct option_row *ctl_options_rows(size_t *count);

/* Reads the command line, whose strings it keeps. Returns -1 to go on; otherwise the program's exit
 * status, with help (the commands' part by list), version or a complaint printed. */
int ctl_options_read(struct ctl_options *options, int argc, char **argv, void (*list)(FILE *out));

/* Prints the help, the commands' part by list. Returns the exit status, 0. */
int ctl_options_help(void (*list)(FILE *out));

/* Complains of the first of the given options that is not among allowed: -1, or
 * EXIT_USAGE. */
int ctl_options_allow(const struct ctl_options *options, uint32_t allowed);

#endif
