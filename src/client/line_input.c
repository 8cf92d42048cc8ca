#include "client/line_input.h"

#include "client/slash_commands.h"
#include "os/log/error_message.h"
#include "os/loop/signals.h"
#include "os/process/forced_exit.h"
#include "os/terminal/terminal_capabilities.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROMPT "> "

/* A plain prompt stays on the screen, since part of a line that is being typed may follow it in the
 * terminal. */
void line_input_hide(struct line_input *input)
{
    console_hide(input->console);
    if (input->prompted)
        putc('\n', stdout);
    input->prompted = false;
}

void line_input_hide_for_error(struct line_input *input)
{
    line_input_hide(input);
    fflush(stdout);
}

static void show_prompt(struct line_input *input)
{
    if (!input->interactive || input->prompted)
        return;
    fputs(PROMPT, stdout);
    fflush(stdout);
    input->prompted = true;
}

static void input_ready(void *state)
{
    struct line_input *input = state;
    size_t capacity;
    char *bytes = line_splitter_space(&input->splitter, &capacity);
    ssize_t size = standard_input_read(&input->standard_input, bytes, capacity);
    if (size == -EAGAIN)
        return;
    /* At the end of input the terminal may be closed; the descriptor is then not a terminal. */
    if (input->terminal && size <= 0 && !terminal_is_tty(STDIN_FILENO)) {
        input->handler->interrupted(input->handler->state, SIGHUP);
        return;
    }
    if (size > 0) {
        /* The terminal has echoed the newline. */
        input->prompted = false;
        line_splitter_add(&input->splitter, (size_t)size);
    } else {
        line_splitter_finish(&input->splitter);
        input->error = (int)size;
        line_input_hide(input);
    }
    input->handler->ready(input->handler->state);
}

/* ---- With line editing ---- */

static void append_to_history(struct line_input *input, const char *line, size_t size)
{
    int error = history_file_append(&input->history_file, line, size);
    if (!error)
        return;
    line_input_hide_for_error(input);
    print_error(strerror(-error), "free space there, or continue without it",
                "writing the history to %s", input->history_file.path);
    input->history_file.kept = false;
}

static void line_entered(void *state, char *line, size_t size)
{
    struct line_input *input = state;
    append_to_history(input, line, size);
    input->line = line;
    input->size = size;
    input->handler->ready(input->handler->state);
}

static void console_ended(void *state, int why)
{
    struct line_input *input = state;
    input->ended = true;
    input->error = why < 0 ? why : 0;
    if (why > 0)
        input->handler->interrupted(input->handler->state, why);
    else
        input->handler->ready(input->handler->state);
}

static void complete(void *state, const char *line, size_t cursor,
                     struct line_editor_choices *choices)
{
    static const char *words[SLASH_COMMANDS_MAX];
    (void)state;
    choices->words = words;
    choices->count = slash_command_complete(line, cursor, words, SLASH_COMMANDS_MAX);
}

static int open_console(struct line_input *input)
{
    static struct console_handler handler = {
        .line = line_entered, .end = console_ended, .complete = complete};
    handler.state = input;
    input->history = history_new();
    if (!input->history)
        return -ENOMEM;
    int error = history_file_open(&input->history_file, "udpcli_history", input->history);
    if (error)
        print_error(strerror(-error), "change its owner, or continue without it",
                    "opening the history %s", input->history_file.path);
    return console_open(&input->console, input->loop, PROMPT, input->history, LINE_INPUT_BYTES,
                        &handler);
}

/* ---- Either kind of input ---- */

static void interrupted(void *state, int signal)
{
    struct line_input *input = state;
    forced_exit_begin(signal);
    line_input_hide(input);
    input->handler->interrupted(input->handler->state, signal);
}

int line_input_open(struct line_input *input, struct loop *loop,
                    const struct line_input_handler *handler)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    input->loop = loop;
    input->handler = handler;
    input->terminal = terminal_is_tty(STDIN_FILENO);
    input->interactive = input->terminal && terminal_is_tty(STDOUT_FILENO);
    input->editing = terminal_can_edit(STDIN_FILENO, STDOUT_FILENO);
    line_splitter_init(&input->splitter, input->bytes, sizeof input->bytes);
    standard_input_open(&input->standard_input, loop, STDIN_FILENO, input_ready, input);
    if (input->editing)
        return open_console(input);
    if (!input->terminal)
        return 0;
    forced_exit_start();
    return loop_signals_start(loop, signals, interrupted, input);
}

void line_input_close(struct line_input *input)
{
    console_free(input->console);
    history_free(input->history);
    if (input->standard_input.loop)
        standard_input_pause(&input->standard_input);
}

enum line_splitter_result line_input_next(struct line_input *input, char **line, size_t *size)
{
    enum line_splitter_result result;
    if (input->console) {
        *line = input->line;
        *size = input->size;
        result = input->line ? LINE_SPLITTER_LINE : LINE_SPLITTER_NONE;
        input->line = NULL;
    } else {
        result = line_splitter_next(&input->splitter, line, size);
        input->ended = input->ended || (result == LINE_SPLITTER_NONE && input->splitter.ended);
    }
    input->number += result != LINE_SPLITTER_NONE;
    return result;
}

int line_input_resume(struct line_input *input)
{
    if (input->console) {
        console_resume(input->console);
        return 0;
    }
    show_prompt(input);
    return standard_input_resume(&input->standard_input);
}

void line_input_pause(struct line_input *input)
{
    console_pause(input->console);
    standard_input_pause(&input->standard_input);
}

void line_input_stop(struct line_input *input)
{
    input->ended = true;
    console_close(input->console);
    standard_input_pause(&input->standard_input);
}
