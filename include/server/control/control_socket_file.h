#ifndef SERVER_CONTROL_CONTROL_SOCKET_FILE_H
#define SERVER_CONTROL_CONTROL_SOCKET_FILE_H

#include "config/config.h"
#include "os/file/control_path.h"
#include "os/file/file_watch.h"
#include "os/loop/timer.h"
#include "os/process/privilege.h"
#include "server/control/control_listener.h"

/* The control socket of the server, at the path of control.socket. It is opened at the start. When
 * its file was removed, it is created again: within clients.sweep, but within a second at most, or
 * at a reload. With control.socket = off none of these functions does anything. */
struct control_socket {
    struct control *control; /* NULL: control.socket = off */
    struct loop *loop;
    char path[CONTROL_PATH_BYTES];
    struct identity owner; /* the user and group that its directory is given to */
    struct file_watch watch;
    struct loop_timer check_timer; /* set while a check of the file is due */
    uint32_t sweep_ms;
};

/* The table of commands and their state, which outlive the socket. */
struct control_socket_commands {
    const struct control_command *table;
    size_t count;
    void *state;
};

/* Returns 0, or -errno after the reason was printed or logged. */
int control_socket_open(struct control_socket *socket, struct loop *loop,
                        const struct config *config, const struct identity *identity,
                        const struct control_socket_commands *commands);

/* Warns if the present user of the server can neither remove the socket nor create it again. */
void control_socket_warn(const struct control_socket *socket);

/* Checks whether the file is there, and creates it if it is not. */
void control_socket_check(struct control_socket *socket);

/* Sets clients.sweep, the longest time until a removed file is noticed. */
void control_socket_set_sweep(struct control_socket *socket, uint32_t sweep_ms);

/* Returns its path, or "off". */
const char *control_socket_name(const struct control_socket *socket);

/* Ends all sessions, closes the socket and removes its file. */
void control_socket_close(struct control_socket *socket);

#endif
