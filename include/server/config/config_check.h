#ifndef SERVER_CONFIG_CONFIG_CHECK_H
#define SERVER_CONFIG_CONFIG_CHECK_H

#include "server/options.h"

/* Reads the configuration at the start, and checks it for option -t. */

enum {
    EXIT_CONFIGURATION = 78, /* EX_CONFIG of <sysexits.h> */
};

/* Reads the configuration that the options name, and prints its errors to stderr. Returns what
 * config_files_read returns. */
int config_check_read(struct config_files_result *result, const struct server_options *options);

/* Checks the configuration for -t. Returns the exit status. */
int config_check_run(const struct server_options *options);

#endif
