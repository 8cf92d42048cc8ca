#ifndef CTL_CONNECTION_CONTROL_SERVER_H
#define CTL_CONNECTION_CONTROL_SERVER_H

#include "ctl/connection/answer_parser.h"

#include <stdint.h>

/* The server that udpctl connects to: the path of its control socket, the timeout, and the messages
 * about a failed connection. */

enum { CONTROL_SERVER_NO_TIMEOUT = INT32_MAX }; /* in milliseconds: 24 days */

struct control_server {
    const char *path;
    const char *fallback_path; /* another path to try for the error message; NULL: none */
    uint32_t timeout_ms;
    bool timeout_is_total; /* true: for the whole answer; false: for each read of it */
};

/* Checks, before connecting, that no other user can replace the socket. Returns ANSWER_OK, or
 * ANSWER_FAILED with a message in error. */
enum answer_result control_server_check_directory(const struct control_server *server,
                                                  char error[ANSWER_ERROR_BYTES]);

/* Writes the message for a connect that failed with errno why. Returns ANSWER_NO_SERVER or
 * ANSWER_FAILED. */
enum answer_result control_server_connect_error(const struct control_server *server, int why,
                                                char error[ANSWER_ERROR_BYTES]);

#endif
