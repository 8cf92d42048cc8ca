/* The sockets of operators and of observers: server/control/control_sessions, the command table and
 * its queries, with stubs for the line stream, the worker and the queue of broadcast jobs. Every
 * line, with any bytes, must get one complete answer, and no content may break the form of an
 * answer. No line of an observer may change anything. */
#include "target.h"

#include "config/config_defaults.h"
#include "net/message/line_stream.h"
#include "net/unix/socket_file.h"
#include "net/unix/unix_listener.h"
#include "net/unix/unix_peer.h"
#include "os/log/log.h"
#include "os/loop/mailbox.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "server/control/commands/command_table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { CLIENTS = 20, CAPACITY = 32, CALLS_MAX = 16 };

struct line_stream {
    struct line_stream_callbacks callbacks;
    void *state;
    bool paused, finished;
    char *answer; /* what was written to the peer */
    size_t size, capacity;
};

static struct line_stream *peer;
static struct worker_call *calls[CALLS_MAX];
static size_t call_count;
static struct mailbox_message *posted; /* to the mailbox of the main thread itself */
static struct registry *registry;
static loop_event_callback *connection;
static void *connection_state;

static const struct control_role *role; /* of the session */

/* What changes something must not be reached from a session of observers. */
static void must_be_operator(void)
{
    must(role->access == COMMAND_FOR_OPERATORS);
}

/* A broadcast for whose end a command waits. */
static struct {
    job_ended *ended;
    void *state;
    uint64_t id;
} job;

/* ---- stubs of os and net ---- */

uint64_t clock_now_ms(void)
{
    return 100000;
}

void log_event(enum config_log_level level, const char *sentence, ...)
{
    (void)level, (void)sentence;
}

void log_pairs(enum config_log_level level, const char *sentence, const struct log_pair *pairs,
               size_t count)
{
    (void)level, (void)sentence, (void)pairs, (void)count;
}

void log_limited(enum log_kind kind, uint64_t now_ms, const char *sentence, ...)
{
    (void)kind, (void)now_ms, (void)sentence;
}

int loop_add(struct loop *loop, struct loop_handler *handler, int fd, unsigned events,
             loop_event_callback *ready, void *state)
{
    (void)loop, (void)handler, (void)fd, (void)events;
    connection = ready;
    connection_state = state;
    return 0;
}

void loop_change(struct loop_handler *handler, unsigned events)
{
    (void)handler, (void)events;
}

void loop_remove(struct loop_handler *handler)
{
    (void)handler;
}

int loop_timer_open(struct loop *loop, struct loop_timer *timer, loop_callback *run, void *state)
{
    (void)loop, (void)timer, (void)run, (void)state;
    return 0;
}

void loop_timer_close(struct loop_timer *timer)
{
    (void)timer;
}

void loop_timer_once(struct loop_timer *timer, uint64_t delay_ns)
{
    (void)timer, (void)delay_ns;
}

int unix_listener_open(const char *path, mode_t mode, const struct identity *owner)
{
    (void)path, (void)mode, (void)owner;
    return 7;
}

void unix_listener_close_and_remove(int listener, const char *path)
{
    (void)listener, (void)path;
}

int unix_listener_open_at_once(const char *path, mode_t mode, const struct identity *owner)
{
    return unix_listener_open(path, mode, owner);
}

int socket_file_read(const char *path, struct socket_file *file)
{
    (void)path;
    *file = (struct socket_file){.owner = {0, 0}};
    return 0;
}

bool socket_file_is_at(const char *path, const struct socket_file *file)
{
    (void)path, (void)file;
    return true;
}

void unix_listener_close(int listener)
{
    (void)listener;
}

int unix_listener_accept(int listener)
{
    return listener + 1;
}

int unix_peer_authorize(int fd, mode_t mode, const struct identity *owner, struct unix_peer *who)
{
    (void)fd, (void)mode, (void)owner;
    *who = (struct unix_peer){1, 0, 0};
    return 0;
}

void unix_listener_reject(int fd, const void *why, size_t size)
{
    (void)fd, (void)why, (void)size;
}

struct line_stream *line_stream_new(struct loop *loop, int fd, size_t max_line_bytes,
                                    const struct line_stream_callbacks *callbacks, void *state)
{
    (void)loop, (void)fd, (void)max_line_bytes;
    peer = calloc(1, sizeof *peer);
    must(peer != NULL);
    peer->callbacks = *callbacks;
    peer->state = state;
    return peer;
}

void line_stream_free(struct line_stream *stream)
{
    free(stream->answer);
    free(stream);
    peer = NULL;
}

void line_stream_finish(struct line_stream *stream)
{
    line_stream_free(stream);
}

bool line_stream_write(struct line_stream *stream, const void *bytes, size_t size)
{
    if (stream->size + size > stream->capacity) {
        stream->capacity = 2 * (stream->size + size);
        stream->answer = realloc(stream->answer, stream->capacity);
        must(stream->answer != NULL);
    }
    memcpy(stream->answer + stream->size, bytes, size);
    stream->size += size;
    return true;
}

size_t line_stream_unsent_bytes(const struct line_stream *stream)
{
    return stream->size;
}

bool line_stream_is_backed_up(const struct line_stream *stream)
{
    (void)stream;
    return false;
}

void line_stream_pause(struct line_stream *stream)
{
    stream->paused = true;
}

void line_stream_resume(struct line_stream *stream)
{
    stream->paused = false;
}

void mailbox_post(struct mailbox *mailbox, struct mailbox_message *message)
{
    (void)mailbox;
    must(posted == NULL);
    posted = message;
}

/* ---- stubs of the worker and the broadcast jobs ---- */

void worker_post(struct worker *worker, struct worker_call *call, struct mailbox *reply_mailbox)
{
    must(call_count < CALLS_MAX);
    call->worker = worker;
    call->reply_mailbox = reply_mailbox;
    calls[call_count++] = call;
}

void worker_stats(struct worker *worker, struct stats *stats, uint32_t *clients)
{
    (void)worker;
    *stats = (struct stats){.received = 5, .replied = 5};
    *clients = registry_count(registry);
}

struct worker_walk worker_walk_all(void)
{
    return (struct worker_walk){.registry = registry_walk_all()};
}

size_t worker_list(struct worker *worker, struct worker_walk *walk, struct client *clients,
                   size_t room)
{
    (void)worker;
    size_t count = registry_walk_next(registry, &walk->registry, clock_now_ms(), clients, room);
    walk->ended = walk->registry.ended;
    return count;
}

/* There are no stream clients. */
bool worker_find(struct worker *worker, uint8_t listener, const struct client_name *name,
                 uint64_t now_ms, struct client *client)
{
    (void)worker;
    return listener == 0 && name->transport == TRANSPORT_UDP &&
           registry_find(registry, 0, &name->addr, now_ms, client);
}

/* Each result: sent, and what the kernel refuses. */
int worker_send(struct worker *worker, uint8_t listener, const struct client_name *name,
                const uint8_t *bytes, size_t size)
{
    static const int results[] = {0, -EAGAIN, -EPIPE, -ENETUNREACH};
    (void)worker;
    must(listener == 0 && size <= CONFIG_MESSAGE_BYTES_MAX);
    must_be_operator();
    must(size == 0 || bytes[0] + bytes[size - 1] >= 0);
    return registry_find(registry, 0, &name->addr, clock_now_ms(), NULL) ? results[size % 4]
                                                                         : -ENOENT;
}

uint32_t worker_kick(struct worker *worker, const struct client_name *name)
{
    (void)worker;
    must_be_operator();
    return name->transport == TRANSPORT_UDP && registry_remove(registry, 0, &name->addr);
}

uint32_t worker_kick_matching(struct worker *worker, struct worker_walk *walk,
                              const struct client_selector *selector, size_t max)
{
    struct client clients[CLIENTS];
    uint32_t kicked = 0;
    size_t count = worker_list(worker, walk, clients, max < CLIENTS ? max : CLIENTS);
    for (size_t i = 0; i < count; i++)
        if (client_selector_matches(selector, &clients[i]))
            kicked += registry_remove(registry, clients[i].listener, &clients[i].source);
    return kicked;
}

int64_t jobs_submit(struct jobs *jobs, const struct job_request *request)
{
    size_t size = request->size;
    (void)jobs;
    must_be_operator();
    must(size <= CONFIG_MESSAGE_BYTES_MAX && (size == 0 || request->bytes != NULL));
    must((request->selector == NULL) == (request->selector_text == NULL));
    must(request->selector == NULL || !client_selector_is_all(request->selector));
    must(request->selector == NULL || request->selector_text[0] != '\0');
    if (size % 5 == 4)
        return size % 2 ? -ENOBUFS : -ESHUTDOWN;
    job.ended = request->ended;
    job.state = request->state;
    return (int64_t)++job.id;
}

int jobs_cancel(struct jobs *jobs, uint64_t id, job_ended *cancelled, void *state)
{
    (void)jobs;
    must_be_operator();
    if (id != 1)
        return id == 2 ? -EALREADY : id == 3 ? -EINPROGRESS : -ENOENT;
    job.ended = cancelled;
    job.state = state;
    return 0;
}

void jobs_each(const struct jobs *jobs, job_visit *visit, void *state)
{
    const struct job_report reports[] = {
        {.id = 1, .state = JOB_DONE, .selector = ""},
        {.id = 2, .state = JOB_DONE, .selector = "to=192.0.2.0/24 idle-max=1m"}};
    (void)jobs;
    for (size_t i = 0; i < 2; i++)
        visit(state, &reports[i]);
}

uint64_t jobs_ended(const struct jobs *jobs)
{
    (void)jobs;
    return job.id;
}

const char *job_state_name(enum job_state state)
{
    return state == JOB_DONE ? "done" : "cancelled";
}

/* ---- stubs of the subscriptions ---- */

void subscriptions_add_counts(const struct subscriptions *subscriptions, struct stats *sum)
{
    (void)subscriptions;
    (void)sum;
}

/* A gateway is always refused: its requests have a target of their own. */
struct subscription *subscriptions_add(struct subscriptions *subscriptions,
                                       struct control_session *session, const char *verb,
                                       const struct event_filter *filter,
                                       const struct subscription_owner *owner)
{
    (void)subscriptions;
    must(filter->kinds != 0 && filter->kinds < UINT32_C(1) << EVENT_KINDS);
    must(filter->selector.block_count <= CLIENT_SELECTOR_BLOCKS_MAX);
    if (owner != NULL || client_selector_is_all(&filter->selector)) {
        control_refuse(session, "cannot %s: there are too many; end one of them first", verb);
        return NULL;
    }
    control_ok(session);
    control_end(session);
    return NULL;
}

void subscriptions_end(struct subscription *subscription)
{
    (void)subscription;
    must(false); /* none has begun */
}

void subscriptions_publish(struct subscriptions *subscriptions, enum event_kind kind,
                           const char *format, ...)
{
    (void)subscriptions, (void)kind, (void)format;
}

static void reload_nothing(void *server, config_reload_callback *done, void *state)
{
    static char wrong[] = "f:1:1: a\nline";
    char *problems[] = {wrong};
    const struct config_reload_report report = {.problems = problems, .problem_count = 1};
    (void)server;
    must_be_operator();
    done(state, &report);
}

/* A configuration that waits for a restart, and has values of any length. */
static struct effective_config *make_config(struct config *started, struct config *loaded)
{
    static char message[CONFIG_MESSAGE_BYTES_MAX];
    static struct effective_config effective;
    memset(message, '\n', sizeof message);
    must(config_add_message(loaded, message, sizeof message));
    loaded->server.workers++;
    effective = (struct effective_config){.started = started, .loaded = loaded, .references = 1};
    return &effective;
}

static void stop_nothing(void *server)
{
    (void)server;
    must_be_operator();
}

/* ---- the target ---- */

/* Runs all calls to the worker, handles messages, and ends the job that is waited for. */
static void run_pending(void)
{
    while (call_count > 0 || job.ended != NULL || posted != NULL) {
        if (posted != NULL) {
            struct mailbox_message *message = posted;
            posted = NULL;
            message->handle(message);
        }
        if (call_count > 0) {
            struct worker_call *call = calls[--call_count];
            call->run(call);
            call->done(call);
        }
        if (job.ended != NULL) {
            job_ended *ended = job.ended;
            const struct job_report report = {.id = job.id, .state = JOB_DONE};
            job.ended = NULL;
            ended(job.state, &report);
        }
    }
}

/* Asserts that one answer was written: "ok" or an error, lines, and a dot only on the last line. */
static void check_answer(void)
{
    const char *answer = peer->answer, *end = answer + peer->size;
    must(peer->size >= 5);
    must(memcmp(answer, "ok\n", 3) == 0 || memcmp(answer, "error ", 6) == 0);
    must(memcmp(end - 3, "\n.\n", 3) == 0);
    for (const char *line = answer; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        must(newline != NULL && newline - line < CONTROL_LINE_BYTES_MAX);
        must(newline - line != 1 || *line != '.' || newline + 1 == end);
        must(memchr(line, '\0', (size_t)(newline - line)) == NULL);
        line = newline + 1;
    }
    peer->size = 0;
}

static void send_line(const uint8_t *bytes, size_t size)
{
    char *line = malloc(size + 1);
    must(line != NULL);
    memcpy(line, bytes, size);
    line[size] = '\0';
    peer->callbacks.line(peer->state, line, size);
    free(line);
    run_pending();
    must(peer != NULL && !peer->paused);
    check_answer();
}

static void make_registry(void *memory)
{
    static const struct siphash_key key = {1, 2};
    memset(memory, 0, registry_bytes(CAPACITY));
    registry = registry_init(memory, CAPACITY, &key, 60000, clock_now_ms());
    for (uint32_t i = 0; i < CLIENTS; i++) {
        const struct addr none = {.family = ADDR_NONE};
        struct addr source = {.ip = {127, 0, 0, (uint8_t)i}, .port = 9, .family = ADDR_IPV4};
        struct registry_datagram datagram = {.source = &source, .local = &none};
        registry_update(registry, 0, &datagram, 1, clock_now_ms());
    }
}

/* Sends the lines to a session with that role. */
static void run_session(const uint8_t *bytes, size_t size, struct command_context *commands)
{
    struct control_options options = {
        .path = "p", .mode = 0600, .role = role, .state = commands, .control_path = "p"};
    options.commands = command_table_rows(&options.command_count);
    struct control *control;
    must(control_open(&control, NULL, &options) == 0);
    connection(connection_state, LOOP_READ);
    const uint8_t *end = bytes + size;
    while (bytes < end) {
        const uint8_t *newline = memchr(bytes, '\n', (size_t)(end - bytes));
        const uint8_t *stop = newline != NULL ? newline : end;
        send_line(bytes, (size_t)(stop - bytes));
        bytes = stop + (newline != NULL);
    }
    control_close(control);
    must(peer == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct control_role *const roles[] = {&CONTROL_OBSERVERS, &CONTROL_OPERATORS};
    static void *memory;
    static struct listeners listeners = {.count = 1, .list = {{.text = "127.0.0.1:3000"}}};
    if (memory == NULL)
        memory = aligned_alloc(64, (registry_bytes(CAPACITY) + 63) / 64 * 64);
    must(memory != NULL);
    make_registry(memory);
    struct worker *workers[] = {NULL};
    struct config *started = config_defaults(), *loaded = config_defaults();
    must(started != NULL && loaded != NULL);
    struct effective_config *effective = make_config(started, loaded);
    struct command_context commands = {
        .config = &effective,
        .control_path = "p",
        .queries = {.workers = workers,
                    .worker_count = 1,
                    .listeners = &listeners,
                    .clients_max = CAPACITY},
        .reload = reload_nothing,
        .stop = stop_nothing,
    };
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        role = roles[i];
        run_session(bytes, size, &commands);
    }
    must(effective->references == 1);
    config_free(started);
    config_free(loaded);
    return 0;
}
