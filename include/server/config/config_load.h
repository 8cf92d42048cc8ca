#ifndef SERVER_CONFIG_CONFIG_LOAD_H
#define SERVER_CONFIG_CONFIG_LOAD_H

#include "server/options.h"

/* Reads the configuration at the start, and checks it for option -t. */

enum {
    EXIT_CONFIGURATION = 78, /* EX_CONFIG of <sysexits.h> */
};

/* Reads the configuration that the options name, and prints its errors to stderr. Returns what
 * config_files_read returns. */
int config_load(struct config_files_result *result, const struct server_options *options);

/* Checks the configuration for -t, and the key file and state file that it names. This process
 * may have the user of the server afterwards (server/config/state_config). Returns the exit status.
 */
int config_load_test(const struct server_options *options);

#endif
