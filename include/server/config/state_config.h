#ifndef SERVER_CONFIG_STATE_CONFIG_H
#define SERVER_CONFIG_STATE_CONFIG_H

#include "config/config.h"

/* What the keys of [state] need beyond a configuration that is consistent: a file that can be one,
 * in a directory that only the server's user can write, and an interval within the ttl. For the
 * start, after privileges were given up, and for udpsrv -t. Without state.file nothing is checked.
 *
 * Nothing is created, opened for writing or locked: so -t can run while a server uses the file. */

/* Checks what is at state.file. Logs an error and returns -errno if the server must not start;
 * logs warnings of the rest. Call it before the file is locked, which creates another one. */
int state_config_check(const struct config *config);

/* Logs why the server cannot use state.file, and what to do about it: it must not start. */
void state_config_log_unusable(const struct config *config, const char *why, const char *next);

/* Logs a warning if state.interval is longer than clients.ttl: all clients of a file may then have
 * expired before the next one is written. state_config_check does it at the start; call it when a
 * reload has changed these keys. */
void state_config_warn_of_interval(const struct config *config);

/* The same for -t: prints them to stderr, and warnings also of a file or directory that the start
 * would report without failing. For that this process becomes the user of the server, so call it
 * last; where it may not, only what is at the path is checked. Returns 0 or -errno. */
int state_config_test(const struct config *config);

#endif
