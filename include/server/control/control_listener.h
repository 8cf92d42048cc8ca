#ifndef SERVER_CONTROL_CONTROL_LISTENER_H
#define SERVER_CONTROL_CONTROL_LISTENER_H

#include "base/handover.h"
#include "server/control/control_sessions.h"

#include <stdbool.h>

/* A listening socket that takes commands: opening it, accepting connections, recreating its file,
 * closing. */

/* Listens, and accepts sessions. A socket that was passed is taken over, and closed after an error.
 * Returns 0, or -errno of unix_listener_open or of the loop. */
int control_open(struct control **control, struct loop *loop,
                 const struct control_options *options);

/* Has the sessions of another socket give way: when descriptors are short, they are closed before
 * those of this one. NULL: those of no other socket. */
void control_set_observers(struct control *control, struct control *observers);

/* Creates the socket's file again if it is missing, or is not the socket of a live process.
 * Sessions continue. Returns 0 if the file exists now, with *made true if it is a new one, or
 * -errno of unix_listener_open. */
int control_restore(struct control *control, bool *made);

/* Writes the listening socket to the record that is being written
 * (inherited_sockets_take_over_one). */
void control_hand_over(const struct control *control, struct handover_writer *writer);

/* Closes all sessions when their output was written, or it is until_ms (clock_now_ms). A session
 * whose running command has not answered yet gets an error line. Nothing else is closed or freed:
 * this process is about to end, and another one has the socket. */
void control_leave(struct control *control, uint64_t until_ms);

/* Removes the socket's file and closes all sessions. A session whose running command has not
 * answered yet gets an error line. A command that still runs must not use its session any more. */
void control_close(struct control *control);

#endif
