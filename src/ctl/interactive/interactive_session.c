#include "ctl/interactive/interactive_session.h"

#include "ctl/commands/command_dispatch.h"
#include "ctl/interactive/line_words.h"
#include "ctl/interactive/tab_completion.h"
#include "ctl/output/output_error.h"
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
    LINE_BYTES = 132 << 10, /* a broadcast of 65507 bytes with --hex, and other words */
    WORDS_MAX = 64,
    STATUS_SIGNAL = 128, /* plus the number of the signal, as in shells */
};

struct session {
    const struct ctl_options *options;
    int argc;
    char **argv;
    struct loop *loop;
    struct console *console;
    struct history *history;
    struct history_file file;
    struct tab_completion completion;
    int status;
    int error; /* -errno if the terminal cannot be used any more */
};

bool interactive_session_is_possible(void)
{
    return terminal_can_edit(STDIN_FILENO, STDOUT_FILENO);
}

static void print_commands(FILE *out)
{
    command_dispatch_print_list(out);
    fputs("  quit              end the session, like Ctrl-D\n", out);
}

static void run_command(const struct ctl_options *options)
{
    /* Its standard input would be this terminal, whose lines are commands. */
    if (strcmp(options->command, "gateway") == 0)
        output_error(options->json, "cannot open a gateway: this session reads commands, not "
                                    "requests; run 'udpctl gateway' from a program");
    else
        command_dispatch_run(options);
}

/* Runs the command of that many words, after the options of udpctl's own command line. */
static void run_words(struct session *session, char **words, int count)
{
    struct ctl_options options;
    int argc = session->argc + count;
    char **argv = calloc((size_t)argc + 1, sizeof *argv);
    if (!argv) {
        output_error(session->options->json,
                     "cannot run the command: not enough memory; free some");
        return;
    }
    memcpy(argv, session->argv, (size_t)session->argc * sizeof *argv);
    memcpy(argv + session->argc, words, (size_t)count * sizeof *argv);
    if (ctl_options_read(&options, argc, argv, print_commands) < 0 && options.command)
        run_command(&options);
    free(argv);
}

/* While a command runs, the terminal has its normal mode, as the command expects. */
static void run_line(struct session *session, char **words, int count)
{
    console_lend_terminal(session->console);
    if (strcmp(words[0], "help") == 0 && count == 1)
        print_commands(stdout);
    else
        run_words(session, words, count);
    fflush(stdout);
    clearerr(stdin); /* --stdin may have read to the end of the file */
    session->error = console_take_terminal_back(session->console);
    if (session->error)
        loop_stop(session->loop);
}

static void add_to_history(struct session *session, const char *line, size_t size)
{
    int error = history_file_append(&session->file, line, size);
    if (!error)
        return;
    console_hide(session->console);
    fflush(stdout);
    print_error(strerror(-error), "free space there, or continue without it",
                "writing the history to %s", session->file.path);
    session->file.kept = false;
}

static void on_line(void *state, char *line, size_t size)
{
    struct session *session = state;
    char *words[WORDS_MAX + 1], error[160];
    const char *wrong;
    add_to_history(session, line, size);
    int count = line_words_split(line, words, WORDS_MAX, &wrong);
    if (count < 0) {
        console_hide(session->console);
        snprintf(error, sizeof error,
                 "cannot run the line: it has %s; correct the line, which the Up key recalls",
                 wrong);
        output_error(session->options->json, error);
    } else if (count > 0 && (strcmp(words[0], "quit") == 0 || strcmp(words[0], "exit") == 0)) {
        console_close(session->console);
        loop_stop(session->loop);
    } else if (count > 0) {
        run_line(session, words, count);
    }
}

static void on_end(void *state, int why)
{
    struct session *session = state;
    session->error = why < 0 ? why : 0;
    session->status = why > 0 ? STATUS_SIGNAL + why : 0;
    loop_stop(session->loop);
}

static void on_tab(void *state, const char *line, size_t cursor,
                   struct line_editor_choices *choices)
{
    struct session *session = state;
    tab_completion_complete(&session->completion, line, cursor, choices);
}

static int run_prompt(struct session *session)
{
    const struct console_handler handler = {on_line, on_end, on_tab, session};
    int error = console_open(&session->console, session->loop, "udpctl> ", session->history,
                             LINE_BYTES, &handler);
    if (error)
        return error;
    puts("udpctl: Tab completes, 'help' lists the commands, 'quit' exits");
    error = loop_run_until_stopped(session->loop);
    console_close(session->console);
    console_free(session->console);
    return error ? error : session->error;
}

static int run(struct session *session)
{
    session->loop = loop_new();
    session->history = history_new();
    int error = session->loop && session->history ? 0 : -ENOMEM;
    if (!error) {
        int closed = history_file_open(&session->file, "udpctl_history", session->history);
        if (closed)
            print_error(strerror(-closed), "change its owner, or continue without it",
                        "opening the history %s", session->file.path);
        error = run_prompt(session);
    }
    history_free(session->history);
    loop_free(session->loop);
    return error;
}

int interactive_session_run(const struct ctl_options *options, int argc, char **argv)
{
    struct session *session = calloc(1, sizeof *session);
    int error = -ENOMEM, status = 1;
    if (session) {
        session->options = options;
        session->argc = argc;
        session->argv = argv;
        session->completion.server = &options->server;
        error = run(session);
        status = session->status;
        tab_completion_free(&session->completion);
    }
    free(session);
    if (!error)
        return status;
    char text[160];
    snprintf(text, sizeof text,
             "cannot read commands from the terminal: %s; give one on the command line",
             strerror(-error));
    return output_error(options->json, text);
}
