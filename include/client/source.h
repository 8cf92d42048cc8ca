#ifndef CLIENT_SOURCE_H
#define CLIENT_SOURCE_H

#include "client/lines.h"
#include "net/console.h"
#include "net/history_file.h"
#include "net/input.h"
#include "net/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where lines come from: standard input, be it a pipe or a file, a terminal that can do nothing, or
 * one on which a person's line is edited. */

struct source_handler {
    void (*ready)(void *state); /* source_next may have something */
    /* A signal is to end us: at a terminal SIGINT, SIGTERM or SIGHUP, any number of times; SIGHUP,
     * too, if the terminal is gone. */
    void (*interrupted)(void *state, int signal);
    void *state;
};

struct source {
    bool terminal;   /* standard input is one */
    bool person;     /* and standard output, too */
    bool editing;    /* and lines are edited there */
    bool ended;      /* no more lines come than source_next still has */
    int error;       /* -errno that ended them, or 0 */
    uint64_t number; /* of the line last taken, from 1 */
    /* The source's own. */
    const struct source_handler *handler;
    struct loop *loop;
    bool prompted; /* a plain prompt stands at the beginning of the terminal's line */
    char *line;    /* that the console has and nobody took yet, or NULL */
    size_t size;
    struct console *console; /* lines are edited; or else they are read: */
    struct input input;
    struct lines lines;
    struct history *history;
    struct history_file history_file;
};

/* Opens it, paused; the source and its handler stay where they are until source_close. A history
 * that can't be read is complained of. 0 or -errno, and then source_close is to be called, too. */
int source_open(struct source *source, struct loop *loop, const struct source_handler *handler);
/* Once the loop doesn't run any more. */
void source_close(struct source *source);

/* The next line, as lines_next has it; valid until the next one is taken. */
enum lines_found source_next(struct source *source, char **line, size_t *size);

/* Wants lines, with a prompt for a person; or none for now; or none ever. All may be repeated.
 * Resuming gives 0 or -errno. */
int source_resume(struct source *source);
void source_pause(struct source *source);
void source_end(struct source *source);

/* Before whole lines are printed to stdout; behind them stdout need not be flushed while lines are
 * edited, for it is with the line that is edited. For what goes to stderr, stdout is flushed. */
void source_make_way(struct source *source);
void source_make_way_for_complaint(struct source *source);

#endif
