#ifndef CLIENT_LINE_INPUT_H
#define CLIENT_LINE_INPUT_H

#include "os/file/history_file.h"
#include "os/loop/event_loop.h"
#include "os/loop/standard_input.h"
#include "os/terminal/console.h"
#include "text/line_splitter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads lines from standard input: a pipe or a file, a terminal without line editing, or a terminal
 * on which lines are edited, with a prompt, a history and completion. */

enum {
    /* The longest line with its CRLF: a datagram of 65535 bytes as hexadecimal digits, and two. */
    LINE_INPUT_BYTES = 131072,
};

struct line_input_handler {
    void (*ready)(void *state); /* line_input_next may return a line */
    /* A signal is to end the program: SIGINT, SIGTERM or SIGHUP at a terminal, or SIGHUP because
     * the terminal was closed. May be called several times. */
    void (*interrupted)(void *state, int signal);
    void *state;
};

struct line_input {
    bool terminal;    /* standard input is a terminal */
    bool interactive; /* standard input and standard output are terminals */
    bool editing;     /* lines are edited there */
    bool ended;       /* no more lines will follow those that line_input_next still returns */
    int error;        /* -errno that ended the input, or 0 */
    uint64_t number;  /* of the line last returned, from 1 */
    /* The rest is internal. */
    const struct line_input_handler *handler;
    struct loop *loop;
    bool prompted; /* the plain prompt is shown at the beginning of the terminal's row */
    char *line;    /* a line of the console that was not returned yet, or NULL */
    size_t size;
    struct console *console; /* with line editing; without, the next two are used */
    struct standard_input standard_input;
    struct line_splitter splitter;
    char bytes[LINE_INPUT_BYTES]; /* of the splitter */
    struct history *history;
    struct history_file history_file;
};

/* Opens the input, paused; input and handler must stay in place until line_input_close. If the
 * history cannot be read, prints an error and continues without it. Returns 0, or -errno; call
 * line_input_close in both cases. */
int line_input_open(struct line_input *input, struct loop *loop,
                    const struct line_input_handler *handler);
/* Call it after the loop has ended. */
void line_input_close(struct line_input *input);

/* Returns the next line as line_splitter_next does; it is valid until the next call. */
enum line_splitter_result line_input_next(struct line_input *input, char **line, size_t *size);

/* Resume, pause and permanently stop the reading of lines. line_input_resume also shows the prompt
 * to an interactive user; it returns 0 or -errno. All may be repeated. */
int line_input_resume(struct line_input *input);
void line_input_pause(struct line_input *input);
void line_input_stop(struct line_input *input);

/* Erases the prompt and the line being edited. Call it before whole lines are printed to stdout.
 * While lines are edited stdout need not be flushed afterwards, since drawing the edited line
 * flushes it. The second function is for output to stderr: it flushes stdout. */
void line_input_hide(struct line_input *input);
void line_input_hide_for_error(struct line_input *input);

#endif
