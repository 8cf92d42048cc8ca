#ifndef SERVER_CONTROL_CONTROL_STATE_H
#define SERVER_CONTROL_CONTROL_STATE_H

#include "net/message/framed_stream.h"
#include "net/unix/socket_file.h"
#include "net/unix/unix_peer.h"
#include "os/loop/event_loop.h"
#include "os/loop/timer.h"
#include "os/process/privilege.h"
#include "server/control/command_parser.h"
#include "server/control/control_role.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The state of a socket that takes commands and of its sessions, for the modules of this folder. A
 * session is one connection of an operator, or of an observer (server/control/control_role). Used
 * by the loop's thread. */

enum {
    CONTROL_SESSIONS_MAX =
        64, /* of each socket: more operators than any site has; 1 to 10 KiB each */
    CONTROL_SESSIONS_RESERVED = 16, /* of them, which commands that may take long must leave free */
    /* A command line: two hexadecimal digits for each byte of the longest UDP payload (65507), and
     * the words before them. */
    CONTROL_COMMAND_BYTES_MAX = 132 << 10,
    CONTROL_LINE_BYTES_MAX = 8 << 10, /* a line of an answer, including its newline */
};

struct control_options {
    const char *path; /* of the socket; copied */
    mode_t mode;      /* of its file */
    int passed;    /* the listening socket there, which the service manager passed: then its file is
                      the manager's, and is neither created nor removed. 0: none */
    int inherited; /* the listening socket there, from the process before; its file is this
                      process's from now on. 0: none */
    struct socket_file inherited_file; /* the file of that */
    struct identity owner; /* of its file; -1 leaves the present one. Only root, the owner, and the
                              users that mode admits may open a session */
    const struct control_role *role;        /* what its sessions may do, and what it is called */
    const struct control_command *commands; /* the caller's; outlive the control */
    size_t command_count;
    void *state;              /* passed to each command */
    const char *control_path; /* for observers: the path of the control socket, named when a command
                                 is refused that only it has; CONFIG_CONTROL_OFF: there is none */
};

/* What receives the lines of a session while its command runs; line is NULL for most commands, and
 * then the session is not read before the command has ended. */
struct control_lines {
    /* One line, as in struct framed_stream_callbacks. */
    void (*line)(void *state, char *line, size_t size);
    /* No more lines follow: the peer has ended its input (0), or within a line (-EPROTO), or a line
     * was longer than CONTROL_COMMAND_BYTES_MAX (-EMSGSIZE). Output still reaches the peer. */
    void (*ended)(void *state, int error);
    void *state;
};

struct control_session {
    struct control *control;
    struct framed_stream *stream;
    struct unix_peer peer;
    void (*resume)(void *state); /* of a command that waits until its output has drained */
    void *resume_state;
    struct control_lines lines; /* of a command that reads further lines */
    uint64_t last_used;         /* value of control->uses at its last use */
    bool running;               /* a command has not ended */
    bool answered;              /* the running command has written its first line */
    bool broken;                /* writing has failed; the stream will report that it is closed */
    bool input_ended;           /* no further command can follow the running one */
    bool detached; /* the connection is closed; the command still runs, and frees the session */
    size_t used;   /* bytes of buffer */
    char buffer[CONTROL_LINE_BYTES_MAX]; /* so that a long list needs few system calls */
};

struct control {
    struct loop *loop;
    /* Two handlers, since a new listening socket is added before the old one is removed. */
    struct loop_handler handlers[2], *handler;
    struct loop_timer retry;
    struct control *observers; /* whose sessions give way to this one's; NULL: none */
    struct control_options options;
    char *path;
    struct socket_file file; /* the file of the socket */
    int listener;
    uint64_t uses;
    size_t count;
    /* One more than the limit, so that a new session takes part in the choice of the session to
     * evict. */
    struct control_session *sessions[CONTROL_SESSIONS_MAX + 1];
};

#endif
