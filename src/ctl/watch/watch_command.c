#include "ctl/watch/watch_command.h"

#include "ctl/output/output_error.h"
#include "ctl/watch/screen_layout.h"
#include "ctl/watch/server_poller.h"
#include "ctl/watch/snapshot_lines.h"
#include "os/loop/event_loop.h"
#include "os/loop/signals.h"
#include "os/loop/standard_input.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/forced_exit.h"
#include "os/terminal/terminal_capabilities.h"
#include "terminal/key_decoder.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Switch to the alternate screen and hide the cursor, and back (xterm, private modes 1049 and 25).
 */
#define ENTER_SCREEN "\x1b[?1049h\x1b[?25l\x1b[2J"
#define LEAVE_SCREEN "\x1b[?25h\x1b[?1049l"

enum {
    POLL_INTERVAL_MS = 1000,
    STATUS_SIGNAL = 128, /* plus the number of the signal, as in shells */
};

struct watch {
    const struct ctl_options *options;
    struct loop *loop;
    struct loop_timer timer;
    struct server_poller *poller;
    struct standard_input input;
    struct key_decoder keys;
    bool is_drawn; /* on a terminal; otherwise lines are printed */
    bool styles, blocks;
    uint64_t polls_left; /* UINT64_MAX: unlimited */
    int signal;          /* that ended it, or 0 */
    struct server_snapshot snapshot;
    char bytes[SCREEN_BYTES];
};

/* Whether the locale's encoding is UTF-8, by the variables of locale(7). */
static bool locale_is_utf8(void)
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
    screen_layout_draw(&watch->snapshot, &screen);
    fwrite(watch->bytes, 1, screen_end(&screen), stdout);
    fflush(stdout);
}

/* Prints a line. Returns false after the first successful poll: rates need two. */
static bool print_line(const struct watch *watch)
{
    char time[CLOCK_WALL_TEXT_BYTES];
    if (watch->snapshot.is_up && watch->snapshot.rates.interval_ns == 0)
        return false;
    if (watch->options->json)
        snapshot_lines_json(stdout, &watch->snapshot, clock_wall_text(time));
    else
        snapshot_lines_text(stdout, &watch->snapshot, clock_wall_text(time));
    fflush(stdout);
    return true;
}

static void stop_by_signal(struct watch *watch, int signal)
{
    forced_exit_begin(signal);
    watch->signal = signal;
    loop_stop(watch->loop);
}

static void on_polled(void *state)
{
    struct watch *watch = state;
    bool shown = true;
    if (watch->is_drawn)
        draw(watch);
    else
        shown = print_line(watch);
    if (watch->polls_left != UINT64_MAX && shown)
        watch->polls_left--;
    if (watch->is_drawn && ferror(stdout))
        stop_by_signal(watch, SIGHUP); /* the terminal was closed, and SIGHUP has not arrived yet */
    else if (watch->polls_left == 0 || ferror(stdout))
        loop_stop(watch->loop);
}

/* A line is only printed for a complete poll. */
static void on_aged(void *state)
{
    struct watch *watch = state;
    if (watch->is_drawn)
        draw(watch);
}

static void on_timer(void *state)
{
    struct watch *watch = state;
    server_poller_poll(watch->poller);
}

static void suspend(struct watch *watch)
{
    if (raw_mode_suspend() != 0)
        stop_by_signal(watch, SIGHUP);
    else
        draw(watch);
}

static void handle_key(struct watch *watch, enum key_decoder_key key)
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

static void on_input(void *state)
{
    struct watch *watch = state;
    char bytes[256];
    size_t used;
    ssize_t size = standard_input_read(&watch->input, bytes, sizeof bytes);
    if (size == -EAGAIN)
        return;
    if (size <= 0) {
        stop_by_signal(watch, SIGHUP);
        return;
    }
    for (size_t at = 0; at < (size_t)size; at += used)
        handle_key(watch, key_decoder_next(&watch->keys, bytes + at, (size_t)size - at, &used));
}

static void on_signal(void *state, int signal)
{
    struct watch *watch = state;
    if (signal == SIGTSTP)
        suspend(watch);
    else if (signal == SIGWINCH || (signal == SIGCONT && raw_mode_continue() == 0))
        draw(watch);
    else
        stop_by_signal(watch, signal == SIGCONT ? SIGHUP : signal);
}

static int open_terminal(struct watch *watch)
{
    int error = raw_mode_enter(STDIN_FILENO, STDOUT_FILENO, ENTER_SCREEN, LEAVE_SCREEN);
    if (error)
        return error;
    forced_exit_start();
    watch->styles = terminal_wants_colour(STDOUT_FILENO);
    watch->blocks = locale_is_utf8();
    setvbuf(stdout, NULL, _IOFBF, 1 << 16); /* one write per screen */
    standard_input_open(&watch->input, watch->loop, STDIN_FILENO, on_input, watch);
    error = loop_signals_start(watch->loop, raw_mode_signals, on_signal, watch);
    return error ? error : standard_input_resume(&watch->input);
}

static int run(struct watch *watch)
{
    int error = loop_timer_open(watch->loop, &watch->timer, on_timer, watch);
    if (error)
        return error;
    if (watch->is_drawn)
        error = open_terminal(watch);
    if (!error) {
        loop_timer_every(&watch->timer, POLL_INTERVAL_MS);
        on_timer(watch);
        error = loop_run_until_stopped(watch->loop);
    }
    if (watch->is_drawn) {
        standard_input_pause(&watch->input);
        raw_mode_leave();
        loop_signals_stop(watch->loop);
    }
    loop_timer_close(&watch->timer);
    return error;
}

static int watch_and_report(struct watch *watch)
{
    static const struct server_poller_callbacks callbacks = {on_polled, on_aged};
    const struct ctl_options *options = watch->options;
    watch->loop = loop_new();
    if (watch->loop)
        watch->poller =
            server_poller_new(watch->loop, &options->server, &watch->snapshot, &callbacks, watch);
    int error = watch->poller ? run(watch) : -ENOMEM;
    server_poller_free(watch->poller);
    loop_free(watch->loop);
    if (error) {
        char text[160];
        snprintf(text, sizeof text, "cannot watch: %s; free some memory or descriptors",
                 strerror(-error));
        return output_error(options->json, text);
    }
    /* Ctrl-C is a normal way to quit, like q. */
    if (watch->signal && watch->signal != SIGINT)
        return STATUS_SIGNAL + watch->signal;
    return watch->polls_left == 0 && !watch->snapshot.is_up;
}

int watch_command_run(const struct ctl_options *options)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return output_error(options->json, "cannot watch: not enough memory; free some");
    watch->options = options;
    watch->is_drawn = !options->json && terminal_can_edit(STDIN_FILENO, STDOUT_FILENO);
    watch->polls_left = options->count > 0 ? options->count : UINT64_MAX;
    int status = watch_and_report(watch);
    free(watch);
    return status;
}
