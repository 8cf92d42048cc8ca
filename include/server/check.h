#ifndef SERVER_CHECK_H
#define SERVER_CHECK_H

#include "server/options.h"

enum {
    EXIT_CONFIGURATION = 78, /* EX_CONFIG of <sysexits.h> */
};

/* Reads the configuration that the options name; complaints go to stderr. As configfile_read. */
int check_read(struct configfile_result *result, const struct server_options *options);

/* -t and -T: the exit status. */
int check_configuration(const struct server_options *options);
int check_print(const struct server_options *options);

#endif
