#include "ctl/events/subscription.h"

#include "ctl/commands/command_result.h"
#include "ctl/connection/async_connection.h"
#include "ctl/events/event_output.h"
#include "ctl/events/message_output.h"
#include "os/loop/event_loop.h"
#include "text/number_with_unit.h"

#include <stdio.h>
#include <string.h>

struct subscription {
    const struct ctl_options *options;
    struct loop *loop;
    struct async_connection *connection;
    struct loop_task flush; /* queued by a line, so that all lines of a round are written at once */
    uint32_t printed;
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
    uint64_t lost;
    if (strcmp(key, "message") == 0) {
        count_printed(subscription);
        return message_output_print(stdout, json, value);
    }
    if (strcmp(key, "event") == 0) {
        count_printed(subscription);
        return event_output_print(stdout, json, value);
    }
    if (strcmp(key, "lost") != 0)
        return NULL; /* of a later version */
    const char *wrong = number_parse(value, 0, UINT64_MAX, &lost);
    if (wrong == NULL)
        event_output_print_lost(stdout, json, lost);
    return wrong;
}

static const char *on_line(void *state, const char *key, char *value)
{
    struct subscription *subscription = state;
    if (subscription->options->count > 0 && subscription->printed == subscription->options->count)
        return NULL; /* lines that came together with the last one */
    loop_defer(subscription->loop, &subscription->flush);
    return print_line(subscription, key, value);
}

static void on_ended(void *state, enum answer_result result, const char *error)
{
    struct subscription *subscription = state;
    subscription->result = result;
    snprintf(subscription->error, sizeof subscription->error, "%s", error);
    loop_stop(subscription->loop);
}

static void run(struct subscription *subscription, const struct control_server *server,
                const char *command)
{
    static const struct async_connection_callbacks callbacks = {.line = on_line, .ended = on_ended};
    subscription->result =
        async_connection_open(&subscription->connection, subscription->loop, server, &callbacks,
                              subscription, subscription->error);
    if (subscription->result != ANSWER_OK)
        return;
    async_connection_send(subscription->connection, command);
    int error = loop_run_until_stopped(subscription->loop);
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
    struct control_server server = options->server;
    struct subscription subscription = {.options = options, .loop = loop_new()};
    if (!options->server.timeout_is_total)
        server.timeout_ms = CONTROL_SERVER_NO_TIMEOUT;
    if (subscription.loop == NULL)
        return command_result_report(options, ANSWER_FAILED,
                                     "cannot wait for the server: no event loop; raise the limit "
                                     "on open files (ulimit -n)");
    subscription.flush = (struct loop_task){.run = run_flush, .state = &subscription};
    run(&subscription, &server, command);
    loop_free(subscription.loop);
    return command_result_report(options, subscription.result, subscription.error);
}

int command_listen(const struct ctl_options *options)
{
    char words[SELECTOR_OPTIONS_WORDS_BYTES], command[sizeof words + 16];
    snprintf(command, sizeof command, "listen%s",
             selector_options_format(&options->selector, words));
    return subscribe(options, command);
}

int command_events(const struct ctl_options *options)
{
    enum { KINDS_BYTES = 512 /* more than all kinds take */ };
    char words[SELECTOR_OPTIONS_WORDS_BYTES], kinds[KINDS_BYTES] = "",
                                              command[sizeof words + sizeof kinds + 16];
    size_t length = 0;
    for (int i = 0; i < options->operand_count && length < sizeof kinds; i++)
        length += (size_t)snprintf(kinds + length, sizeof kinds - length, "%s%s",
                                   i == 0 ? " kinds=" : ",", options->operands[i]);
    snprintf(command, sizeof command, "events%s%s", kinds,
             selector_options_format(&options->selector, words));
    return subscribe(options, command);
}
