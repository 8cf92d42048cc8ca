#include "control_stubs.h"

#include "config/config_defaults.h"
#include "net/unix/socket_file.h"
#include "net/unix/unix_listener.h"
#include "net/unix/unix_peer.h"
#include "os/log/log.h"
#include "os/loop/mailbox.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "server/broadcast/confirmation_rounds.h"
#include "server/control/commands/command_table.h"
#include "server/control/control_listener.h"
#include "server/listen/inherited_sockets.h"
#include "server/workers/worker_events.h"
#include "target.h"

#include <errno.h>
#include <string.h>

enum { CLIENTS = 20, CAPACITY = 32, CALLS_MAX = 128 };

/* A broadcast for whose end a session waits. */
struct waiting_job {
    job_ended *ended;
    void *state;
    uint64_t id;
    enum job_state result;
    size_t connection; /* of the session */
};

static const struct control_role *role; /* of the sessions */
static struct control *control;
static loop_event_callback *connection;
static void *connection_state;
static size_t connection_count;
static struct registry *registry;
static struct event_publisher publisher; /* of the worker */
static struct listeners listeners = {.count = 1, .list = {{.text = "127.0.0.1:3000"}}};
static struct config *started, *loaded;
static struct effective_config *effective;
static struct command_context commands;
static struct publish_gaps gaps;

/* What is pending, in its order. */
static struct worker_call *calls[CALLS_MAX];
static size_t call_count;
static struct mailbox_message *posted, **posted_end = &posted; /* to the main thread */
static struct loop_task *deferred;
static struct waiting_job jobs[STUB_JOBS_MAX];
static size_t job_count;
static uint64_t last_job;
static bool jobs_stopped;

/* What changes something must not be reached from a session of observers. */
static void must_be_operator(void)
{
    must(role->access == COMMAND_FOR_OPERATORS);
}

/* ---- stubs of os and net ---- */

uint64_t clock_now_ms(void)
{
    return 100000;
}

uint64_t clock_wall_ms(void)
{
    return 1000000000000;
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

/* Only the subscriptions have a task. */
void loop_defer(struct loop *loop, struct loop_task *task)
{
    (void)loop;
    must(deferred == NULL || deferred == task);
    deferred = task;
}

void loop_cancel(struct loop *loop, struct loop_task *task)
{
    (void)loop;
    if (deferred == task)
        deferred = NULL;
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

/* Only of an upgrade. */
void inherited_sockets_put(struct handover_writer *writer, const struct inherited_listener *entry)
{
    (void)writer, (void)entry;
    must(false);
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

void mailbox_post(struct mailbox *mailbox, struct mailbox_message *message)
{
    (void)mailbox;
    message->next = NULL;
    *posted_end = message;
    posted_end = &message->next;
}

/* ---- stubs of the worker ---- */

void worker_post(struct worker *worker, struct worker_call *call, struct mailbox *reply_mailbox)
{
    must(call_count < CALLS_MAX);
    call->worker = worker;
    call->reply_mailbox = reply_mailbox;
    calls[call_count++] = call;
}

void worker_events_add(struct worker *worker, unsigned subscriber,
                       const struct event_filter *filter)
{
    (void)worker;
    must(filter->kinds != 0 && filter->kinds < UINT32_C(1) << EVENT_KINDS);
    must(filter->selector.block_count <= CLIENT_SELECTOR_BLOCKS_MAX);
    event_publisher_add(&publisher, subscriber, filter);
}

void worker_events_remove(struct worker *worker, unsigned subscriber)
{
    (void)worker;
    event_publisher_remove(&publisher, subscriber);
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

/* Those whose slot is even have confirmed. */
size_t worker_list_confirmations(struct worker *worker, struct worker_walk *walk,
                                 const struct worker_confirmations *which, struct client *clients,
                                 size_t room)
{
    size_t count = 0, listed = worker_list(worker, walk, clients, room);
    for (size_t i = 0; i < listed; i++)
        if (clients[i].slot % 2 == which->is_silent)
            clients[count++] = clients[i];
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
                const struct client_filter *only, const uint8_t *bytes, size_t size)
{
    static const int results[] = {0, -EAGAIN, -EPIPE, -ENETUNREACH};
    (void)worker;
    must(listener == 0 && size <= CONFIG_MESSAGE_BYTES_MAX);
    must(!only->is_set); /* there are no names */
    must_be_operator();
    must(size == 0 || bytes[0] + bytes[size - 1] >= 0);
    return registry_find(registry, 0, &name->addr, clock_now_ms(), NULL) ? results[size % 4]
                                                                         : -ENOENT;
}

uint32_t worker_kick(struct worker *worker, const struct client_name *name,
                     const struct client_filter *filter)
{
    (void)worker;
    must(!filter->is_set); /* there are no names */
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

/* ---- stubs of the broadcast jobs ---- */

static void add_job(job_ended *ended, void *state, enum job_state result)
{
    must(job_count < STUB_JOBS_MAX);
    jobs[job_count++] = (struct waiting_job){ended, state, last_job, result, connection_count};
}

static void check_confirmation(const struct job_request *request)
{
    const struct job_confirmation *confirmation = request->confirmation;
    bool is_for_one = confirmation->only.source.family != ADDR_NONE;
    must(request->size <= JOB_CONFIRMED_BYTES_MAX);
    must(confirmation->within_ms >= CONFIRMATION_WITHIN_MIN_MS &&
         confirmation->within_ms <= CONFIRMATION_WITHIN_MAX_MS);
    must(!is_for_one || (request->selector == NULL && request->selector_text != NULL));
}

int64_t jobs_submit(struct jobs *queue, const struct job_request *request)
{
    size_t size = request->size;
    (void)queue;
    must_be_operator();
    must(size <= CONFIG_MESSAGE_BYTES_MAX && (size == 0 || request->bytes != NULL));
    must(request->selector == NULL || request->selector_text != NULL);
    must(request->selector == NULL || !client_selector_is_all(request->selector));
    must(request->selector == NULL || request->selector_text[0] != '\0');
    if (request->confirmation != NULL)
        check_confirmation(request);
    if (jobs_stopped)
        return -ESHUTDOWN;
    if (request->confirmation != NULL && size % 7 == 6)
        return -EDQUOT;
    if (job_count == STUB_JOBS_MAX || size % 5 == 4)
        return size % 2 ? -ENOBUFS : -ENOMEM;
    last_job++;
    if (request->ended != NULL)
        add_job(request->ended, request->state, JOB_DONE);
    return (int64_t)last_job;
}

int jobs_cancel(struct jobs *queue, uint64_t id, job_ended *cancelled, void *state)
{
    (void)queue;
    must_be_operator();
    if (id != 1)
        return id == 2 ? -EALREADY : id == 3 ? -EINPROGRESS : -ENOENT;
    if (job_count == STUB_JOBS_MAX)
        return -EALREADY;
    add_job(cancelled, state, JOB_CANCELLED);
    return 0;
}

void jobs_each(const struct jobs *queue, job_visit *visit, void *state)
{
    const struct job_report reports[] = {
        {.id = 1, .state = JOB_DONE, .selector = ""},
        {.id = 2, .state = JOB_DONE, .selector = "to=192.0.2.0/24,idle-max=1m"}};
    (void)queue;
    for (size_t i = 0; i < 2; i++)
        visit(state, &reports[i]);
}

int jobs_find(const struct jobs *queue, uint64_t id, job_visit *visit, void *state)
{
    const struct job_report reports[] = {
        {.id = 1, .state = JOB_DONE, .selector = ""},
        {.id = 2, .state = JOB_CONFIRMING, .selector = "", .is_confirmed = true, .rounds = id % 2}};
    (void)queue;
    if (id == 0 || id > 4)
        return -ENOENT;
    visit(state, &reports[id > 1]);
    return 0;
}

bool jobs_find_confirmations(const struct jobs *queue, uint64_t id, uint64_t *number)
{
    (void)queue;
    *number = id + 1000;
    return id == 2;
}

uint64_t jobs_ended(const struct jobs *queue)
{
    (void)queue;
    return last_job;
}

static void end_job(void)
{
    const struct waiting_job job = jobs[0];
    const struct job_report report = {.id = job.id,
                                      .state = job.result,
                                      .sent = job.id % 3,
                                      .failed = job.id % 3 == 2,
                                      .is_confirmed = job.id % 2,
                                      .selector = ""};
    memmove(&jobs[0], &jobs[1], --job_count * sizeof jobs[0]);
    job.ended(job.state, &report);
}

bool stub_job_is_pending(void)
{
    return job_count > 0 && jobs[job_count - 1].connection == connection_count;
}

/* ---- stubs of the server ---- */

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
static struct effective_config *make_config(void)
{
    static char message[CONFIG_MESSAGE_BYTES_MAX];
    static struct effective_config made;
    started = config_defaults();
    loaded = config_defaults();
    must(started != NULL && loaded != NULL);
    memset(message, '\n', sizeof message);
    must(config_add_message(loaded, message, sizeof message));
    loaded->server.workers++;
    made = (struct effective_config){.started = started, .loaded = loaded, .references = 1};
    return &made;
}

static void stop_nothing(void *server)
{
    (void)server;
    must_be_operator();
}

static void make_registry(void)
{
    static const struct siphash_key key = {1, 2};
    static void *memory;
    if (memory == NULL)
        memory = aligned_alloc(64, (registry_bytes(CAPACITY) + 63) / 64 * 64);
    must(memory != NULL);
    memset(memory, 0, registry_bytes(CAPACITY));
    registry_free(registry);
    registry = registry_new(memory, CAPACITY, &key, 60000, clock_now_ms());
    for (uint32_t i = 0; i < CLIENTS; i++) {
        const struct addr none = {.family = ADDR_NONE};
        struct addr source = {.ip = {127, 0, 0, (uint8_t)i}, .port = 9, .family = ADDR_IPV4};
        struct registry_datagram datagram = {.source = &source, .local = &none};
        registry_update(registry, 0, &datagram, 1, clock_now_ms());
    }
}

/* ---- what the target does ---- */

void stub_open(const struct control_role *new_role)
{
    static struct worker *workers[] = {NULL};
    static struct stats stats;
    struct control_options options = {
        .path = "p", .mode = 0600, .role = new_role, .state = &commands, .control_path = "p"};
    struct subscriptions *subscriptions;
    role = new_role;
    last_job = 0;
    jobs_stopped = false;
    make_registry();
    effective = make_config();
    must(subscriptions_open(&subscriptions, NULL, NULL, 1, CONFIG_MESSAGE_BYTES_MAX) == 0);
    subscriptions_set_workers(subscriptions, workers, &listeners, NULL);
    publisher =
        (struct event_publisher){.queue = subscriptions_queues(subscriptions)[0], .stats = &stats};
    gaps = (struct publish_gaps){.count = 0};
    commands = (struct command_context){.config = &effective,
                                        .gaps = &gaps,
                                        .control_path = "p",
                                        .queries = {.workers = workers,
                                                    .worker_count = 1,
                                                    .subscriptions = subscriptions,
                                                    .listeners = &listeners,
                                                    .clients_max = CAPACITY},
                                        .reload = reload_nothing,
                                        .stop = stop_nothing};
    options.commands = command_table_rows(&options.command_count);
    must(control_open(&control, NULL, &options) == 0);
}

/* Sessions whose peer has left may still wait for the worker; a new one needs room for its call. */
void stub_connect(void)
{
    while (call_count > CALLS_MAX / 2)
        stub_run_one(0);
    connection_count++;
    connection(connection_state, LOOP_READ);
}

static void run_call(void)
{
    struct worker_call *call = calls[0];
    memmove(&calls[0], &calls[1], --call_count * sizeof calls[0]);
    call->run(call);
    call->done(call);
}

static void handle_message(void)
{
    struct mailbox_message *message = posted;
    posted = message->next;
    if (posted == NULL)
        posted_end = &posted;
    message->handle(message);
}

static void run_task(void)
{
    struct loop_task *task = deferred;
    deferred = NULL;
    task->run(task->state);
}

bool stub_run_one(unsigned choice)
{
    enum { SOURCES = 4 };
    void (*const run[SOURCES])(void) = {handle_message, run_call, run_task, end_job};
    const bool is_pending[SOURCES] = {posted != NULL, call_count > 0, deferred != NULL,
                                      job_count > 0};
    for (unsigned i = 0; i < SOURCES; i++) {
        unsigned source = (choice + i) % SOURCES;
        if (is_pending[source]) {
            run[source]();
            return true;
        }
    }
    return false;
}

void stub_publish_message(const uint8_t *bytes, size_t size)
{
    const struct addr source = {.ip = {127, 0, 0, 1}, .port = 9, .family = ADDR_IPV4};
    const struct client client = {.source = source};
    event_publisher_publish(
        &publisher,
        &(struct event){.kind = EVENT_MESSAGE,
                        .client = &client,
                        .bytes = bytes,
                        .size = size < CONFIG_MESSAGE_BYTES_MAX ? size : CONFIG_MESSAGE_BYTES_MAX,
                        .now_ms = clock_now_ms()});
}

void stub_publish_event(void)
{
    subscriptions_publish(commands.queries.subscriptions, EVENT_RELOADED, "applied=%d", 1);
}

void stub_stop(void)
{
    commands.queries.stopping = jobs_stopped = true;
    for (size_t i = 0; i < job_count; i++)
        jobs[i].result = JOB_CANCELLED;
    subscriptions_stop(commands.queries.subscriptions);
}

bool stub_is_stopping(void)
{
    return commands.queries.stopping;
}

void stub_close(void)
{
    struct subscriptions *subscriptions = commands.queries.subscriptions;
    subscriptions_flush(subscriptions);
    control_close(control);
    subscriptions_free(subscriptions);
    must(call_count == 0 && posted == NULL && deferred == NULL && job_count == 0);
    must(effective->references == 1);
    config_free(started);
    config_free(loaded);
}
