/* udpctl without a command, on a terminal. */
#include "ctl/interactive.h"

#include "ctl/command.h"
#include "ctl/command_words.h"
#include "ctl/output/output.h"
#include "ctl/tab_completion.h"
#include "os/file/history_file.h"
#include "os/log/error_message.h"
#include "os/loop/event_loop.h"
#include "os/terminal/console.h"
#include "os/terminal/terminal_capabilities.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE_BYTES = 132 << 10, /* a broadcast of 65507 bytes as --hex, and its words */
    WORDS_MAX = 64,
    BY_SIGNAL = 128,
};

struct interactive {
    const struct ctl_options *options;
    int argc;
    char **argv;
    struct loop *loop;
    struct console *console;
    struct history *history;
    struct history_file file;
    struct tab_completion complete;
    int status;
};

bool interactive_is_possible(void)
{
    return terminal_can_edit(STDIN_FILENO, STDOUT_FILENO);
}

static void list(FILE *out)
{
    command_list(out);
    fputs("  quit              leave, as Ctrl-D does\n", out);
}

/* Runs a command of that many words, behind the words that udpctl itself was given. */
static void run_words(struct interactive *interactive, char **words, int count)
{
    struct ctl_options options;
    int argc = interactive->argc + count;
    char **argv = calloc((size_t)argc + 1, sizeof *argv);
    if (!argv) {
        output_error(interactive->options->json,
                     "cannot run the command: memory is short; free some");
        return;
    }
    memcpy(argv, interactive->argv, (size_t)interactive->argc * sizeof *argv);
    memcpy(argv + interactive->argc, words, (size_t)count * sizeof *argv);
    if (ctl_options_read(&options, argc, argv, list) < 0 && options.command)
        command_run(&options);
    free(argv);
}

/* What commands do with the terminal is theirs, and it is as they know it. */
static void run_line(struct interactive *interactive, char **words, int count)
{
    console_lend_terminal(interactive->console);
    if (strcmp(words[0], "help") == 0 && count == 1)
        list(stdout);
    else
        run_words(interactive, words, count);
    fflush(stdout);
    clearerr(stdin); /* --stdin has been at its end */
    if (console_take_terminal_back(interactive->console) != 0) {
        interactive->status = 1;
        loop_stop(interactive->loop);
    }
}

static void keep_in_history(struct interactive *interactive, const char *line, size_t size)
{
    int error = history_file_append(&interactive->file, line, size);
    if (!error)
        return;
    console_hide(interactive->console);
    fflush(stdout);
    print_error(strerror(-error), "free space there, or continue without it",
                "writing the history to %s", interactive->file.path);
    interactive->file.kept = false;
}

static void on_line(void *state, char *line, size_t size)
{
    struct interactive *interactive = state;
    char *words[WORDS_MAX + 1], error[160];
    const char *wrong;
    keep_in_history(interactive, line, size);
    int count = command_words_split(line, words, WORDS_MAX, &wrong);
    if (count < 0) {
        console_hide(interactive->console);
        snprintf(error, sizeof error,
                 "cannot run the line: it has %s; correct it, the Up key brings it back", wrong);
        output_error(interactive->options->json, error);
    } else if (count > 0 && (strcmp(words[0], "quit") == 0 || strcmp(words[0], "exit") == 0)) {
        console_close(interactive->console);
        loop_stop(interactive->loop);
    } else if (count > 0) {
        run_line(interactive, words, count);
    }
}

static void on_end(void *state, int signal)
{
    struct interactive *interactive = state;
    interactive->status = signal ? BY_SIGNAL + signal : 0;
    loop_stop(interactive->loop);
}

static void on_tab(void *state, const char *line, size_t cursor,
                   struct line_editor_choices *choices)
{
    struct interactive *interactive = state;
    tab_completion_line(&interactive->complete, line, cursor, choices);
}

static int converse(struct interactive *interactive)
{
    const struct console_handler handler = {on_line, on_end, on_tab, interactive};
    int error = console_open(&interactive->console, interactive->loop, "udpctl> ",
                             interactive->history, LINE_BYTES, &handler);
    if (error)
        return error;
    puts("udpctl: Tab completes, 'help' lists the commands, 'quit' leaves");
    error = loop_run_until_stopped(interactive->loop);
    console_close(interactive->console);
    console_free(interactive->console);
    return error;
}

static int run(struct interactive *interactive)
{
    interactive->loop = loop_new();
    interactive->history = history_new();
    int error = interactive->loop && interactive->history ? 0 : -ENOMEM;
    if (!error) {
        int closed = history_file_open(&interactive->file, "udpctl_history", interactive->history);
        if (closed && closed != -ENOENT)
            print_error(strerror(-closed), "change its owner, or continue without it",
                        "opening the history %s", interactive->file.path);
        error = converse(interactive);
    }
    history_free(interactive->history);
    loop_free(interactive->loop);
    return error;
}

int interactive_run(const struct ctl_options *options, int argc, char **argv)
{
    struct interactive *interactive = calloc(1, sizeof *interactive);
    int error = -ENOMEM, status = 1;
    if (interactive) {
        interactive->options = options;
        interactive->argc = argc;
        interactive->argv = argv;
        interactive->complete.server = &options->server;
        error = run(interactive);
        status = interactive->status;
        tab_completion_free(&interactive->complete);
    }
    free(interactive);
    if (!error)
        return status;
    char text[160];
    snprintf(text, sizeof text, "cannot ask for commands: %s; give one on the command line",
             strerror(-error));
    return output_error(options->json, text);
}
