#include "ctl/events/subscription.h"

#include "ctl/commands/command_result.h"
#include "ctl/connection/async_connection.h"
#include "ctl/events/event_kinds.h"
#include "ctl/events/event_output.h"
#include "ctl/events/message_output.h"
#include "os/log/error_message.h"
#include "os/loop/event_loop.h"
#include "os/loop/signals.h"
#include "os/process/forced_exit.h"
#include "os/terminal/terminal_capabilities.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_SIGNAL = 128 /* plus the number of the signal, as in shells */ };

struct subscription {
    const struct ctl_options *options;
    struct loop *loop;
    struct async_connection *connection;
    struct loop_task flush; /* queued by a line, so that all lines of a round are written at once */
    struct message_sender sender;
    uint32_t printed;
    int signal; /* that ended it, or 0 */
    enum answer_result result;
    char error[ANSWER_ERROR_BYTES];
};

static void run_flush(void *state)
{
    struct subscription *subscription = state;
    if (fflush(stdout) != 0)
        loop_stop(subscription->loop);
}

static void count_printed(struct subscription *subscription)
{
    subscription->printed++;
    if (subscription->printed == subscription->options->count)
        loop_stop(subscription->loop);
}

static const char *print_line(struct subscription *subscription, const char *key, char *value)
{
    bool json = subscription->options->json;
    if (strcmp(key, "message") == 0) {
        count_printed(subscription);
        return message_output_print(stdout, json, &subscription->sender, value);
    }
    if (strcmp(key, "event") == 0) {
        count_printed(subscription);
        return event_output_print(stdout, json, value);
    }
    if (strcmp(key, "from") == 0)
        message_output_from(&subscription->sender, value);
    if (strcmp(key, "lost") == 0)
        return event_output_print_lost(stdout, json, value);
    return NULL; /* a line of a later version */
}

static const char *on_line(void *state, const char *key, char *value)
{
    struct subscription *subscription = state;
    if (subscription->options->count > 0 && subscription->printed == subscription->options->count)
        return NULL; /* lines that came together with the last one */
    loop_defer(subscription->loop, &subscription->flush);
    return print_line(subscription, key, value);
}

/* The time limit is for the server to begin. */
static void on_accepted(void *state)
{
    const struct subscription *subscription = state;
    async_connection_wait_on(subscription->connection);
}

static void on_ended(void *state, enum answer_result result, const char *error)
{
    struct subscription *subscription = state;
    subscription->result = result;
    snprintf(subscription->error, sizeof subscription->error, "%s", error);
    loop_stop(subscription->loop);
}

static void on_signal(void *state, int signal)
{
    struct subscription *subscription = state;
    forced_exit_begin(signal);
    subscription->signal = signal;
    loop_stop(subscription->loop);
}

/* On a terminal Ctrl-C ends the command, and an interactive session goes on. Elsewhere a signal
 * ends the process, as usual. */
static int wait_for_end(struct subscription *subscription)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    int error = 0;
    if (terminal_can_edit(STDIN_FILENO, STDOUT_FILENO)) {
        forced_exit_start();
        error = loop_signals_start(subscription->loop, signals, on_signal, subscription);
    }
    if (error == 0)
        error = loop_run_until_stopped(subscription->loop);
    loop_signals_stop(subscription->loop);
    return error;
}

static void run(struct subscription *subscription, const char *command)
{
    static const struct async_connection_callbacks callbacks = {
        .line = on_line, .ended = on_ended, .accepted = on_accepted};
    subscription->result = async_connection_open(&subscription->connection, subscription->loop,
                                                 &subscription->options->server, &callbacks,
                                                 subscription, subscription->error);
    if (subscription->result != ANSWER_OK)
        return;
    async_connection_send(subscription->connection, command);
    int error = wait_for_end(subscription);
    if (error != 0) {
        subscription->result = ANSWER_FAILED;
        snprintf(subscription->error, sizeof subscription->error,
                 "cannot wait for the server: %s; try again", strerror(-error));
    }
    loop_cancel(subscription->loop, &subscription->flush);
    async_connection_close(subscription->connection);
}

/* Sends a command whose answer lasts, and prints its lines. Returns the exit status. */
static int subscribe(const struct ctl_options *options, const char *command)
{
    struct subscription subscription = {.options = options, .loop = loop_new()};
    if (subscription.loop == NULL)
        return command_result_report(options, ANSWER_FAILED,
                                     "cannot wait for the server: no event loop; raise the limit "
                                     "on open files (ulimit -n)");
    subscription.flush = (struct loop_task){.run = run_flush, .state = &subscription};
    run(&subscription, command);
    loop_free(subscription.loop);
    /* Ctrl-C is a normal way to end it. */
    if (subscription.signal != 0 && subscription.signal != SIGINT)
        return STATUS_SIGNAL + subscription.signal;
    return command_result_report(options, subscription.result, subscription.error);
}

int command_listen(const struct ctl_options *options)
{
    char words[SELECTOR_OPTIONS_WORDS_BYTES], name[EVENT_NAME_WORD_BYTES],
        command[sizeof words + sizeof name + 16];
    int status = event_kinds_name(options->operands, options->operand_count, name);
    if (status >= 0)
        return status;
    if (options->operand_count > 0 && name[0] == '\0')
        return print_usage_error("'listen' takes only @NAME");
    snprintf(command, sizeof command, "listen%s%s", name,
             selector_options_format(&options->selector, words));
    return subscribe(options, command);
}

int command_events(const struct ctl_options *options)
{
    char words[SELECTOR_OPTIONS_WORDS_BYTES], kinds[EVENT_KINDS_COMMAND_BYTES],
        name[EVENT_NAME_WORD_BYTES], command[sizeof words + sizeof kinds + sizeof name];
    int status = event_kinds_command(options->operands, options->operand_count, kinds);
    if (status < 0)
        status = event_kinds_name(options->operands, options->operand_count, name);
    if (status >= 0)
        return status;
    snprintf(command, sizeof command, "%s%s%s", kinds, name,
             selector_options_format(&options->selector, words));
    return subscribe(options, command);
}
