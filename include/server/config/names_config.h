#ifndef SERVER_CONFIG_NAMES_CONFIG_H
#define SERVER_CONFIG_NAMES_CONFIG_H

#include "admission/device_key.h"
#include "config/config.h"

/* What the keys clients.names and names-key-file need beyond a configuration that is consistent:
 * the key of the file, and a warning of names that anyone can take. For the start, before
 * privileges are given up, and for udpsrv -t. */

/* Reads the key if names = keyed, else does nothing. Logs an error and returns -errno if it cannot
 * be read. */
int names_config_read_key(struct names_key *key, const struct config *config);

/* The same for -t: prints the error to stderr, and forgets the key. */
int names_config_test_key(const struct config *config);

/* Log, and print to stderr, a warning if names = trusted and other hosts can reach a listener. */
void names_config_warn(const struct config *config);
void names_config_test_warn(const struct config *config);

#endif
