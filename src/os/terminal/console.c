/* A line edited at the bottom of a terminal, and whatever else is printed above it. */
#include "os/terminal/console.h"

#include "os/loop/standard_input.h"
#include "os/process/forced_exit.h"
#include "os/terminal/raw_terminal.h"
#include "terminal/glyph.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Rows that are too long are cut, or broken (DECAWM). */
#define CUT   "\x1b[?7l"
#define BREAK "\x1b[?7h"
/* Bracketed paste, on and off (xterm, "Bracketed Paste Mode"). */
#define BEGIN "\x1b[?2004h"
#define END   BREAK "\x1b[?2004l"

enum {
    KEYS_BYTES = 4096,
    CHOICES_UNASKED_MAX = 100, /* that are shown without a question, where they fit the window */
    /* Of an entered line, what is shown at most: the text of a datagram. Any drawing is smaller. */
    DRAWING_BYTES = 64 << 10,
};

_Static_assert((int)DRAWING_BYTES >= (int)LINE_EDITOR_DRAW_BYTES, "a drawing fits");

struct console {
    struct loop *loop;
    const struct console_handler *handler;
    struct standard_input input;
    struct loop_task work;
    struct line_editor *edit;
    bool shown; /* the line (or question) stands on the screen, as it was drawn last */
    bool asked; /* whether all choices are to be shown: the question stands in the line's place */
    bool paused, ended;
    bool entering;      /* the line is the handler's, and stands above */
    unsigned questions; /* CSI 6n that were not answered yet */
    size_t at, have;    /* keys that were read and not yet fed */
    char keys[KEYS_BYTES];
    char drawing[DRAWING_BYTES];
};

static void print(const char *text, size_t size)
{
    fwrite(text, 1, size, stdout);
}

/* ---- Showing and hiding ---- */

/* The window may already be narrower than it says: the row is then cut, and not broken into
 * several, of which nobody would know. */
static void draw(struct console *console)
{
    unsigned columns = terminal_size(STDOUT_FILENO).columns;
    fputs(CUT, stdout);
    if (console->asked)
        printf("\r%zu possibilities: show them all? (y or n)\x1b[K",
               line_editor_choices(console->edit)->count);
    else
        print(console->drawing, line_editor_draw(console->edit, columns, console->drawing));
    fputs(BREAK, stdout);
    fflush(stdout);
    console->shown = true;
}

void console_hide(struct console *console)
{
    if (!console || console->ended)
        return;
    if (console->shown)
        fputs("\r\x1b[K", stdout);
    console->shown = false;
    loop_defer(console->loop, &console->work);
}

/* Leaves the line as it is, with what comes next below it. */
static void leave_line(struct console *console, const char *mark)
{
    if (console->paused)
        return;
    console->shown = console->shown && !console->asked;
    console->asked = false;
    if (!console->shown || line_editor_changed(console->edit))
        draw(console);
    unsigned columns = line_editor_drawn_columns(console->edit);
    char end[24] = "\r";
    if (columns)
        snprintf(end, sizeof end, "\r\x1b[%uC", columns);
    printf("%s%s\n", end, mark);
    fflush(stdout);
    console->shown = false;
}

static void show_again(struct console *console)
{
    console->shown = false;
    loop_defer(console->loop, &console->work);
}

/* Draws where the line begins, and takes away what is left of it below. Not by erasing all from
 * here on: where that is the whole screen, tmux keeps it as history. */
static void draw_over_rest(struct console *console)
{
    fputs("\r\x1b[K\x1b"
          "7\x1b[B\x1b[J\x1b"
          "8",
          stdout);
    draw(console);
}

/* The window is another. Most terminals break the rows that got too long, and then the line begins
 * above the cursor's row; some cut them. Where that matters, the terminal is asked where the cursor
 * is. */
static void resized(struct console *console)
{
    unsigned columns = terminal_size(STDOUT_FILENO).columns, row, column;
    if (!console->shown)
        return;
    line_editor_wrapped(console->edit, columns, &row, &column);
    if (row == 0 || console->asked) {
        draw_over_rest(console);
        return;
    }
    console->questions++;
    fputs("\x1b[6n", stdout);
    fflush(stdout);
}

static void located(struct console *console)
{
    unsigned columns = terminal_size(STDOUT_FILENO).columns, row, column, row_now, column_now;
    /* Of several, the last is about the window as it is. */
    if (console->questions == 0 || --console->questions > 0 || !console->shown || console->asked)
        return;
    line_editor_wrapped(console->edit, columns, &row, &column);
    line_editor_position(console->edit, &row_now, &column_now);
    bool broken = column_now != columns || column + 1 == columns;
    if (broken && row > 0)
        printf("\x1b[%uA", row);
    draw_over_rest(console);
}

/* ---- Choices ---- */

/* How many columns the widest takes, with two blanks behind it. */
static size_t widest_of(const struct line_editor_choices *choices)
{
    size_t widest = 0;
    for (size_t i = 0; i < choices->count; i++) {
        size_t width = glyph_columns(choices->words[i], strlen(choices->words[i]));
        widest = width > widest ? width : widest;
    }
    return widest + 2;
}

static void show_choices(struct console *console)
{
    const struct line_editor_choices *choices = line_editor_choices(console->edit);
    size_t columns = terminal_size(STDOUT_FILENO).columns, width = widest_of(choices), used = 0;
    leave_line(console, "");
    for (size_t i = 0; i < choices->count; i++) {
        const char *word = choices->words[i];
        if (used && used + width > columns) {
            fputs("\n", stdout);
            used = 0;
        }
        printf("%s%*s", word, (int)(width - glyph_columns(word, strlen(word))), "");
        used += width;
    }
    puts(choices->partial ? "\n... and others: more of the word shows which" : "");
}

/* Shows the choices, behind a question where they would flood the screen. */
static void offer_choices(struct console *console)
{
    const struct line_editor_choices *choices = line_editor_choices(console->edit);
    struct terminal_size size = terminal_size(STDOUT_FILENO);
    size_t width = widest_of(choices), in_row = size.columns > width ? size.columns / width : 1;
    size_t rows = (choices->count + in_row - 1) / in_row;
    console->asked = choices->count > CHOICES_UNASKED_MAX || rows + 2 > size.rows;
    if (console->asked)
        console->shown = false;
    else
        show_choices(console);
}

/* Takes the answer to the question: what isn't one stays for the line. False: nothing was typed. */
static bool take_answer(struct console *console)
{
    if (console->at == console->have)
        return false;
    char key = console->keys[console->at];
    bool yes = memchr("yY \t", key, 4) != NULL, no = memchr("nN\x03\x07\x08\x7f", key, 6) != NULL;
    console->at += yes || no;
    if (yes)
        show_choices(console);
    console->asked = console->shown = false;
    return true;
}

/* ---- What happens ---- */

void console_end(struct console *console)
{
    if (!console || console->ended)
        return;
    size_t size;
    line_editor_line(console->edit, &size);
    if (size && !console->entering)
        leave_line(console, "");
    else
        console_hide(console);
    fflush(stdout);
    console->ended = true;
    standard_input_pause(&console->input);
    loop_cancel(console->loop, &console->work);
    terminal_leave();
}

static void end(struct console *console, int signal)
{
    console_end(console);
    console->handler->end(console->handler->state, signal);
}

static void suspend(struct console *console)
{
    leave_line(console, "");
    fflush(stdout);
    if (terminal_suspend() != 0)
        end(console, SIGHUP);
    else
        show_again(console);
}

static void interrupt(struct console *console)
{
    size_t size;
    line_editor_line(console->edit, &size);
    if (size == 0) {
        end(console, SIGINT);
        return;
    }
    leave_line(console, "^C");
    line_editor_clear(console->edit);
}

static void enter_line(struct console *console)
{
    size_t size = line_editor_write_entered(console->edit, console->drawing, DRAWING_BYTES);
    console_hide(console);
    print(console->drawing, size);
    fputs("\n", stdout);
    char *line = line_editor_line(console->edit, &size);
    console->entering = true;
    console->handler->line(console->handler->state, line, size);
    console->entering = false;
}

static void refresh(struct console *console)
{
    fputs("\x1b[H\x1b[2J", stdout);
    show_again(console);
}

static void quit(struct console *console)
{
    leave_line(console, "");
    /* As the terminal would; it is put back on the way. */
    kill(0, SIGQUIT);
}

static void obey(struct console *console, enum line_editor_event event)
{
    switch (event) {
    case LINE_EDITOR_LINE:
        enter_line(console);
        break;
    case LINE_EDITOR_END:
        end(console, 0);
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
    case LINE_EDITOR_REFRESH:
        refresh(console);
        break;
    case LINE_EDITOR_CHOICES:
        offer_choices(console);
        break;
    case LINE_EDITOR_POSITION:
        located(console);
        break;
    case LINE_EDITOR_MORE:
        break;
    }
}

/* Feeds what was read, and draws what came of it. */
static void work(void *state)
{
    struct console *console = state;
    enum line_editor_event event = LINE_EDITOR_MORE;
    do {
        if (console->paused || console->ended)
            return;
        if (console->asked && !take_answer(console))
            break;
        size_t used;
        event = line_editor_feed(console->edit, console->keys + console->at,
                                 console->have - console->at, &used);
        console->at += used;
        obey(console, event);
    } while (event != LINE_EDITOR_MORE);
    if (console->ended)
        return;
    console->at = console->have = 0;
    int error = standard_input_resume(&console->input);
    if (error)
        end(console, SIGHUP);
    else if (!console->shown || line_editor_changed(console->edit))
        draw(console);
}

/* While lines wait nothing is fed, but those who want to leave are heard. */
static void look_through(struct console *console, size_t from)
{
    char *new = console->keys + from;
    size_t size = console->have - from;
    if (memchr(new, 3, size)) {
        end(console, SIGINT);
        return;
    }
    char *stop = memchr(new, 26, size);
    if (!stop)
        return;
    memmove(stop, stop + 1, size - (size_t)(stop + 1 - new));
    console->have--;
    suspend(console);
}

/* Whether what is behind this key may be for somebody else: the next program, if it ends us. */
static bool may_end(char key)
{
    return memchr("\x03\x04\r\n\x1a\x1c", key, 6) != NULL;
}

/* Reads key by key: what is typed ahead, behind the one that ends us, stays for the shell. */
static ssize_t read_keys(struct console *console)
{
    size_t from = console->have;
    do {
        ssize_t size = standard_input_read(&console->input, console->keys + console->have, 1);
        if (size <= 0)
            return console->have > from ? (ssize_t)(console->have - from) : size;
        console->have++;
    } while (!may_end(console->keys[console->have - 1]) && console->have < KEYS_BYTES &&
             standard_input_waits(&console->input));
    return (ssize_t)(console->have - from);
}

static void ready(void *state)
{
    struct console *console = state;
    size_t from = console->have;
    ssize_t size = read_keys(console);
    if (size == -EAGAIN)
        return;
    /* There is no other end of what is read byte by byte. */
    if (size <= 0) {
        end(console, SIGHUP);
        return;
    }
    if (console->paused)
        look_through(console, from);
    else
        work(console);
    if (!console->ended && console->have == KEYS_BYTES)
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
    if (!console->ended)
        loop_defer(console->loop, &console->work);
}

void console_lend(struct console *console)
{
    console_hide(console);
    fflush(stdout);
    terminal_leave();
}

int console_take_back(struct console *console)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    if (console->ended)
        return 0;
    /* It is blocked, and waits for our loop; ignoring it for a moment drops it. */
    sigaction(SIGINT, &ignore, &before);
    sigaction(SIGINT, &before, NULL);
    show_again(console);
    return terminal_enter(STDIN_FILENO, STDOUT_FILENO, BEGIN, END);
}

static void caught(void *state, int signal)
{
    struct console *console = state;
    if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) {
        forced_exit_begin(signal);
        end(console, signal);
    } else if (console->ended) {
        if (signal == SIGTSTP)
            terminal_suspend();
    } else if (signal == SIGWINCH) {
        resized(console);
    } else if (signal == SIGTSTP) {
        suspend(console);
    } else if (terminal_continue() != 0) {
        end(console, SIGHUP);
    } else {
        show_again(console);
    }
}

int console_open(struct console **made, struct loop *loop, const char *prompt,
                 struct history *history, size_t line_max_bytes,
                 const struct console_handler *handler)
{
    struct console *console = calloc(1, sizeof *console);
    struct line_editor *edit = line_editor_new(line_max_bytes, prompt, history);
    int error = console && edit ? terminal_enter(STDIN_FILENO, STDOUT_FILENO, BEGIN, END) : -ENOMEM;
    if (!error && (error = loop_signals(loop, terminal_signals, caught, console)) != 0)
        terminal_leave();
    if (error) {
        line_editor_free(edit);
        free(console);
        return error;
    }
    forced_exit_start();
    console->loop = loop;
    console->handler = handler;
    console->edit = edit;
    console->work = (struct loop_task){.run = work, .state = console};
    line_editor_set_completion(edit, handler->complete, handler->state);
    /* What is printed and the line below it go out together, so that nothing flickers. */
    setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    standard_input_open(&console->input, loop, STDIN_FILENO, ready, console);
    loop_defer(loop, &console->work);
    *made = console;
    return 0;
}

void console_free(struct console *console)
{
    if (!console)
        return;
    console_end(console);
    line_editor_free(console->edit);
    free(console);
}
