#ifndef CTL_CONNECTION_ASYNC_CONNECTION_H
#define CTL_CONNECTION_ASYNC_CONNECTION_H

#include "ctl/connection/control_server.h"
#include "os/loop/event_loop.h"

/* A connection to the server's control socket in an event loop, for callers that must not block.
 * It carries one command at a time; the answer arrives line by line in a callback. */
struct async_connection;

struct async_connection_callbacks {
    answer_line_handler *line; /* a line after the first */
    /* The answer is complete, or the connection has failed. After any other result than ANSWER_OK
     * and ANSWER_REFUSED the connection can't be used any more. This is also called without a
     * command when the server closes the connection. error is a message for people, unless the
     * result is ANSWER_OK. The callback may close the connection. */
    void (*ended)(void *state, enum answer_result result, const char *error);
    /* These two may be NULL: the first line of the answer was "ok"; and the kernel has taken all
     * that async_connection_write has buffered. */
    void (*accepted)(void *state);
    void (*drained)(void *state);
};

/* Connects. server and callbacks must outlive the connection. Returns ANSWER_OK, or the failure
 * with a message in error. */
enum answer_result async_connection_open(struct async_connection **connection, struct loop *loop,
                                         const struct control_server *server,
                                         const struct async_connection_callbacks *callbacks,
                                         void *state, char error[ANSWER_ERROR_BYTES]);

/* Sends a command, a line without its newline. The whole answer must arrive within the server's
 * timeout_ms (CONTROL_SERVER_NO_TIMEOUT: no limit). */
void async_connection_send(struct async_connection *connection, const char *command);

/* Writes lines that belong to the running command, whose answer has begun; buffers what the kernel
 * does not take. async_connection_unsent_bytes returns how many bytes are buffered. */
void async_connection_write(struct async_connection *connection, const char *lines, size_t size);
size_t async_connection_unsent_bytes(const struct async_connection *connection);

/* Stop and resume reading the answer, so that the server has to wait. Both may be repeated. A
 * connection that fails is reported nevertheless. */
void async_connection_pause(struct async_connection *connection);
void async_connection_resume(struct async_connection *connection);

/* Removes the time limit of the running command: for an answer that lasts, when it has begun. */
void async_connection_wait_on(struct async_connection *connection);

/* Closes the connection and frees it; NULL does nothing. */
void async_connection_close(struct async_connection *connection);

#endif
