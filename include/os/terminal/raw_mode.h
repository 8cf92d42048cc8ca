#ifndef OS_TERMINAL_RAW_MODE_H
#define OS_TERMINAL_RAW_MODE_H

/* Raw mode of the terminal, which is always undone at the end of the process, also after a crash or
 * a signal. A process can have one terminal in raw mode at a time. */

/* Switches the terminal of in to raw mode: input is read byte by byte, without echo, line editing,
 * signals (Ctrl-C is the byte 3) or flow control; output still turns \n into CR LF. Writes begin to
 * out as soon as the mode is set. raw_mode_leave, exit, a crash and a fatal signal other than
 * SIGKILL write end and restore the mode; a fatal signal is then passed on to its previous handler,
 * so that exit status and core file are unchanged. begin and end are sequences that set and reset
 * modes, such as bracketed paste or the alternate screen; the strings must stay valid until the end
 * of the process. A background job is stopped first by SIGTTOU, as usual. Returns 0, or -errno
 * (-ENOTTY: not a terminal; -EBUSY: raw mode is on already). */
int raw_mode_enter(int in, int out, const char *begin, const char *end);

/* Writes end and restores the mode; does nothing unless raw mode is on. Input that was typed and
 * not yet read is left for the next reader. Async-signal-safe. */
void raw_mode_leave(void);

/* Restores the mode without writing end: for a thread that ends the process while another one is
 * blocked in a write to the terminal, where writing end would block as well. */
void raw_mode_leave_without_output(void);

/* Handles Ctrl-Z: leaves raw mode, stops the process group by SIGTSTP as the terminal would, and,
 * once it is continued in the foreground, enters raw mode again. Returns 0, or -errno of entering.
 * The caller then draws everything again, since the size of the window may have changed. */
int raw_mode_suspend(void);

/* Call it at SIGCONT: enters raw mode again after a stop by SIGSTOP, after which a shell sets its
 * own mode. Does nothing unless raw mode is on. Returns 0, or -errno. */
int raw_mode_continue(void);

/* The signals that the loop of a program in raw mode handles (for loop_signals_start; 0 ends the
 * list): SIGINT, SIGTERM and SIGHUP end the program; SIGWINCH: get terminal_size and draw; SIGTSTP:
 * raw_mode_suspend; SIGCONT: raw_mode_continue and draw. */
extern const int raw_mode_signals[];

#endif
