/* `watch`: the loop around looks, keys and the window. */
#include "ctl/watch/watch_command.h"

#include "ctl/output/output.h"
#include "ctl/watch/draw_screen.h"
#include "ctl/watch/server_poll.h"
#include "ctl/watch/watch_lines.h"
#include "os/loop/event_loop.h"
#include "os/loop/standard_input.h"
#include "os/process/clock.h"
#include "os/process/forced_exit.h"
#include "os/terminal/terminal_capabilities.h"
#include "terminal/key_decoder.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The alternate screen without a cursor, and back (xterm, private modes 1049 and 25). */
#define BEGIN "\x1b[?1049h\x1b[?25l\x1b[2J"
#define END   "\x1b[?25h\x1b[?1049l"

enum {
    EVERY_MS = 1000,
    BY_SIGNAL = 128, /* and its number: the exit status that a shell would show */
};

struct watch {
    const struct ctl_options *options;
    struct loop *loop;
    struct loop_timer timer;
    struct server_poll *look;
    struct standard_input input;
    struct key_decoder keys;
    bool drawn; /* on a terminal; otherwise there are lines */
    bool styles, blocks;
    uint64_t left; /* looks; UINT64_MAX: without end */
    int signal;    /* that ended it, or 0 */
    struct watch_data view;
    char bytes[SCREEN_BYTES];
};

/* As locale(7) has it: what the terminal shows of bytes beyond ASCII. */
static bool speaks_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    const char *value = "";
    for (size_t i = 0; i < sizeof names / sizeof *names && *value == '\0'; i++)
        value = getenv(names[i]) ? getenv(names[i]) : "";
    return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
}

static void draw(struct watch *watch)
{
    struct terminal_size size = terminal_size(STDOUT_FILENO);
    struct screen screen;
    screen_begin(&screen, watch->bytes, size.columns, size.rows, watch->styles, watch->blocks);
    draw_screen(&watch->view, &screen);
    fwrite(watch->bytes, 1, screen_end(&screen), stdout);
    fflush(stdout);
}

/* Rates need two looks: the first one says nothing unless the server isn't there. */
static bool print(const struct watch *watch)
{
    char time[CLOCK_WALL_TEXT_BYTES];
    if (watch->view.there && watch->view.rates.took_ns == 0)
        return false;
    if (watch->options->json)
        watch_lines_json(stdout, &watch->view, clock_wall_text(time));
    else
        watch_lines_text(stdout, &watch->view, clock_wall_text(time));
    fflush(stdout);
    return true;
}

static void leave_by(struct watch *watch, int signal)
{
    forced_exit_begin(signal);
    watch->signal = signal;
    loop_stop(watch->loop);
}

static void looked(void *state)
{
    struct watch *watch = state;
    bool shown = true;
    if (watch->drawn)
        draw(watch);
    else
        shown = print(watch);
    if (watch->left != UINT64_MAX && shown)
        watch->left--;
    if (watch->drawn && ferror(stdout))
        leave_by(watch, SIGHUP); /* the terminal is gone before it was told */
    else if (watch->left == 0 || ferror(stdout))
        loop_stop(watch->loop);
}

/* A line is for a look; the screen is for now. */
static void aged(void *state)
{
    struct watch *watch = state;
    if (watch->drawn)
        draw(watch);
}

static void tick(void *state)
{
    struct watch *watch = state;
    server_poll_start(watch->look);
}

static void suspend(struct watch *watch)
{
    if (raw_mode_suspend() != 0)
        leave_by(watch, SIGHUP);
    else
        draw(watch);
}

static void obey(struct watch *watch, enum key_decoder_key key)
{
    const struct key_decoder *keys = &watch->keys;
    bool q = key == KEY_TEXT &&
             (memchr(keys->text, 'q', keys->text_size) || memchr(keys->text, 'Q', keys->text_size));
    if (q || key == KEY_INTERRUPT || key == KEY_END_OR_DELETE) {
        loop_stop(watch->loop);
    } else if (key == KEY_SUSPEND) {
        suspend(watch);
    } else if (key == KEY_CLEAR_SCREEN) {
        fputs("\x1b[2J", stdout);
        draw(watch);
    }
}

static void pressed(void *state)
{
    struct watch *watch = state;
    char bytes[256];
    size_t used;
    ssize_t size = standard_input_read(&watch->input, bytes, sizeof bytes);
    if (size == -EAGAIN)
        return;
    if (size <= 0) {
        leave_by(watch, SIGHUP);
        return;
    }
    for (size_t at = 0; at < (size_t)size; at += used)
        obey(watch, key_decoder_next(&watch->keys, bytes + at, (size_t)size - at, &used));
}

static void caught(void *state, int signal)
{
    struct watch *watch = state;
    if (signal == SIGTSTP)
        suspend(watch);
    else if (signal == SIGWINCH || (signal == SIGCONT && raw_mode_continue() == 0))
        draw(watch);
    else
        leave_by(watch, signal == SIGCONT ? SIGHUP : signal);
}

static int enter(struct watch *watch)
{
    int error = raw_mode_enter(STDIN_FILENO, STDOUT_FILENO, BEGIN, END);
    if (error)
        return error;
    forced_exit_start();
    watch->styles = terminal_wants_colour(STDOUT_FILENO);
    watch->blocks = speaks_utf8();
    setvbuf(stdout, NULL, _IOFBF, 1 << 16); /* a drawing is one write */
    standard_input_open(&watch->input, watch->loop, STDIN_FILENO, pressed, watch);
    error = loop_signals(watch->loop, raw_mode_signals, caught, watch);
    return error ? error : standard_input_resume(&watch->input);
}

static int run(struct watch *watch)
{
    int error = loop_timer_open(watch->loop, &watch->timer, tick, watch);
    if (error)
        return error;
    if (watch->drawn)
        error = enter(watch);
    if (!error) {
        loop_timer_every(&watch->timer, EVERY_MS);
        tick(watch);
        error = loop_run_until_stopped(watch->loop);
    }
    if (watch->drawn) {
        standard_input_pause(&watch->input);
        raw_mode_leave();
        loop_signals_release(watch->loop);
    }
    loop_timer_close(&watch->timer);
    return error;
}

static int watch_with(struct watch *watch)
{
    static const struct server_poll_callbacks callbacks = {looked, aged};
    const struct ctl_options *options = watch->options;
    watch->loop = loop_new();
    if (watch->loop)
        watch->look =
            server_poll_new(watch->loop, &options->server, &watch->view, &callbacks, watch);
    int error = watch->look ? run(watch) : -ENOMEM;
    server_poll_free(watch->look);
    loop_free(watch->loop);
    if (error) {
        char text[160];
        snprintf(text, sizeof text, "cannot watch: %s; free some memory or descriptors",
                 strerror(-error));
        return output_error(options->json, text);
    }
    /* Who interrupts it leaves, as by q. */
    if (watch->signal && watch->signal != SIGINT)
        return BY_SIGNAL + watch->signal;
    return watch->left == 0 && !watch->view.there;
}

int watch_command_run(const struct ctl_options *options)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return output_error(options->json, "cannot watch: memory is short; free some");
    watch->options = options;
    watch->drawn = !options->json && terminal_can_edit(STDIN_FILENO, STDOUT_FILENO);
    watch->left = options->count > 0 ? options->count : UINT64_MAX;
    int status = watch_with(watch);
    free(watch);
    return status;
}
