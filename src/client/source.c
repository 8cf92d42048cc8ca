/* Lines from a person or a program. */
#include "client/source.h"

#include "client/slash.h"
#include "net/complain.h"
#include "net/force_exit.h"
#include "net/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROMPT "> "

/* A plain prompt is left where it stands: behind it may be what the terminal keeps of a line that
 * is being typed. */
void source_make_way(struct source *source)
{
    console_hide(source->console);
    if (source->prompted)
        putc('\n', stdout);
    source->prompted = false;
}

void source_make_way_for_complaint(struct source *source)
{
    source_make_way(source);
    fflush(stdout);
}

static void show_prompt(struct source *source)
{
    if (!source->person || source->prompted)
        return;
    fputs(PROMPT, stdout);
    fflush(stdout);
    source->prompted = true;
}

static void input_ready(void *state)
{
    struct source *source = state;
    size_t room;
    char *bytes = lines_room(&source->lines, &room);
    ssize_t size = input_read(&source->input, bytes, room);
    if (size == -EAGAIN)
        return;
    /* The end of a terminal may be one that is hung up, which is none any more. */
    if (source->terminal && size <= 0 && !terminal_is(STDIN_FILENO)) {
        source->handler->interrupted(source->handler->state, SIGHUP);
        return;
    }
    if (size > 0) {
        /* The terminal has echoed the newline. */
        source->prompted = false;
        lines_filled(&source->lines, (size_t)size);
    } else {
        lines_finish(&source->lines);
        source->error = (int)size;
        source_make_way(source);
    }
    source->handler->ready(source->handler->state);
}

/* ---- A line that is edited ---- */

static void keep_in_history(struct source *source, const char *line, size_t size)
{
    int error = history_file_append(&source->history_file, line, size);
    if (!error)
        return;
    source_make_way_for_complaint(source);
    complain(strerror(-error), "make room there, or go on without", "writing the history to %s",
             source->history_file.path);
    source->history_file.kept = false;
}

static void line_entered(void *state, char *line, size_t size)
{
    struct source *source = state;
    keep_in_history(source, line, size);
    source->line = line;
    source->size = size;
    source->handler->ready(source->handler->state);
}

static void console_ended(void *state, int signal)
{
    struct source *source = state;
    source->ended = true;
    if (signal)
        source->handler->interrupted(source->handler->state, signal);
    else
        source->handler->ready(source->handler->state);
}

static void complete(void *state, const char *line, size_t cursor, struct lineedit_choices *choices)
{
    static const char *words[SLASH_COMMANDS_MAX];
    (void)state;
    choices->words = words;
    choices->count = slash_complete(line, cursor, words, SLASH_COMMANDS_MAX);
}

static int open_console(struct source *source)
{
    static struct console_handler handler = {
        .line = line_entered, .end = console_ended, .complete = complete};
    handler.state = source;
    source->history = history_new();
    if (!source->history)
        return -ENOMEM;
    int error = history_file_open(&source->history_file, "udpcli_history", source->history);
    if (error && error != -ENOENT)
        complain(strerror(-error), "make it yours, or go on without", "opening the history %s",
                 source->history_file.path);
    return console_open(&source->console, source->loop, PROMPT, source->history, LINES_BYTES,
                        &handler);
}

/* ---- Either ---- */

static void interrupted(void *state, int signal)
{
    struct source *source = state;
    force_exit_begin(signal);
    source_make_way(source);
    source->handler->interrupted(source->handler->state, signal);
}

int source_open(struct source *source, struct loop *loop, const struct source_handler *handler)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    source->loop = loop;
    source->handler = handler;
    source->terminal = terminal_is(STDIN_FILENO);
    source->person = source->terminal && terminal_is(STDOUT_FILENO);
    source->editing = terminal_can_edit(STDIN_FILENO, STDOUT_FILENO);
    input_open(&source->input, loop, STDIN_FILENO, input_ready, source);
    if (source->editing)
        return open_console(source);
    if (!source->terminal)
        return 0;
    force_exit_start();
    return loop_signals(loop, signals, interrupted, source);
}

void source_close(struct source *source)
{
    console_free(source->console);
    history_free(source->history);
    if (source->input.loop)
        input_pause(&source->input);
}

enum lines_found source_next(struct source *source, char **line, size_t *size)
{
    enum lines_found found;
    if (source->console) {
        *line = source->line;
        *size = source->size;
        found = source->line ? LINES_LINE : LINES_NONE;
        source->line = NULL;
    } else {
        found = lines_next(&source->lines, line, size);
        source->ended = source->ended || (found == LINES_NONE && source->lines.ended);
    }
    source->number += found != LINES_NONE;
    return found;
}

int source_resume(struct source *source)
{
    if (source->console) {
        console_resume(source->console);
        return 0;
    }
    show_prompt(source);
    return input_resume(&source->input);
}

void source_pause(struct source *source)
{
    console_pause(source->console);
    input_pause(&source->input);
}

void source_end(struct source *source)
{
    source->ended = true;
    console_end(source->console);
    input_pause(&source->input);
}
