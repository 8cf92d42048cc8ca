#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include "ctl/answer.h"
#include "net/runtime.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The options that belong to some of the commands alone. */
enum ctl_option {
    CTL_LIMIT = 1 << 0,
    CTL_SORT = 1 << 1,
    CTL_STDIN = 1 << 2,
    CTL_HEX = 1 << 3,
    CTL_NO_WAIT = 1 << 4,
};

enum ctl_sort { CTL_SORT_NONE, CTL_SORT_IDLE, CTL_SORT_ADDRESS };

/* What the command line asks for. */
struct ctl_options {
    struct answer_server server;
    char built_in_path[RUNTIME_PATH_BYTES]; /* where server.path may point */
    bool timeout_stated;
    bool json;
    unsigned given; /* enum ctl_option */
    uint32_t limit; /* 0: all */
    enum ctl_sort sort;
    const char *hex;
    const char *command; /* NULL: none */
    char **operands;     /* behind the command */
    int operand_count;
};

enum { CTL_WRONG_USAGE = 2 }; /* the exit status */

/* Reads the command line, whose strings it keeps. Returns -1 to go on; otherwise the program's exit
 * status, with help (the commands' part by list), version or a complaint printed. */
int ctl_options_read(struct ctl_options *options, int argc, char **argv, void (*list)(FILE *out));

/* Prints the help, the commands' part by list. Returns the exit status, 0. */
int ctl_options_help(void (*list)(FILE *out));

/* Complains of the first of the given options that is not among allowed: -1, or
 * CTL_WRONG_USAGE. */
int ctl_options_allow(const struct ctl_options *options, unsigned allowed);

/* Says on stderr what is wrong with the command line. Returns CTL_WRONG_USAGE. */
int ctl_wrong_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
