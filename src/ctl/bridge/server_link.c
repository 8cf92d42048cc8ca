#include "ctl/bridge/server_link.h"

#include "ctl/bridge/retry_delay.h"
#include "ctl/connection/async_connection.h"
#include "os/log/error_message.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/random.h"
#include "redis/stream_id.h"
#include "text/number_with_unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t NS_PER_MS = 1000000;

struct server_link {
    struct loop *loop;
    const struct control_server *server;
    const struct device_name *stream;
    const char *session;
    const struct server_link_callbacks *callbacks;
    void *state;
    struct async_connection *connection; /* NULL: not open */
    struct loop_timer timer;             /* for the next attempt */
    struct retry_delay delay;
    enum {
        LINK_ASKING,    /* by `streams`, or not connected */
        LINK_BEGINNING, /* the session */
        LINK_READY,
    } phase;
    struct server_link_stream found;
    struct loop_task restart;
};

/* ---- the end of a connection ---- */

static void try_later(struct server_link *link)
{
    bool was_ready = link->phase == LINK_READY;
    async_connection_close(link->connection);
    link->connection = NULL;
    link->phase = LINK_ASKING;
    loop_cancel(link->loop, &link->restart);
    if (was_ready)
        link->callbacks->lost(link->state);
}

/* Closes the connection, and prints a message "ATTEMPT: WHY; NEXT". */
static void fail(struct server_link *link, const char *text)
{
    char advice[80];
    uint32_t delay_ms = retry_delay_take_ms(&link->delay);
    snprintf(advice, sizeof advice, "the next attempt follows in %u.%u s", delay_ms / 1000,
             delay_ms % 1000 / 100);
    print_error_text(text, advice);
    try_later(link);
    loop_timer_once(&link->timer, delay_ms * NS_PER_MS);
}

/* Outside of the callbacks of the connection, which reads on after them. */
static void run_restart(void *state)
{
    struct server_link *link = state;
    try_later(link);
    loop_timer_once(&link->timer, retry_delay_take_ms(&link->delay) * NS_PER_MS);
}

void server_link_restart(struct server_link *link, const char *why, const char *next)
{
    print_error(why, next, "publishing the stream %.*s", (int)link->stream->size,
                (const char *)link->stream->bytes);
    loop_defer(link->loop, &link->restart);
}

/* ---- the answer to `streams` ---- */

/* Takes the words after the name: ID ENTRIES-ADDED STATE KEPT. */
static const char *take_stream(struct server_link *link, char *value)
{
    struct device_name name;
    char *rest = value;
    if (device_name_parse(&name, strsep(&rest, " ")) != NULL ||
        !device_name_equal(&name, link->stream))
        return NULL;
    const char *id = strsep(&rest, " "), *entries = strsep(&rest, " "), *state = strsep(&rest, " "),
               *kept = strsep(&rest, " ");
    struct server_link_stream *found = &link->found;
    if (state == NULL || !stream_id_parse(&found->position.id, id, strlen(id)) ||
        number_parse(entries, 0, UINT64_MAX, &found->position.entries) != NULL)
        return "it is not NAME ID ENTRIES-ADDED STATE";
    found->is_known = !entry_id_is_none(&found->position.id);
    found->is_uncertain = strcmp(state, "uncertain") == 0;
    found->is_volatile = kept != NULL && strcmp(kept, "no") == 0;
    return NULL;
}

static const char *on_line(void *state, const char *key, char *value)
{
    struct server_link *link = state;
    if (link->phase == LINK_READY)
        return link->callbacks->line(link->state, key, value);
    return strcmp(key, "stream") == 0 ? take_stream(link, value) : NULL;
}

/* ---- the connection ---- */

static void on_accepted(void *state)
{
    struct server_link *link = state;
    if (link->phase != LINK_BEGINNING)
        return;
    link->phase = LINK_READY;
    async_connection_wait_on(link->connection);
    link->callbacks->ready(link->state, &link->found);
}

static void on_ended(void *state, enum answer_result result, const char *error)
{
    struct server_link *link = state;
    if (result != ANSWER_OK) {
        fail(link, error);
    } else if (link->phase == LINK_READY) {
        fail(link, "cannot publish: the server has ended the session");
    } else {
        link->phase = LINK_BEGINNING;
        async_connection_send(link->connection, link->session);
    }
}

static void open_connection(void *state)
{
    static const struct async_connection_callbacks callbacks = {
        .line = on_line, .ended = on_ended, .accepted = on_accepted};
    struct server_link *link = state;
    char error[ANSWER_ERROR_BYTES];
    link->found = (struct server_link_stream){.is_known = false};
    if (async_connection_open(&link->connection, link->loop, link->server, &callbacks, link,
                              error) != ANSWER_OK) {
        link->connection = NULL;
        fail(link, error);
        return;
    }
    async_connection_send(link->connection, "streams");
}

struct server_link *server_link_new(struct loop *loop, const struct control_server *server,
                                    const struct device_name *stream, const char *session,
                                    const struct server_link_callbacks *callbacks, void *state)
{
    struct server_link *link = calloc(1, sizeof *link);
    uint64_t seed = 0;
    if (link == NULL || loop_timer_open(loop, &link->timer, open_connection, link) != 0) {
        free(link);
        return NULL;
    }
    if (random_fill(&seed, sizeof seed) != 0)
        seed = clock_now_ns();
    link->loop = loop;
    link->server = server;
    link->stream = stream;
    link->session = session;
    link->callbacks = callbacks;
    link->state = state;
    link->restart = (struct loop_task){.run = run_restart, .state = link};
    retry_delay_init(&link->delay, seed);
    loop_timer_once(&link->timer, 1); /* the first attempt: at once */
    return link;
}

void server_link_free(struct server_link *link)
{
    if (link == NULL)
        return;
    async_connection_close(link->connection);
    loop_cancel(link->loop, &link->restart);
    loop_timer_close(&link->timer);
    free(link);
}

void server_link_write(struct server_link *link, const char *request, size_t size)
{
    async_connection_write(link->connection, request, size);
}

void server_link_settle(struct server_link *link)
{
    retry_delay_reset(&link->delay);
}
