#include "ctl/bridge/stream_appender.h"

#include "ctl/bridge/append_queue.h"
#include "os/log/error_message.h"
#include "os/process/clock.h"
#include "text/number_with_unit.h"

#include <inttypes.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SENT_MAX = 256, /* commands without an answer */
    PURPOSE_BYTES = 320,
};

struct stream_appender {
    const struct append_target *target;
    struct redis_connection *connection;
    const struct stream_appender_callbacks *callbacks;
    void *state;
    struct message_sender sender;
    struct append_queue queue;
    struct stream_appender_counts counts;
    struct loop *loop;
    struct loop_task send; /* queued by a line, so that all lines of a round are sent at once */
    bool is_ready;
    bool is_losing; /* a loss was printed, and its end was not */
    char purpose[PURPOSE_BYTES];
    alignas(RING_BUFFER_ALIGNMENT) uint8_t memory[APPENDER_QUEUE_BYTES];
};

/* ---- losses ---- */

static void lose(struct stream_appender *appender, uint64_t count)
{
    append_queue_lose(&appender->queue, count);
    appender->counts.lost += count;
    if (appender->is_losing)
        return;
    appender->is_losing = true;
    print_error("messages and events are lost, since Redis or this bridge is too slow",
                "their number is appended when there is room; check Redis", "%s",
                appender->purpose);
}

/* Appends how many were lost, at the place where they are missing. Returns false if there is no
 * room. */
static bool add_lost(struct stream_appender *appender)
{
    struct text_buffer command = {0};
    char why[80];
    if (appender->queue.lost == 0)
        return true;
    append_command_lost(&command, appender->target, appender->queue.lost, clock_wall_ms());
    bool is_added = !command.failed && append_queue_add(&appender->queue, &command);
    text_buffer_free(&command);
    if (!is_added)
        return false;
    appender->is_losing = false;
    snprintf(why, sizeof why, "%" PRIu64 " messages and events were lost",
             append_queue_take_lost(&appender->queue));
    print_error(why, "further ones are appended again", "%s", appender->purpose);
    return true;
}

/* ---- to Redis ---- */

static void send_commands(void *state)
{
    struct stream_appender *appender = state;
    struct text_buffer commands = {0};
    unsigned count = 0;
    if (!appender->is_ready)
        return;
    while (appender->queue.sent < SENT_MAX && append_queue_send(&appender->queue, &commands))
        count++;
    if (count > 0)
        redis_connection_send(appender->connection, &commands, count, 0);
}

static void on_ready(void *state)
{
    struct stream_appender *appender = state;
    appender->is_ready = true;
    send_commands(appender);
}

static void on_element(void *state, const struct resp_element *element)
{
    struct stream_appender *appender = state;
    if (element->kind == RESP_ERROR) {
        redis_connection_fail_by_error(appender->connection, element->bytes, element->size);
        return;
    }
    if (element->kind != RESP_BULK) {
        redis_connection_fail(appender->connection, "the reply to XADD is not an id",
                              "check that Redis listens there");
        return;
    }
    append_queue_acknowledge(&appender->queue);
    redis_connection_settle(appender->connection);
    appender->counts.appended++;
    add_lost(appender);
    loop_defer(appender->loop, &appender->send);
    if (append_queue_is_empty(&appender->queue))
        appender->callbacks->emptied(appender->state);
}

static void on_lost(void *state)
{
    struct stream_appender *appender = state;
    appender->is_ready = false;
    append_queue_rewind(&appender->queue);
}

static void on_refused(void *state)
{
    struct stream_appender *appender = state;
    appender->callbacks->refused(appender->state);
}

/* ---- from the server ---- */

static const char *add_command(struct stream_appender *appender, const char *wrong,
                               struct text_buffer *command)
{
    if (wrong == NULL &&
        (command->failed || !add_lost(appender) || !append_queue_add(&appender->queue, command)))
        lose(appender, 1);
    text_buffer_free(command);
    loop_defer(appender->loop, &appender->send);
    return wrong;
}

static const char *take_lost(struct stream_appender *appender, const char *value)
{
    uint64_t count;
    const char *wrong = number_parse(value, 0, UINT64_MAX, &count);
    if (wrong != NULL)
        return wrong;
    lose(appender, count);
    add_lost(appender);
    loop_defer(appender->loop, &appender->send);
    return NULL;
}

const char *stream_appender_add(struct stream_appender *appender, const char *key, char *value)
{
    struct text_buffer command = {0};
    if (strcmp(key, "message") == 0)
        return add_command(
            appender, append_command_message(&command, appender->target, &appender->sender, value),
            &command);
    if (strcmp(key, "event") == 0)
        return add_command(appender, append_command_event(&command, appender->target, value),
                           &command);
    if (strcmp(key, "from") == 0)
        message_output_from(&appender->sender, value);
    return strcmp(key, "lost") == 0 ? take_lost(appender, value) : NULL;
}

/* ---- the appender ---- */

bool stream_appender_is_empty(const struct stream_appender *appender)
{
    return append_queue_is_empty(&appender->queue);
}

struct stream_appender_counts stream_appender_count(const struct stream_appender *appender)
{
    return appender->counts;
}

struct stream_appender *stream_appender_new(struct loop *loop,
                                            const struct redis_connection_settings *settings,
                                            const struct append_target *target,
                                            const struct stream_appender_callbacks *callbacks,
                                            void *state)
{
    static const struct redis_connection_callbacks own = {
        .ready = on_ready, .element = on_element, .lost = on_lost, .refused = on_refused};
    struct stream_appender *appender = calloc(1, sizeof *appender);
    if (appender == NULL)
        return NULL;
    appender->target = target;
    appender->callbacks = callbacks;
    appender->state = state;
    appender->loop = loop;
    appender->send = (struct loop_task){.run = send_commands, .state = appender};
    snprintf(appender->purpose, sizeof appender->purpose, "appending to the stream %s",
             target->stream);
    append_queue_init(&appender->queue, appender->memory, sizeof appender->memory);
    appender->connection = redis_connection_new(loop, settings, appender->purpose, &own, appender);
    if (appender->connection == NULL) {
        free(appender);
        return NULL;
    }
    return appender;
}

void stream_appender_free(struct stream_appender *appender)
{
    if (appender == NULL)
        return;
    loop_cancel(appender->loop, &appender->send);
    redis_connection_free(appender->connection);
    free(appender);
}
