#ifndef CLIENT_LINE_INPUT_H
#define CLIENT_LINE_INPUT_H

#include "client/line_splitter.h"
#include "os/file/history_file.h"
#include "os/loop/event_loop.h"
#include "os/loop/standard_input.h"
#include "os/terminal/console.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where lines come from: standard input, be it a pipe or a file, a terminal that can do nothing, or
 * one on which a person's line is edited. */

struct line_input_handler {
    void (*ready)(void *state); /* line_input_next may have something */
    /* A signal is to end us: at a terminal SIGINT, SIGTERM or SIGHUP, any number of times; SIGHUP,
     * too, if the terminal is gone. */
    void (*interrupted)(void *state, int signal);
    void *state;
};

struct line_input {
    bool terminal;   /* standard input is one */
    bool person;     /* and standard output, too */
    bool editing;    /* and lines are edited there */
    bool ended;      /* no more lines come than line_input_next still has */
    int error;       /* -errno that ended them, or 0 */
    uint64_t number; /* of the line last taken, from 1 */
    /* The source's own. */
    const struct line_input_handler *handler;
    struct loop *loop;
    bool prompted; /* a plain prompt stands at the beginning of the terminal's line */
    char *line;    /* that the console has and nobody took yet, or NULL */
    size_t size;
    struct console *console; /* lines are edited; or else they are read: */
    struct standard_input input;
    struct line_splitter lines;
    struct history *history;
    struct history_file history_file;
};

/* Opens it, paused; the source and its handler stay where they are until line_input_close. A
 * history that can't be read is complained of. 0 or -errno, and then line_input_close is to be
 * called, too. */
int line_input_open(struct line_input *source, struct loop *loop,
                    const struct line_input_handler *handler);
/* Once the loop doesn't run any more. */
void line_input_close(struct line_input *source);

/* The next line, as line_splitter_next has it; valid until the next one is taken. */
enum line_splitter_found line_input_next(struct line_input *source, char **line, size_t *size);

/* Wants lines, with a prompt for a person; or none for now; or none ever. All may be repeated.
 * Resuming gives 0 or -errno. */
int line_input_resume(struct line_input *source);
void line_input_pause(struct line_input *source);
void line_input_end(struct line_input *source);

/* Before whole lines are printed to stdout; behind them stdout need not be flushed while lines are
 * edited, for it is with the line that is edited. For what goes to stderr, stdout is flushed. */
void line_input_hide(struct line_input *source);
void line_input_hide_for_error(struct line_input *source);

#endif
