#ifndef CTL_CONNECTION_BLOCKING_REQUEST_H
#define CTL_CONNECTION_BLOCKING_REQUEST_H

#include "ctl/connection/control_server.h"

/* Connects to the server, sends one command (a line without its newline), passes the lines of the
 * answer to handler, also those after an error, and closes the connection. Blocks until the answer
 * is complete or the timeout has passed. With any other result than ANSWER_OK, error has a message
 * for people. */
enum answer_result blocking_request(const struct control_server *server, const char *command,
                                    answer_line_handler *handler, void *state,
                                    char error[ANSWER_ERROR_BYTES]);

#endif
