#ifndef SERVER_CONTROL_CONTROL_SESSIONS_H
#define SERVER_CONTROL_CONTROL_SESSIONS_H

#include "os/log/log.h"
#include "os/loop/event_loop.h"
#include "os/process/privilege.h"
#include "server/control/command_parser.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The operator's sessions: a Unix socket in the loop, over which command lines come in and answers
 * go out. What the commands do is not known here; they come as a table. Everything runs in the
 * loop's thread. */
struct control;
struct control_session;

enum {
    CONTROL_SESSIONS_MAX = 64,   /* more operators than any site has, of a kilobyte or ten each */
    CONTROL_SESSIONS_SPARE = 16, /* of them, not for commands that wait long */
    /* A command line: two hex digits for each byte of the longest UDP payload (65507), and room for
     * the words before them. */
    CONTROL_COMMAND_BYTES_MAX = 132 << 10,
    CONTROL_LINE_BYTES_MAX = 8 << 10, /* a line of an answer, its newline included */
};

struct control_options {
    const char *path;                       /* of the socket; copied */
    mode_t mode;                            /* of its file */
    struct identity owner;                  /* of its file; what is -1 stays ours. Who isn't root,
                                               the owner or let in by mode has no session */
    const struct control_command *commands; /* the caller's, to outlive the control */
    size_t command_count;
    void *state; /* handed to each command */
};

/* Listens, and serves sessions from then on. 0, or -errno of unix_socket_listen and of the loop. */
int control_open(struct control **control, struct loop *loop,
                 const struct control_options *options);

/* Makes the socket's file anew where it is gone, or where what stands in its place is none of a
 * live process's. Sessions go on. 0: it is there, and *made says whether it is a new one; or -errno
 * of unix_socket_listen. */
int control_restore(struct control *control, bool *made);

/* Ends all sessions and removes the socket's file. Sessions whose command is still running end,
 * too: they are told so if they have had no answer yet, and whoever holds one forgets it. */
void control_close(struct control *control);

/* A command like the others, for the table: lists the table. */
void control_help(void *state, struct control_session *session, char *arguments);

enum { CONTROL_LOG_PAIRS_MAX = 8 };

/* Says in the log, at level info, that the peer has had the command done: with the pairs, at most
 * CONTROL_LOG_PAIRS_MAX, and who the peer is. For commands that log themselves. */
void control_log(const struct control_session *session, const char *name,
                 const struct log_pair *pairs, size_t count);

/* The answer to a command, within its run or later: first one of these two, */
void control_ok(struct control_session *session);
void control_error(struct control_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* then lines of a one-word key and a value, which may be empty. What is longer than
 * CONTROL_LINE_BYTES_MAX is cut; a newline in a value becomes a blank; other bytes of strangers
 * are for the caller to escape. */
void control_line(struct control_session *session, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* For a command that waits long: what was written so far goes out now. */
void control_send(struct control_session *session);

/* then this: the command is over and the caller forgets the session. Called once a command. What
 * was written before may stay buffered until now. */
void control_end(struct control_session *session);

/* In place of control_end: the answer is cut short, which the peer sees by the session's end
 * without the answer's. */
void control_abort(struct control_session *session);

/* control_error and control_end in one, for a command that is refused. */
void control_refuse(struct control_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Whether the peer has left, so that a long answer is of no use any more. It must be ended all the
 * same. */
bool control_peer_has_left(const struct control_session *session);

/* Whether so many sessions are busy that a command which may wait long is better refused: the
 * others are for those that look and that cancel. */
bool control_is_busy(const struct control_session *session);

/* For answers that are written in slices. True: output is backed up, and resume will be called
 * once, when it has drained or the peer has left. False: go on at once. */
bool control_write_later(struct control_session *session, void (*resume)(void *state), void *state);

#endif
