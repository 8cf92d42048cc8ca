#ifndef SERVER_CONFIG_CONFIG_CHECK_H
#define SERVER_CONFIG_CONFIG_CHECK_H

#include "server/options.h"

/* Reads the configuration at the start, and implements -t (check it) and -T (print it). */

enum {
    EXIT_CONFIGURATION = 78, /* EX_CONFIG of <sysexits.h> */
};

/* Reads the configuration that the options name, and prints its errors to stderr. Returns what
 * config_files_read returns. */
int config_check_read(struct config_files_result *result, const struct server_options *options);

/* Run -t and -T. Return the exit status. */
int config_check_run(const struct server_options *options);
int config_check_print(const struct server_options *options);

#endif
