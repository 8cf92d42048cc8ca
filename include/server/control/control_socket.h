#ifndef SERVER_CONTROL_CONTROL_SOCKET_H
#define SERVER_CONTROL_CONTROL_SOCKET_H

#include "config/config.h"
#include "os/file/control_path.h"
#include "os/file/file_watch.h"
#include "os/process/privilege.h"
#include "server/control/control_sessions.h"

/* Where the operator's socket is: opened at the start, and made again where somebody has removed
 * it, within clients.sweep and a second, or at a reload. Without one (control.socket = off) nothing
 * here does anything. */
struct control_socket {
    struct control *control; /* NULL: there is none */
    struct loop *loop;
    char path[CONTROL_PATH_BYTES];
    struct identity owner; /* who makes its directory */
    struct file_watch watch;
    struct loop_timer again; /* set while there is something to be looked at */
    uint32_t sweep_ms;
};

/* What an operator may have done: a table and the state of its commands, which outlive the socket.
 */
struct control_socket_commands {
    const struct control_command *table;
    size_t count;
    void *state;
};

/* 0 or -errno; then the log says why. */
int control_socket_open(struct control_socket *socket, struct loop *loop,
                        const struct config *config, const struct identity *identity,
                        const struct control_socket_commands *commands);

/* Warns of a socket that the user that the server has become can't remove or make again. */
void control_socket_warn(const struct control_socket *socket);

/* Looks whether the file is there, and makes it if not. */
void control_socket_check(struct control_socket *socket);

/* A removed one is made again within a new clients.sweep. */
void control_socket_set_sweep(struct control_socket *socket, uint32_t sweep_ms);

/* Its path, or "off". */
const char *control_socket_name(const struct control_socket *socket);

void control_socket_close(struct control_socket *socket);

#endif
