#include "server/server_start.h"

#include "os/log/log.h"
#include "os/loop/mailbox.h"
#include "os/process/clock.h"
#include "server/config/memory_estimate.h"
#include "server/config/names_config.h"
#include "server/config/state_config.h"
#include "server/events/job_events.h"
#include "server/ready_line.h"
#include "server/run_as_user.h"
#include "server/server_signals.h"
#include "server/server_stop.h"
#include "server/startup_error.h"
#include "server/upgrade/client_takeover.h"
#include "server/upgrade/socket_takeover.h"
#include "server/upgrade/successor.h"
#include "server/workers/file_limit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find_identity(struct server *server)
{
    return user_find(&server->identity, server->config);
}

/* Streams must leave descriptors for the operator's sessions, by which streams can be closed. */
static void raise_file_limit(struct server *server, size_t workers)
{
    char streams[24];
    server->stream_files = file_limit_raise(workers, server->config);
    if (server->stream_files >= server->config->server.stream_max)
        return;
    snprintf(streams, sizeof streams, "%" PRIu32, server->stream_files);
    log_event(LOG_LEVEL_WARNING, "fewer streams at a time than server.stream-max", "streams",
              streams, "reason", strerror(EMFILE), "advice",
              "raise the limit on open files (ulimit -n), or lower server.stream-max", NULL);
}

/* Before the first socket is opened, so that a signal leaves no socket file. */
static int hold_stop_signals(struct server *server)
{
    (void)server;
    server_signals_hold_stop();
    return 0;
}

static int read_names_key(struct server *server)
{
    names_config_warn(server->config);
    return names_config_read_key(&server->names_key, server->config);
}

/* Before the first socket is opened, since an address that is passed to no purpose is in use. */
static int read_existing_sockets(struct server *server)
{
    char operators[CONTROL_PATH_BYTES], observers[CONTROL_PATH_BYTES];
    const struct config *config = server->config;
    const char *const paths[] = {operators, observers, NULL};
    int error = passed_sockets_open(&server->passed, &server->manager.environment);
    if (error == 0)
        error = successor_receive(server);
    if (error != 0)
        return error;
    /* A path that cannot be found is not that of a passed socket. */
    if (control_socket_find_path(&CONTROL_OPERATORS, config, operators) != 0)
        operators[0] = '\0';
    if (control_socket_find_path(&CONTROL_OBSERVERS, config, observers) != 0)
        observers[0] = '\0';
    server->worker_count = inherited_sockets_workers(
        &server->inherited, config,
        passed_sockets_workers(&server->passed, config, workers_wanted(config)));
    error = passed_sockets_check(&server->passed, config, server->worker_count, paths);
    return error != 0 ? error
                      : inherited_sockets_check(&server->inherited, config, server->worker_count);
}

static int open_sockets(struct server *server)
{
    raise_file_limit(server, server->worker_count);
    const struct existing_sockets existing = {&server->passed, &server->inherited};
    return startup_sockets_open(&server->sockets, server->config, server->worker_count,
                                &server->identity, &existing);
}

static int open_offload(struct server *server)
{
    return kernel_offload_open(&server->offload, server->config, (uint32_t)server->worker_count);
}

static int make_reply(struct server *server)
{
    const struct config *config = server->config;
    server->reply =
        reply_rotation_new(config->reply.mode, config->reply.messages, config->reply.message_count);
    return server->reply == NULL ? startup_error_report("cannot store the reply messages", "memory",
                                                        -ENOMEM, "use fewer messages")
                                 : 0;
}

static int make_admission(struct server *server)
{
    const char *failed = "random secrets";
    client_takeover_decide(server);
    int error = admission_updates_new(&server->admission, server->config->clients.max,
                                      server->offload.program, server->handed);
    if (error == 0) {
        failed = "tables of limits";
        error = admission_updates_rules(server->admission, server->config, &server->rules);
    }
    return error == 0
               ? 0
               : startup_error_report(
                     "cannot prepare the admission of clients", failed, error,
                     startup_error_advice(
                         error, "the kernel has no entropy yet, or refuses it: try again later"));
}

static int make_loop(struct server *server)
{
    int error = 0;
    server->loop = loop_new();
    if (server->loop != NULL)
        server->mailbox = mailbox_new(server->loop);
    if (server->mailbox == NULL)
        error = -errno;
    if (error == 0)
        error = server_signals_open(server);
    if (error == 0)
        error = server_stop_open(server);
    return error == 0 ? 0
                      : startup_error_report("cannot wait for events", "epoll", error,
                                             startup_error_advice(error, "try again"));
}

/* Checks before any memory is reserved. */
static int check_memory(struct server *server)
{
    return memory_estimate_check(server->config, server->sockets.listeners.worker_count);
}

/* The other workers still run, but the clients of this one would get no replies. */
static void on_worker_failure(void *state)
{
    server_exit_at_once(state, "a worker's event loop failed");
}

/* The queues from the workers, before the workers that use them. */
static int make_subscriptions(struct server *server)
{
    int error = subscriptions_open(&server->subscriptions, server->loop, server->mailbox,
                                   server->sockets.listeners.worker_count,
                                   server->config->server.max_datagram_bytes);
    return error == 0 ? 0
                      : startup_error_report("cannot create the queues of events", "memory", error,
                                             startup_error_advice(error, "try again"));
}

/* The queues from the workers, likewise. */
static int make_names(struct server *server)
{
    int error = name_decisions_open(&server->names, server->config, server->loop, server->mailbox,
                                    subscriptions_queues(server->subscriptions),
                                    server->sockets.listeners.worker_count, server->handed);
    return error == 0
               ? 0
               : startup_error_report("cannot create the table of names", "memory", error,
                                      startup_error_advice(error, "lower clients.names-max"));
}

static int make_workers(struct server *server)
{
    const struct workers_shared shared = {
        .events = subscriptions_queues(server->subscriptions),
        .reply = server->reply,
        .first_worker_sockets = &server->sockets.first_worker,
        .rules = server->rules,
        .secrets = admission_updates_secrets(server->admission),
        .on_challenge_failed = admission_updates_request_on_link,
        .on_link_state = server->admission,
        .stream_files = server->stream_files,
        .names_key = server->names_key,
        .name_queues = name_decisions_queues(server->names),
        .handed = server->handed,
        .offload = &server->offload,
        .failure = {.mailbox = server->mailbox, .on_failure = on_worker_failure, .state = server},
    };
    const char *failed = "memory";
    server->final_reports =
        calloc(server->sockets.listeners.worker_count, sizeof server->final_reports[0]);
    int error = server->final_reports == NULL
                    ? -ENOMEM
                    : workers_new(&server->workers, server->config, &server->sockets.listeners,
                                  &shared, &failed);
    if (error == 0)
        error = offload_withdrawal_open(&server->withdrawal, &server->workers, server->mailbox,
                                        server->offload.program != NULL);
    return error == 0
               ? 0
               : startup_error_report(
                     "cannot create a worker", failed, error,
                     startup_error_advice(
                         error, "the kernel has no entropy yet, or refuses it: try again later"));
}

static void on_job_change(void *state, const struct job_report *report)
{
    struct server *server = state;
    job_events_publish(server->subscriptions, report);
    publish_queue_note_job(server->publishes, report);
}

static int make_jobs(struct server *server)
{
    int error = jobs_open(&server->jobs, server->loop, server->workers.list, server->workers.count,
                          server->mailbox, server->config->broadcast.queue);
    if (error == 0)
        jobs_set_observer(server->jobs, on_job_change, server);
    return error == 0
               ? 0
               : startup_error_report("cannot create the broadcast queue", "memory and a timer",
                                      error, startup_error_advice(error, "try again"));
}

static int make_publishes(struct server *server)
{
    const struct publish_queue_options options = {.jobs = server->jobs,
                                                  .loop = server->loop,
                                                  .mailbox = server->mailbox,
                                                  .state_path = server->config->state.file};
    int error = publish_queue_open(&server->publishes, &options);
    return error == 0
               ? 0
               : startup_error_report("cannot create the queue of keyed broadcasts", "memory",
                                      error, startup_error_advice(error, "shorten state.file"));
}

static void stop_by_command(void *state)
{
    server_stop(state);
}

static int note_configuration(struct server *server)
{
    server->effective = effective_config_new(server->config);
    return server->effective != NULL ? 0
                                     : startup_error_report("cannot keep the configuration",
                                                            "memory", -ENOMEM, "free some memory");
}

static struct control_socket_options socket_options(struct server *server,
                                                    const struct control_role *role,
                                                    const struct existing_sockets *existing)
{
    struct control_socket_options options = {.role = role,
                                             .config = server->config,
                                             .identity = &server->identity,
                                             .existing = existing,
                                             .state = &server->commands,
                                             .control_path = control_socket_name(&server->control)};
    options.commands = command_table_rows(&options.command_count);
    return options;
}

static int open_control(struct server *server)
{
    uint64_t started_ms =
        server->successor.is_one ? server->commands.queries.started_ms : clock_now_ms();
    if (!server->successor.is_one)
        server->started_wall_ms = clock_wall_ms();
    server->commands = (struct command_context){
        .queries =
            {
                .workers = server->workers.list,
                .worker_count = server->workers.count,
                .jobs = server->jobs,
                .subscriptions = server->subscriptions,
                .listeners = &server->sockets.listeners,
                .names = name_decisions_table(server->names),
                .offload = &server->offload,
                .loop = server->loop,
                .reply_mailbox = server->mailbox,
                .clients_max = server->config->clients.max,
                .started_ms = started_ms,
            },
        .jobs = server->jobs,
        .publishes = server->publishes,
        .gaps = &server->gaps,
        .config = &server->effective,
        .server = server,
        .reload = server_reload,
        .upgrade = server_upgrade,
        .stop = stop_by_command,
    };
    subscriptions_set_workers(server->subscriptions, server->workers.list,
                              &server->sockets.listeners, name_decisions_table(server->names));
    const struct existing_sockets existing = {&server->passed, &server->inherited};
    struct control_socket_options options = socket_options(server, &CONTROL_OPERATORS, &existing);
    int error = control_socket_open(&server->control, server->loop, &options);
    server->commands.control_path = control_socket_name(&server->control);
    return error;
}

static int open_observers(struct server *server)
{
    const struct existing_sockets existing = {&server->passed, &server->inherited};
    struct control_socket_options options = socket_options(server, &CONTROL_OBSERVERS, &existing);
    int error = control_socket_open(&server->observers, server->loop, &options);
    if (error == 0 && server->control.control != NULL)
        control_set_observers(server->control.control, server->observers.control);
    return error;
}

static const char *advise_metrics(int error)
{
    switch (error) {
    case -EADDRINUSE:
        return "another program uses it; stop that program, or choose another metrics.listen";
    case -EACCES:
    case -EPERM:
        return "ports below 1024 need root or CAP_NET_BIND_SERVICE, a Unix socket needs a "
               "directory that udpsrv may write; choose another metrics.listen";
    case -EADDRNOTAVAIL:
        return "no interface of this host has the address; choose another metrics.listen, or let "
               "server.missing-address = wait wait for it";
    default:
        return startup_error_advice(error, "see metrics.listen in udpsrv.conf(5)");
    }
}

static int report_metrics(const struct server *server, int error)
{
    char text[CONFIG_LISTEN_TEXT_BYTES];
    return startup_error_report("cannot serve metrics",
                                config_listen_text(&server->config->metrics.listen, text), error,
                                advise_metrics(error));
}

static int open_metrics(struct server *server)
{
    const struct metrics_server_options options = {
        .config = server->config, .owner = &server->identity, .inherited = &server->inherited};
    int error = metrics_server_open(&server->metrics, &options);
    return error == 0 ? 0 : report_metrics(server, error);
}

static int start_metrics(struct server *server)
{
    uint64_t started_ms = server->commands.queries.started_ms;
    const struct metrics_source source = {
        .config = server->config,
        .workers = server->workers.list,
        .worker_count = server->workers.count,
        .listeners = &server->sockets.listeners,
        .jobs = server->jobs,
        .publishes = server->publishes,
        .gaps = &server->gaps,
        .subscriptions = server->subscriptions,
        .names = name_decisions_table(server->names),
        .snapshots = server->snapshots,
        .reply_mailbox = server->mailbox,
        .started_ms = started_ms,
        .started_wall_ms = server->started_wall_ms,
    };
    if (server->metrics == NULL)
        return 0;
    int error = metrics_server_start(server->metrics, server->loop, &source);
    return error == 0 ? 0 : report_metrics(server, error);
}

static int give_up_privileges(struct server *server)
{
    int error = user_become(&server->identity, server->config);
    if (error != 0)
        return error;
    user_warn_of_files(&server->files);
    control_socket_warn(&server->control);
    control_socket_warn(&server->observers);
    return 0;
}

static int start_log(struct server *server)
{
    (void)server;
    int error = log_start();
    return error == 0
               ? 0
               : startup_error_report(
                     "cannot start the writer of the log", "thread", error,
                     startup_error_advice(error, "look at the limit on threads (ulimit -u)"));
}

static int start_admission(struct server *server)
{
    int error = admission_updates_start(server->admission, server->loop, server->workers.list,
                                        server->workers.count, server->mailbox);
    return error == 0
               ? 0
               : startup_error_report("cannot replace the cookie secrets each minute", "timer",
                                      error, startup_error_advice(error, "try again"));
}

static int follow_interfaces(struct server *server)
{
    const struct interface_events_options options = {
        .loop = server->loop,
        .reply_mailbox = server->mailbox,
        .workers = server->workers.list,
        .worker_count = server->workers.count,
        .config = server->config,
        .sockets = &server->sockets,
        .offload = &server->offload,
        .on_change = admission_updates_request_on_link,
        .on_change_state = server->admission,
    };
    int error = interface_events_open(&server->interfaces, &options);
    return error == 0 ? 0
                      : startup_error_report("cannot follow the interfaces", "timer", error,
                                             startup_error_advice(error, "try again"));
}

/* Before the lock, whose file is beside it. */
static int check_state_file(struct server *server)
{
    return state_config_check(server->config);
}

/* Restoring millions of clients takes seconds. */
static void answer_meanwhile(void *state)
{
    metrics_server_poll_start(((struct server *)state)->metrics);
}

/* A successor gets all of it from its predecessor. */
static int restore_state(struct server *server)
{
    if (server->successor.is_one)
        return 0;
    publish_queue_restore(server->publishes);
    struct state_restore_options options = client_takeover_restore_options(server);
    options.pause = answer_meanwhile;
    options.pause_state = server;
    return state_restore(&options);
}

static int open_snapshots(struct server *server)
{
    const struct state_snapshots_options options = {
        .sources = client_takeover_sources(server),
        .loop = server->loop,
        .mailbox = server->mailbox,
        .lock = server->state_lock,
    };
    int error = state_snapshots_open(&server->snapshots, &options);
    if (error == -EWOULDBLOCK)
        state_config_log_unusable(server->config, "another server has it",
                                  "give each server a file of its own");
    else if (error != 0)
        startup_error_report("cannot write the state file", "memory", error,
                             startup_error_advice(error, "try again"));
    return error;
}

static int start_snapshots(struct server *server)
{
    int error = state_snapshots_start(server->snapshots);
    if (error == 0)
        error = publish_queue_start(server->publishes);
    return error == 0 ? 0
                      : startup_error_report("cannot write the state file", "a thread and a timer",
                                             error, startup_error_advice(error, "try again"));
}

/* A successor goes on with the sockets that receive: no other process could serve any more. */
static int begin_to_receive(struct server *server)
{
    int error = startup_sockets_receive(&server->sockets, server->config);
    if (error == 0)
        return 0;
    error = startup_error_report("cannot begin to receive", "sockets", error,
                                 server->successor.is_one ? "restart udpsrv" : "try again");
    return server->successor.is_one ? 0 : error;
}

static int open_threads(struct server *server)
{
    int error = workers_open_threads(&server->workers);
    return error == 0 ? 0
                      : startup_error_report("cannot start a worker", "thread", error,
                                             "look at the limit on threads (ulimit -u)");
}

static int start_workers(struct server *server)
{
    name_decisions_start(server->names, server->workers.list);
    int error = begin_to_receive(server);
    if (error != 0)
        return error;
    socket_takeover_end(&server->workers, &server->sockets.listeners, &server->inherited);
    kernel_offload_add_reply(&server->offload, server->reply); /* a predecessor uses it no more */
    workers_start(&server->workers);
    server->running_workers = server->workers.started;
    return 0;
}

/* What waits for the line has read that of the predecessor. */
static int report_ready(struct server *server)
{
    if (server->metrics != NULL)
        log_event(LOG_LEVEL_INFO, "metrics are served", "listen",
                  metrics_server_text(server->metrics), NULL);
    int error = server->successor.is_one ? 0 : ready_line_start(server);
    if (error == 0)
        ready_line_log(server);
    return error;
}

static int prepare_manager(struct server *server)
{
    const struct service_manager_options options = {
        .loop = server->loop,
        .reply_mailbox = server->mailbox,
        .workers = server->workers.list,
        .worker_count = server->workers.count,
        .listeners = &server->sockets.listeners,
    };
    return service_manager_prepare(&server->manager, &options);
}

/* The last step: from now on the manager starts what depends on the server. It is notified of a
 * successor first by the predecessor. */
static int report_to_manager(struct server *server)
{
    if (server->successor.is_one)
        successor_serve(server);
    else
        service_manager_ready(&server->manager);
    return 0;
}

int server_start(struct server *server)
{
    /* The steps that need privileges precede give_up_privileges, and workers start last. In a
     * successor no step after successor_take_over can fail. */
    static const struct {
        int (*run)(struct server *);
        const char *attempt; /* for the status of the service manager */
    } steps[] = {
        {find_identity, "finding server.user"},
        {hold_stop_signals, "blocking signals"},
        {read_names_key, "reading clients.names-key-file"},
        {read_existing_sockets, "checking the sockets that the service manager passed"},
        {open_sockets, "opening the sockets"},
        {open_metrics, "opening the address of the metrics"},
        {open_offload, "attaching the offload"},
        {make_reply, "storing the reply messages"},
        {make_admission, "preparing the admission of clients"},
        {make_loop, "preparing to wait for events"},
        {check_memory, "estimating the memory"},
        {make_subscriptions, "creating the queues of events"},
        {make_names, "creating the table of names"},
        {make_workers, "creating the workers"},
        {make_jobs, "creating the broadcast queue"},
        {make_publishes, "creating the queue of keyed broadcasts"},
        {note_configuration, "storing the configuration"},
        {open_control, "opening the control socket"},
        {open_observers, "opening the observers' socket"},
        {give_up_privileges, "giving up privileges"},
        {start_log, "starting the log"},
        {start_admission, "starting the renewal of cookie secrets"},
        {follow_interfaces, "following the interfaces"},
        {check_state_file, "checking the state file"},
        {open_snapshots, "locking the state file"},
        {restore_state, "restoring the clients"},
        {start_snapshots, "starting the writer of the state file"},
        {start_metrics, "serving the metrics"},
        {prepare_manager, "preparing to notify the service manager"},
        {open_threads, "making the threads of the workers"},
        {successor_take_over, "taking over from the running server"},
        {start_workers, "starting the workers"},
        {report_ready, "writing the ready line"},
        {report_to_manager, "notifying the service manager"},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int error = steps[i].run(server);
        metrics_server_poll_start(server->metrics);
        if (error == 0)
            continue;
        service_manager_fail(&server->manager, steps[i].attempt, error);
        return error;
    }
    return 0;
}
