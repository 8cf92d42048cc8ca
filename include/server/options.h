#ifndef SERVER_OPTIONS_H
#define SERVER_OPTIONS_H

#include "server/config/config_files.h"
#include "text/option_parser.h"

#include <stdbool.h>
#include <stddef.h>

/* The command-line options of udpsrv. */

enum server_task {
    SERVER_RUN,
    SERVER_CHECK, /* -t */
    SERVER_PRINT, /* -T */
    SERVER_HELP,
    SERVER_VERSION,
    SERVER_WRONG, /* wrong usage, which was reported on stderr */
};

struct server_options {
    enum server_task task;
    char **arguments;        /* of the command line, with the name of the program, up to NULL */
    const char *config_path; /* NULL: no file */
    struct config_files_override overrides[CONFIG_LISTEN_MAX + 1];
    size_t override_count;
};

/* Returns the table of options, of *count rows. */
const struct option_row *server_options_rows(size_t *count);

/* Reads the command line. Reports wrong usage on stderr. */
void server_options_read(struct server_options *options, int argc, char **argv);

/* Prints the help to stdout. */
void server_options_help(void);

#endif
