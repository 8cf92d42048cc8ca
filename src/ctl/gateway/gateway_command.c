#include "ctl/gateway/gateway_command.h"

#include "ctl/commands/command_result.h"
#include "ctl/connection/async_connection.h"
#include "ctl/events/event_output.h"
#include "ctl/events/message_output.h"
#include "ctl/gateway/gateway_translation.h"
#include "os/log/error_message.h"
#include "os/loop/event_loop.h"
#include "os/loop/standard_input.h"
#include "os/loop/standard_output.h"
#include "text/line_splitter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Requests that wait for the server; no more are read then. */
    UNSENT_BYTES_MAX = 1 << 20,
    /* Output that waits for the program that reads it; no more of the server's is read then. */
    OUTPUT_BYTES_MAX = 1 << 20,
};

struct gateway {
    struct loop *loop;
    struct async_connection *connection;
    struct standard_input input;
    struct line_splitter lines;
    struct standard_output output;
    FILE *out; /* to it */
    struct message_sender sender;
    struct loop_task flush; /* queued by a line, so that all lines of a round are written at once */
    enum answer_result result;
    char error[ANSWER_ERROR_BYTES];
    struct gateway_translation translation;
    char line_bytes[GATEWAY_JSON_BYTES];
};

/* ---- output ---- */

/* Reads the server unless too much waits already. The requests are read nevertheless: a program
 * may write many of them before it reads again, and would wait for ever if this one waited for it.
 */
static void update_output(struct gateway *gateway)
{
    if (gateway->output.error != 0)
        loop_stop(gateway->loop);
    else if (standard_output_waiting_bytes(&gateway->output) > OUTPUT_BYTES_MAX)
        async_connection_pause(gateway->connection);
    else
        async_connection_resume(gateway->connection);
}

static void run_flush(void *state)
{
    struct gateway *gateway = state;
    fflush(gateway->out);
    update_output(gateway);
}

static void on_written(void *state)
{
    update_output(state);
}

static const char *on_line(void *state, const char *key, char *value)
{
    struct gateway *gateway = state;
    loop_defer(gateway->loop, &gateway->flush);
    if (strcmp(key, "message") == 0)
        return message_output_print(gateway->out, true, &gateway->sender, value);
    if (strcmp(key, "from") == 0)
        message_output_from(&gateway->sender, value);
    if (strcmp(key, "event") == 0)
        return event_output_print(gateway->out, true, value);
    if (strcmp(key, "result") == 0)
        return gateway_translation_print_result(gateway->out, value);
    if (strcmp(key, "error") == 0)
        return gateway_translation_print_refusal(gateway->out, value);
    if (strcmp(key, "lost") == 0)
        return event_output_print_lost(gateway->out, true, value);
    return NULL; /* a line of a later version */
}

static void end(struct gateway *gateway, enum answer_result result, const char *error)
{
    gateway->result = result;
    snprintf(gateway->error, sizeof gateway->error, "%s", error);
    loop_stop(gateway->loop);
}

static void on_ended(void *state, enum answer_result result, const char *error)
{
    end(state, result, error);
}

/* ---- input ---- */

static void send_request(struct gateway *gateway, char *line, size_t size)
{
    struct gateway_translation *translation = &gateway->translation;
    if (gateway_translation_request(translation, line, size)) {
        async_connection_write(gateway->connection, translation->command, translation->size);
        return;
    }
    gateway_translation_print_error(gateway->out, translation);
    loop_defer(gateway->loop, &gateway->flush);
}

static void refuse_too_long(struct gateway *gateway)
{
    struct gateway_translation *translation = &gateway->translation;
    translation->ref_size = 0;
    snprintf(translation->error, sizeof translation->error,
             "cannot read the request: its line is longer than %d bytes; send a shorter one",
             GATEWAY_JSON_BYTES);
    gateway_translation_print_error(gateway->out, translation);
    loop_defer(gateway->loop, &gateway->flush);
}

static void send_requests(struct gateway *gateway)
{
    enum line_splitter_result result;
    char *line;
    size_t size;
    while ((result = line_splitter_next(&gateway->lines, &line, &size)) != LINE_SPLITTER_NONE) {
        if (result == LINE_SPLITTER_TOO_LONG)
            refuse_too_long(gateway);
        else if (size > 0)
            send_request(gateway, line, size);
    }
}

/* The server ends the session when each request has its result. */
static void finish_input(struct gateway *gateway)
{
    standard_input_pause(&gateway->input);
    line_splitter_finish(&gateway->lines);
    send_requests(gateway);
    async_connection_write(gateway->connection, "end\n", 4);
}

static void on_input(void *state)
{
    struct gateway *gateway = state;
    size_t capacity;
    char *space = line_splitter_space(&gateway->lines, &capacity);
    ssize_t size = standard_input_read(&gateway->input, space, capacity);
    if (size < 0) {
        char error[ANSWER_ERROR_BYTES];
        snprintf(error, sizeof error,
                 "cannot read standard input: %s; give it a pipe, a file or a terminal",
                 strerror((int)-size));
        end(gateway, ANSWER_FAILED, error);
        return;
    }
    if (size == 0) {
        finish_input(gateway);
        return;
    }
    line_splitter_add(&gateway->lines, (size_t)size);
    send_requests(gateway);
    if (async_connection_unsent_bytes(gateway->connection) > UNSENT_BYTES_MAX)
        standard_input_pause(&gateway->input);
}

/* Reads requests once the server has accepted the command, and again when it has taken them. */
static void resume_input(void *state)
{
    struct gateway *gateway = state;
    int error = gateway->lines.ended ? 0 : standard_input_resume(&gateway->input);
    if (error == 0)
        return;
    char text[ANSWER_ERROR_BYTES];
    snprintf(text, sizeof text,
             "cannot wait for standard input: %s; give it a pipe, a file or a terminal",
             strerror(-error));
    end(gateway, ANSWER_FAILED, text);
}

/* ---- the command ---- */

static void run(struct gateway *gateway, const struct control_server *server, const char *command)
{
    static const struct async_connection_callbacks callbacks = {
        .line = on_line, .ended = on_ended, .accepted = resume_input, .drained = resume_input};
    gateway->result = async_connection_open(&gateway->connection, gateway->loop, server, &callbacks,
                                            gateway, gateway->error);
    if (gateway->result != ANSWER_OK)
        return;
    standard_input_open(&gateway->input, gateway->loop, STDIN_FILENO, on_input, gateway);
    async_connection_send(gateway->connection, command);
    int error = loop_run_until_stopped(gateway->loop);
    if (error != 0) {
        gateway->result = ANSWER_FAILED;
        snprintf(gateway->error, sizeof gateway->error, "cannot wait for the server: %s; try again",
                 strerror(-error));
    }
    standard_input_pause(&gateway->input);
    loop_cancel(gateway->loop, &gateway->flush);
    async_connection_close(gateway->connection);
}

/* Writes what waits. Returns the exit status. */
static int finish_output(struct gateway *gateway, int status)
{
    fclose(gateway->out);
    int error = standard_output_close(&gateway->output);
    if (error == 0)
        return status;
    print_error(strerror(-error), "part of the output is lost: free space there",
                "writing standard output");
    return STATUS_FAILED;
}

/* Returns NULL if memory or descriptors are short. */
static struct gateway *new_gateway(void)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL || (gateway->loop = loop_new()) == NULL) {
        free(gateway);
        return NULL;
    }
    gateway->flush = (struct loop_task){.run = run_flush, .state = gateway};
    standard_output_open(&gateway->output, gateway->loop, STDOUT_FILENO, on_written, gateway);
    if ((gateway->out = standard_output_stream(&gateway->output)) == NULL) {
        loop_free(gateway->loop);
        free(gateway);
        return NULL;
    }
    line_splitter_init(&gateway->lines, gateway->line_bytes, sizeof gateway->line_bytes);
    return gateway;
}

int command_gateway(const struct ctl_options *options)
{
    struct ctl_options json = *options;
    struct control_server server = options->server;
    struct gateway *gateway = new_gateway();
    char words[SELECTOR_OPTIONS_WORDS_BYTES], command[sizeof words + 32];
    json.json = true; /* for errors, too */
    server.timeout_ms = CONTROL_SERVER_NO_TIMEOUT;
    if (gateway == NULL)
        return command_result_report(&json, ANSWER_FAILED,
                                     "cannot open a gateway: out of memory or descriptors; free "
                                     "some");
    snprintf(command, sizeof command, "gateway%s%s", options->given & CTL_EVENTS ? " events" : "",
             selector_options_format(&options->selector, words));
    run(gateway, &server, command);
    int status = finish_output(gateway, STATUS_DONE);
    if (status == STATUS_DONE)
        status = command_result_report(&json, gateway->result, gateway->error);
    loop_free(gateway->loop);
    free(gateway);
    return status;
}
