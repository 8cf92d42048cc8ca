#ifndef SERVER_CONFIG_CONFIG_CHECK_H
#define SERVER_CONFIG_CONFIG_CHECK_H

#include "server/options.h"

enum {
    EXIT_CONFIGURATION = 78, /* EX_CONFIG of <sysexits.h> */
};

/* Reads the configuration that the options name; complaints go to stderr. As config_files_read. */
int config_check_read(struct config_files_result *result, const struct server_options *options);

/* -t and -T: the exit status. */
int config_check_run(const struct server_options *options);
int config_check_print(const struct server_options *options);

#endif
