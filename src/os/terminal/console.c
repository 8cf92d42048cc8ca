#include "os/terminal/console.h"

#include "os/loop/signals.h"
#include "os/loop/standard_input.h"
#include "os/process/forced_exit.h"
#include "os/terminal/console_display.h"
#include "os/terminal/raw_mode.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bracketed paste on and off (xterm, "Bracketed Paste Mode"); wrapping on (DECAWM), which a drawing
 * may have left off. */
#define BEGIN "\x1b[?2004h"
#define END   "\x1b[?7h\x1b[?2004l"

enum { KEYS_BYTES = 4096 };

struct console {
    struct loop *loop;
    const struct console_handler *handler;
    struct standard_input input;
    struct loop_task work;
    struct line_editor *editor;
    struct console_display display;
    bool paused, closed;
    bool in_callback;           /* the handler has the entered line, which is on the screen */
    size_t next_key, keys_size; /* keys that were read and not yet fed to the editor */
    char keys[KEYS_BYTES];
};

void console_hide(struct console *console)
{
    if (!console || console->closed)
        return;
    console_display_erase(&console->display);
    loop_defer(console->loop, &console->work);
}

/* Keeps the line on the screen, if it is shown at all: while the console is paused it is not. */
static void keep_line(struct console *console, const char *mark)
{
    if (!console->paused)
        console_display_keep_line(&console->display, mark);
}

static void redraw_later(struct console *console)
{
    console->display.shown = false;
    loop_defer(console->loop, &console->work);
}

/* Takes the next key as the answer to the question whether to list the choices. Returns false if
 * there is no key yet. */
static bool take_answer(struct console *console)
{
    if (console->next_key == console->keys_size)
        return false;
    console->next_key +=
        console_display_answer(&console->display, console->keys[console->next_key]);
    return true;
}

/* ---- Events of the line editor ---- */

void console_close(struct console *console)
{
    if (!console || console->closed)
        return;
    size_t size;
    line_editor_line(console->editor, &size);
    if (size && !console->in_callback)
        keep_line(console, "");
    else
        console_hide(console);
    fflush(stdout);
    console->closed = true;
    standard_input_pause(&console->input);
    loop_cancel(console->loop, &console->work);
    raw_mode_leave();
}

static void end_input(struct console *console, int why)
{
    console_close(console);
    console->handler->end(console->handler->state, why);
}

/* A terminal that was closed returns an end of the input (error is 0) or EIO. */
static void lose_terminal(struct console *console, int error)
{
    end_input(console, error == 0 || error == -EIO ? SIGHUP : error);
}

static void suspend(struct console *console)
{
    keep_line(console, "");
    fflush(stdout);
    int error = raw_mode_suspend();
    if (error)
        lose_terminal(console, error);
    else
        redraw_later(console);
}

static void interrupt(struct console *console)
{
    size_t size;
    line_editor_line(console->editor, &size);
    if (size == 0) {
        end_input(console, SIGINT);
        return;
    }
    keep_line(console, "^C");
    line_editor_clear(console->editor);
}

static void enter_line(struct console *console)
{
    size_t size;
    console_display_keep_entered(&console->display);
    loop_defer(console->loop, &console->work);
    char *line = line_editor_line(console->editor, &size);
    console->in_callback = true;
    console->handler->line(console->handler->state, line, size);
    console->in_callback = false;
}

static void clear_screen(struct console *console)
{
    fputs("\x1b[H\x1b[2J", stdout);
    redraw_later(console);
}

static void quit(struct console *console)
{
    keep_line(console, "");
    /* As the terminal does outside raw mode. The signal handler restores the mode. */
    kill(0, SIGQUIT);
}

static void handle_event(struct console *console, enum line_editor_event event)
{
    switch (event) {
    case LINE_EDITOR_LINE:
        enter_line(console);
        break;
    case LINE_EDITOR_END:
        end_input(console, 0);
        break;
    case LINE_EDITOR_INTERRUPT:
        interrupt(console);
        break;
    case LINE_EDITOR_SUSPEND:
        suspend(console);
        break;
    case LINE_EDITOR_QUIT:
        quit(console);
        break;
    case LINE_EDITOR_CLEAR_SCREEN:
        clear_screen(console);
        break;
    case LINE_EDITOR_CHOICES:
        console_display_offer_choices(&console->display);
        break;
    case LINE_EDITOR_CURSOR_REPORT:
        console_display_handle_cursor_report(&console->display);
        break;
    case LINE_EDITOR_MORE:
        break;
    }
}

/* Feeds the keys that were read to the editor, and draws the line if it changed. */
static void feed_keys(void *state)
{
    struct console *console = state;
    enum line_editor_event event = LINE_EDITOR_MORE;
    do {
        if (console->paused || console->closed)
            return;
        if (console->display.asking && !take_answer(console))
            break;
        size_t used;
        event = line_editor_feed(console->editor, console->keys + console->next_key,
                                 console->keys_size - console->next_key, &used);
        console->next_key += used;
        handle_event(console, event);
    } while (event != LINE_EDITOR_MORE);
    if (console->closed)
        return;
    console->next_key = console->keys_size = 0;
    int error = standard_input_resume(&console->input);
    if (error)
        lose_terminal(console, error);
    else if (console_display_is_outdated(&console->display))
        console_display_draw(&console->display);
}

/* While paused no key is fed to the editor, but Ctrl-C and Ctrl-Z take effect. */
static void search_for_interrupt(struct console *console, size_t from)
{
    char *new = console->keys + from;
    size_t size = console->keys_size - from;
    if (memchr(new, 3, size)) {
        end_input(console, SIGINT);
        return;
    }
    char *stop = memchr(new, 26, size);
    if (!stop)
        return;
    memmove(stop, stop + 1, size - (size_t)(stop + 1 - new));
    console->keys_size--;
    suspend(console);
}

/* Returns whether the program may end at this key, so that the input after it may belong to the
 * next program. */
static bool may_end_program(char key)
{
    return memchr("\x03\x04\r\n\x1a\x1c", key, 6) != NULL;
}

/* Reads byte by byte, so that input typed ahead after the key that ends the program is left for the
 * shell. */
static ssize_t read_keys(struct console *console)
{
    size_t from = console->keys_size;
    do {
        ssize_t size = standard_input_read(&console->input, console->keys + console->keys_size, 1);
        if (size <= 0)
            return console->keys_size > from ? (ssize_t)(console->keys_size - from) : size;
        console->keys_size++;
    } while (!may_end_program(console->keys[console->keys_size - 1]) &&
             console->keys_size < KEYS_BYTES && standard_input_has_bytes(&console->input));
    return (ssize_t)(console->keys_size - from);
}

static void input_ready(void *state)
{
    struct console *console = state;
    size_t from = console->keys_size;
    ssize_t size = read_keys(console);
    if (size == -EAGAIN)
        return;
    if (size <= 0) {
        lose_terminal(console, (int)size);
        return;
    }
    if (console->paused)
        search_for_interrupt(console, from);
    else
        feed_keys(console);
    if (!console->closed && console->keys_size == KEYS_BYTES)
        standard_input_pause(&console->input);
}

void console_pause(struct console *console)
{
    if (!console)
        return;
    console_hide(console);
    console->paused = true;
    fflush(stdout);
}

void console_resume(struct console *console)
{
    if (!console || !console->paused)
        return;
    console->paused = false;
    if (!console->closed)
        loop_defer(console->loop, &console->work);
}

void console_lend_terminal(struct console *console)
{
    console_hide(console);
    fflush(stdout);
    raw_mode_leave();
}

int console_take_terminal_back(struct console *console)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    if (console->closed)
        return 0;
    /* A SIGINT is blocked and pending for the loop; ignoring it for a moment drops it. */
    sigaction(SIGINT, &ignore, &before);
    sigaction(SIGINT, &before, NULL);
    redraw_later(console);
    return raw_mode_enter(STDIN_FILENO, STDOUT_FILENO, BEGIN, END);
}

/* Another program may have changed the terminal's mode while this one was stopped. */
static void continue_after_stop(struct console *console)
{
    int error = raw_mode_continue();
    if (error)
        lose_terminal(console, error);
    else
        redraw_later(console);
}

static void signal_caught(void *state, int signal)
{
    struct console *console = state;
    if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) {
        forced_exit_begin(signal);
        end_input(console, signal);
    } else if (console->closed) {
        if (signal == SIGTSTP)
            raw_mode_suspend();
    } else if (signal == SIGWINCH) {
        console_display_resize(&console->display);
    } else if (signal == SIGTSTP) {
        suspend(console);
    } else {
        continue_after_stop(console);
    }
}

int console_open(struct console **opened, struct loop *loop, const char *prompt,
                 struct history *history, size_t line_max_bytes,
                 const struct console_handler *handler)
{
    struct console *console = calloc(1, sizeof *console);
    struct line_editor *editor = line_editor_new(line_max_bytes, prompt, history);
    int error =
        console && editor ? raw_mode_enter(STDIN_FILENO, STDOUT_FILENO, BEGIN, END) : -ENOMEM;
    if (!error && (error = loop_signals_start(loop, raw_mode_signals, signal_caught, console)) != 0)
        raw_mode_leave();
    if (error) {
        line_editor_free(editor);
        free(console);
        return error;
    }
    forced_exit_start();
    console->loop = loop;
    console->handler = handler;
    console->editor = console->display.editor = editor;
    console->work = (struct loop_task){.run = feed_keys, .state = console};
    line_editor_set_completion(editor, handler->complete, handler->state);
    /* Printed lines and the line below them are written together, so that nothing flickers. */
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    standard_input_open(&console->input, loop, STDIN_FILENO, input_ready, console);
    loop_defer(loop, &console->work);
    *opened = console;
    return 0;
}

void console_free(struct console *console)
{
    if (!console)
        return;
    console_close(console);
    line_editor_free(console->editor);
    free(console);
}
