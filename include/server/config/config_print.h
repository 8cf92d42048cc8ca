#ifndef SERVER_CONFIG_CONFIG_PRINT_H
#define SERVER_CONFIG_CONFIG_PRINT_H

#include "server/options.h"

/* Prints the configuration in effect to stdout, as a file that can be read again: option -T.
 * Returns the exit status. */
int config_print_run(const struct server_options *options);

#endif
