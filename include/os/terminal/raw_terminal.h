#ifndef OS_TERMINAL_RAW_TERMINAL_H
#define OS_TERMINAL_RAW_TERMINAL_H

#include <stdbool.h>

/* Whether the descriptor is a terminal. */
bool terminal_is(int fd);

/* Whether a line can be written there at once: false for a terminal that is stopped, or that nobody
 * reads any more. */
bool terminal_has_room(int fd);

/* Whether colour is wanted there: on a terminal that can show it (TERM is set and isn't "dumb"),
 * unless NO_COLOR is set to anything but the empty string (no-color.org). */
bool terminal_wants_colour(int fd);

/* Whether one can edit and draw there: both are terminals, and TERM is set and neither "dumb" nor
 * "unknown". Otherwise lines are read and printed plainly. */
bool terminal_can_edit(int in, int out);

/* The window's size in characters; 80 x 24 if nobody knows. */
struct terminal_size {
    unsigned columns, rows; /* 1 .. 65535 */
};
struct terminal_size terminal_size(int fd);

/* ---- Raw mode: one terminal in a process ---- */

/* Reads in's terminal byte by byte from now on, without echo, line editing, signals (Ctrl-C is the
 * byte 3) or flow control; output still turns \n into CR LF. Writes begin to out, as soon as the
 * mode is on, and promises to write end and to put the mode back as it was, whatever ends the
 * process short of SIGKILL: terminal_leave, exit, a crash, a deadly signal (which is then passed on
 * to whom it would have gone to, so that the exit status and the core are as ever). begin and end
 * (modes to set and unset, such as bracketed paste or the alternate screen) are strings that live
 * until the end of the process. A background job is stopped first, as is usual (SIGTTOU). 0 or
 * -errno (-ENOTTY: no terminal; -EBUSY: entered already). */
int terminal_enter(int in, int out, const char *begin, const char *end);

/* Writes end and puts the mode back. Nothing happens to one that wasn't entered. What was typed and
 * not yet read is left for the next reader. */
void terminal_leave(void);

/* Puts the mode back and writes nothing: for another thread, while this one is blocked in a write
 * to the terminal, where end would be blocked as well. */
void terminal_abandon(void);

/* Ctrl-Z: leaves, stops the whole process group as the terminal would (SIGTSTP), and, once it is
 * continued in the foreground, enters again as before. 0 or -errno of entering. Then everything is
 * to be drawn anew, for the window's size may be another. */
int terminal_suspend(void);

/* To be called at SIGCONT: enters again after a stop by SIGSTOP, behind which a shell sets its own
 * mode. Nothing happens unless entered. 0 or -errno. */
int terminal_continue(void);

/* The signals that a loop at a terminal is to catch (for loop_signals; ends in 0): SIGINT, SIGTERM
 * and SIGHUP end it; SIGWINCH: look at terminal_size and draw; SIGTSTP: terminal_suspend; SIGCONT:
 * terminal_continue and draw. */
extern const int terminal_signals[];

#endif
