#ifndef SERVER_CONTROL_CONTROL_SOCKET_FILE_H
#define SERVER_CONTROL_CONTROL_SOCKET_FILE_H

#include "config/config.h"
#include "os/file/control_path.h"
#include "os/file/file_watch.h"
#include "os/loop/timer.h"
#include "os/process/privilege.h"
#include "server/control/control_listener.h"
#include "server/listen/inherited_sockets.h"

/* The file of a socket that takes commands: the control socket at the path of control.socket, or
 * the observers' socket at that of control.observer-socket. It is opened at the start. When its
 * file was removed, it is created again: within clients.sweep, but within a second at most, or at a
 * reload. If the service manager passed the socket, the file is the manager's, and is neither
 * created nor removed. Where the configuration has no such socket, none of these functions does
 * anything. */
struct control_socket {
    const struct control_role *role;
    struct control *control; /* NULL: there is none */
    bool passed;             /* by the service manager */
    struct loop *loop;
    char path[CONTROL_PATH_BYTES];
    struct identity owner; /* the user and group that its directory is given to */
    struct file_watch watch;
    struct loop_timer check_timer; /* set while a check of the file is due */
    uint32_t sweep_ms;
    uint32_t restored; /* how often it was created again */
};

/* What is opened, and the commands of its sessions; all of it outlives the socket. */
struct control_socket_options {
    const struct control_role *role;
    const struct config *config;
    const struct identity *identity; /* of the server, after it has given up its privileges */
    const struct control_command *commands;
    size_t command_count;
    void *state;              /* passed to each command */
    const char *control_path; /* for observers: the name of the control socket */
    const struct existing_sockets *existing;
};

/* Writes the path of a socket that the configuration states, or the built-in one of the control
 * socket; "" if there is no such socket. Returns 0 or -errno. */
int control_socket_find_path(const struct control_role *role, const struct config *config,
                             char path[CONTROL_PATH_BYTES]);

/* Returns 0, or -errno after the reason was printed or logged. */
int control_socket_open(struct control_socket *socket, struct loop *loop,
                        const struct control_socket_options *options);

/* Warns if the present user of the server can neither remove the socket nor create it again. */
void control_socket_warn(const struct control_socket *socket);

/* Checks whether the file is there, and creates it if it is not. */
void control_socket_check(struct control_socket *socket);

/* Sets clients.sweep, the longest time until a removed file is noticed. */
void control_socket_set_sweep(struct control_socket *socket, uint32_t sweep_ms);

/* Writes the socket to the record that is being written, for the process after this one
 * (inherited_sockets_take_over_one). There is one. */
void control_socket_hand_over(const struct control_socket *socket, struct handover_writer *writer);

/* Returns its path, or "off". */
const char *control_socket_name(const struct control_socket *socket);

/* Ends all sessions, after their output was written, for at most until until_ms (clock_now_ms). The
 * socket and its file stay: they are another process's from now on. */
void control_socket_leave(struct control_socket *socket, uint64_t until_ms);

/* Ends all sessions, closes the socket and removes its file, unless it was passed. */
void control_socket_close(struct control_socket *socket);

#endif
