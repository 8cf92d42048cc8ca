/* Lines from a person or a program. */
#include "client/line_input.h"

#include "client/slash_commands.h"
#include "os/log/error_message.h"
#include "os/process/forced_exit.h"
#include "os/terminal/raw_terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROMPT "> "

/* A plain prompt is left where it stands: behind it may be what the terminal keeps of a line that
 * is being typed. */
void line_input_hide(struct line_input *source)
{
    console_hide(source->console);
    if (source->prompted)
        putc('\n', stdout);
    source->prompted = false;
}

void line_input_hide_for_error(struct line_input *source)
{
    line_input_hide(source);
    fflush(stdout);
}

static void show_prompt(struct line_input *source)
{
    if (!source->person || source->prompted)
        return;
    fputs(PROMPT, stdout);
    fflush(stdout);
    source->prompted = true;
}

static void input_ready(void *state)
{
    struct line_input *source = state;
    size_t room;
    char *bytes = line_splitter_room(&source->lines, &room);
    ssize_t size = standard_input_read(&source->input, bytes, room);
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
        line_splitter_filled(&source->lines, (size_t)size);
    } else {
        line_splitter_finish(&source->lines);
        source->error = (int)size;
        line_input_hide(source);
    }
    source->handler->ready(source->handler->state);
}

/* ---- A line that is edited ---- */

static void keep_in_history(struct line_input *source, const char *line, size_t size)
{
    int error = history_file_append(&source->history_file, line, size);
    if (!error)
        return;
    line_input_hide_for_error(source);
    print_error(strerror(-error), "make room there, or go on without", "writing the history to %s",
                source->history_file.path);
    source->history_file.kept = false;
}

static void line_entered(void *state, char *line, size_t size)
{
    struct line_input *source = state;
    keep_in_history(source, line, size);
    source->line = line;
    source->size = size;
    source->handler->ready(source->handler->state);
}

static void console_ended(void *state, int signal)
{
    struct line_input *source = state;
    source->ended = true;
    if (signal)
        source->handler->interrupted(source->handler->state, signal);
    else
        source->handler->ready(source->handler->state);
}

static void complete(void *state, const char *line, size_t cursor,
                     struct line_editor_choices *choices)
{
    static const char *words[SLASH_COMMANDS_MAX];
    (void)state;
    choices->words = words;
    choices->count = slash_command_complete(line, cursor, words, SLASH_COMMANDS_MAX);
}

static int open_console(struct line_input *source)
{
    static struct console_handler handler = {
        .line = line_entered, .end = console_ended, .complete = complete};
    handler.state = source;
    source->history = history_new();
    if (!source->history)
        return -ENOMEM;
    int error = history_file_open(&source->history_file, "udpcli_history", source->history);
    if (error && error != -ENOENT)
        print_error(strerror(-error), "make it yours, or go on without", "opening the history %s",
                    source->history_file.path);
    return console_open(&source->console, source->loop, PROMPT, source->history,
                        LINE_SPLITTER_BYTES, &handler);
}

/* ---- Either ---- */

static void interrupted(void *state, int signal)
{
    struct line_input *source = state;
    forced_exit_begin(signal);
    line_input_hide(source);
    source->handler->interrupted(source->handler->state, signal);
}

int line_input_open(struct line_input *source, struct loop *loop,
                    const struct line_input_handler *handler)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    source->loop = loop;
    source->handler = handler;
    source->terminal = terminal_is(STDIN_FILENO);
    source->person = source->terminal && terminal_is(STDOUT_FILENO);
    source->editing = terminal_can_edit(STDIN_FILENO, STDOUT_FILENO);
    standard_input_open(&source->input, loop, STDIN_FILENO, input_ready, source);
    if (source->editing)
        return open_console(source);
    if (!source->terminal)
        return 0;
    forced_exit_start();
    return loop_signals(loop, signals, interrupted, source);
}

void line_input_close(struct line_input *source)
{
    console_free(source->console);
    history_free(source->history);
    if (source->input.loop)
        standard_input_pause(&source->input);
}

enum line_splitter_found line_input_next(struct line_input *source, char **line, size_t *size)
{
    enum line_splitter_found found;
    if (source->console) {
        *line = source->line;
        *size = source->size;
        found = source->line ? LINE_SPLITTER_LINE : LINE_SPLITTER_NONE;
        source->line = NULL;
    } else {
        found = line_splitter_next(&source->lines, line, size);
        source->ended = source->ended || (found == LINE_SPLITTER_NONE && source->lines.ended);
    }
    source->number += found != LINE_SPLITTER_NONE;
    return found;
}

int line_input_resume(struct line_input *source)
{
    if (source->console) {
        console_resume(source->console);
        return 0;
    }
    show_prompt(source);
    return standard_input_resume(&source->input);
}

void line_input_pause(struct line_input *source)
{
    console_pause(source->console);
    standard_input_pause(&source->input);
}

void line_input_end(struct line_input *source)
{
    source->ended = true;
    console_end(source->console);
    standard_input_pause(&source->input);
}
