/* The whole server from start to stop: each step of the start in order, and what ends it. */
#include "server/server.h"

#include "base/version.h"
#include "os/log/log.h"
#include "os/log/stdout_line.h"
#include "os/process/clock.h"
#include "server/broadcast/broadcast_jobs.h"
#include "server/config/config_check.h"
#include "server/config/config_reload.h"
#include "server/config/memory_estimate.h"
#include "server/control/command_table.h"
#include "server/control/control_socket.h"
#include "server/datagram/shared_admission.h"
#include "server/listen/interface_changes.h"
#include "server/listen/listeners.h"
#include "server/run_as_user.h"
#include "server/startup_error.h"
#include "server/workers/worker_pool.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int END_SIGNALS[] = {SIGTERM, SIGINT, 0};

enum {
    STOP_MS_MAX = 1000, /* a worker that hasn't stopped by then is left behind */
    /* Signals that follow the first one sooner are the same request to stop: timeout(1) and some
     * supervisors signal both the process and its group. */
    SAME_SIGNAL_MS = 100,
};

struct server {
    const struct server_options *options;
    struct config_files_result files; /* that the configuration came from */
    struct config *config;            /* as started */
    struct identity identity;

    struct listeners listeners;
    struct first_worker_sockets first_sockets;
    uint32_t stream_files; /* how many streams there are files for */
    struct reply *reply;
    struct shared_admission *admission;
    struct admission_rules rules; /* in use */
    struct loop *loop;
    struct mailbox *mailbox;
    struct workers workers;
    struct jobs *jobs;
    struct command_table commands;
    struct control_socket control;
    struct interface_changes *interfaces;

    bool stopping;
    uint64_t signalled_ms; /* when SIGTERM or SIGINT came first, or 0 */
    struct stdout_line ready;
    int unready;    /* -errno of the line that says that it is ready, or 0 */
    size_t running; /* workers that were started and have not stopped yet */
    struct loop_timer patience;
    struct farewell {
        struct worker_call call;
        struct server *server;
        struct stats stats;
        uint32_t clients;
    } * farewells; /* by worker */
};

/* ---- start ---- */

static int find_identity(struct server *server)
{
    return user_find(&server->identity, server->config);
}

/* Streams must not take the descriptors by which an operator could end them. */
static void allow_files(struct server *server, size_t workers)
{
    char streams[24];
    server->stream_files = workers_allow_files(workers, server->config);
    if (server->stream_files >= server->config->server.stream_max)
        return;
    snprintf(streams, sizeof streams, "%" PRIu32, server->stream_files);
    log_event(LOG_LEVEL_WARNING, "fewer streams at a time than server.stream-max", "streams",
              streams, "reason", strerror(EMFILE), "advice",
              "raise the limit on open files (ulimit -n), or lower server.stream-max", NULL);
}

static int open_listeners(struct server *server)
{
    size_t workers = workers_wanted(server->config);
    allow_files(server, workers);
    int error = listeners_open(&server->listeners, server->config, workers);
    return error != 0 ? error
                      : first_worker_sockets_open(&server->first_sockets, &server->listeners,
                                                  server->config, &server->identity);
}

static int make_reply(struct server *server)
{
    const struct config *config = server->config;
    server->reply =
        reply_rotation_new(config->reply.mode, config->reply.messages, config->reply.message_count);
    return server->reply == NULL ? startup_error_report("cannot keep the messages", "memory",
                                                        -ENOMEM, "use fewer of them")
                                 : 0;
}

static int make_admission(struct server *server)
{
    const char *failed = "random secrets";
    int error = shared_admission_new(&server->admission, server->config->clients.max);
    if (error == 0) {
        failed = "tables of limits";
        error = shared_admission_rules(server->admission, server->config, &server->rules);
    }
    return error == 0 ? 0
                      : startup_error_report(
                            "cannot prepare the admission of clients", failed, error,
                            startup_error_advice(
                                error, "the kernel has no entropy yet, or refuses: try later"));
}

static void on_signal(void *state, int signal);
static void worker_broke(void *state);
static void out_of_patience(void *state);

static int make_loop(struct server *server)
{
    static const int signals[] = {SIGHUP, SIGTERM, SIGINT, 0};
    int error = 0;
    server->loop = loop_new();
    if (server->loop != NULL)
        server->mailbox = mailbox_new(server->loop);
    if (server->mailbox == NULL)
        error = -errno;
    if (error == 0)
        error = loop_signals(server->loop, signals, on_signal, server);
    if (error == 0)
        error = loop_timer_open(server->loop, &server->patience, out_of_patience, server);
    return error == 0 ? 0
                      : startup_error_report("cannot wait for events", "epoll", error,
                                             startup_error_advice(error, "try again"));
}

/* Before any of it is taken. */
static int check_memory(struct server *server)
{
    return memory_estimate_check(server->config, server->listeners.worker_count);
}

static int make_workers(struct server *server)
{
    const struct workers_shared shared = {
        .reply = server->reply,
        .first_sockets = &server->first_sockets,
        .rules = server->rules,
        .secrets = shared_admission_secrets(server->admission),
        .on_link_failed = shared_admission_request_on_link,
        .on_link_state = server->admission,
        .stream_files = server->stream_files,
        .on_break = {.reply_mailbox = server->mailbox, .broke = worker_broke, .state = server},
    };
    const char *failed = "memory";
    server->farewells = calloc(server->listeners.worker_count, sizeof server->farewells[0]);
    int error = server->farewells == NULL ? -ENOMEM
                                          : workers_make(&server->workers, server->config,
                                                         &server->listeners, &shared, &failed);
    return error == 0 ? 0
                      : startup_error_report(
                            "cannot make a worker", failed, error,
                            startup_error_advice(
                                error, "the kernel has no entropy yet, or refuses: try later"));
}

static int make_jobs(struct server *server)
{
    int error = jobs_open(&server->jobs, server->workers.list, server->workers.count,
                          server->mailbox, server->config->broadcast.queue);
    return error == 0 ? 0
                      : startup_error_report("cannot make the queue of broadcasts", "memory", error,
                                             "try again");
}

static void command_reload(void *state, reload_done *done, void *done_state);
static void command_stop(void *state);

static int open_control(struct server *server)
{
    server->commands = (struct command_table){
        .datagram_decider =
            {
                .workers = server->workers.list,
                .worker_count = server->workers.count,
                .jobs = server->jobs,
                .listeners = &server->listeners,
                .reply_mailbox = server->mailbox,
                .clients_max = server->config->clients.max,
                .started_ms = clock_now_ms(),
            },
        .jobs = server->jobs,
        .server = server,
        .reload = command_reload,
        .stop = command_stop,
    };
    struct control_socket_commands commands = {.state = &server->commands};
    commands.table = command_table_rows(&commands.count);
    return control_socket_open(&server->control, server->loop, server->config, &server->identity,
                               &commands);
}

static int give_up_privileges(struct server *server)
{
    int error = user_become(&server->identity, server->config);
    if (error != 0)
        return error;
    user_warn_of_files(&server->files);
    control_socket_warn(&server->control);
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

static int start_rotation(struct server *server)
{
    int error = shared_admission_start(server->admission, server->loop, server->workers.list,
                                       server->workers.count, server->mailbox);
    return error == 0 ? 0
                      : startup_error_report("cannot replace secrets by the clock", "timer", error,
                                             startup_error_advice(error, "try again"));
}

static int follow_interfaces(struct server *server)
{
    const struct interface_changes_options options = {
        .loop = server->loop,
        .reply_mailbox = server->mailbox,
        .workers = server->workers.list,
        .worker_count = server->workers.count,
        .config = server->config,
        .listeners = &server->listeners,
        .first_sockets = &server->first_sockets,
        .on_change = shared_admission_request_on_link,
        .on_change_state = server->admission,
    };
    int error = interface_changes_open(&server->interfaces, &options);
    return error == 0 ? 0
                      : startup_error_report("cannot follow the interfaces", "timer", error,
                                             startup_error_advice(error, "try again"));
}

static int start_workers(struct server *server)
{
    int error = listeners_receive(&server->listeners);
    if (error != 0)
        return startup_error_report("cannot begin to receive", "sockets", error, "try again");
    error = workers_start(&server->workers);
    server->running = server->workers.started;
    return error == 0 ? 0
                      : startup_error_report("cannot start a worker", "thread", error,
                                             "look at the limit on threads (ulimit -u)");
}

enum { LISTED_BYTES = 960 /* a value of a log line, os/log/log, has room for some more */ };

/* Writes the addresses with a blank between them; where there is no room, how many are left out. */
static void list_addresses(const struct listeners *listeners, char text[LISTED_BYTES])
{
    size_t size = 0;
    for (size_t i = 0; i < listeners->count; i++) {
        const char *address = listeners->list[i].text, *blank = i > 0 ? " " : "";
        if (size + strlen(address) + sizeof " and 64 more" >= LISTED_BYTES) {
            snprintf(text + size, LISTED_BYTES - size, " and %zu more", listeners->count - i);
            return;
        }
        size += (size_t)snprintf(text + size, LISTED_BYTES - size, "%s%s", blank, address);
    }
}

/* The line that says to whoever started us where to find the service. */
static char *ready_line(const struct server *server)
{
    char *text = NULL;
    size_t size;
    FILE *line = open_memstream(&text, &size);
    if (line == NULL)
        return NULL;
    fputs("udpsrv: ready", line);
    for (size_t i = 0; i < server->listeners.count; i++)
        fprintf(line, " %s", server->listeners.list[i].text);
    fputs("\n", line);
    if (fclose(line) == 0)
        return text;
    free(text);
    return NULL;
}

static void ready_was_said(void *state, int error);

static int say_ready(struct server *server)
{
    char *line = ready_line(server);
    int error = line == NULL ? -ENOMEM
                             : stdout_line_start(&server->ready, line, server->mailbox,
                                                 ready_was_said, server);
    if (error != 0)
        return startup_error_report("cannot say that it is ready", "thread", error,
                                    "look at the limit on threads (ulimit -u)");
    char workers[24], addresses[LISTED_BYTES] = "";
    snprintf(workers, sizeof workers, "%zu", server->workers.count);
    list_addresses(&server->listeners, addresses);
    log_event(LOG_LEVEL_INFO, "ready", "version", UDPSRV_VERSION, "workers", workers, "addresses",
              addresses, "socket", control_socket_name(&server->control), NULL);
    return 0;
}

/* From the first socket on, so that no file of one is left behind. */
static int hold_end_signals(struct server *server)
{
    (void)server;
    loop_signals_hold(END_SIGNALS);
    return 0;
}

static int start(struct server *server)
{
    /* What needs a privilege comes before it is given up, and threads come last. */
    static int (*const steps[])(struct server *) = {
        find_identity,  hold_end_signals,  open_listeners,     make_reply,
        make_admission, make_loop,         check_memory,       make_workers,
        make_jobs,      open_control,      give_up_privileges, start_log,
        start_rotation, follow_interfaces, start_workers,      say_ready,
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int error = steps[i](server);
        if (error != 0)
            return error;
    }
    return 0;
}

/* ---- reload and stop ---- */

static void command_reload(void *state, reload_done *done, void *done_state)
{
    struct server *server = state;
    const struct reload_target target = {
        .options = server->options,
        .once = server->files.once,
        .end_signals = END_SIGNALS,
        .started = server->config,
        .reply = &server->reply,
        .admission = server->admission,
        .rules = &server->rules,
        .workers = server->workers.list,
        .worker_count = server->workers.count,
        .jobs = server->jobs,
        .reply_mailbox = server->mailbox,
        .control = &server->control,
    };
    control_socket_check(&server->control);
    interface_changes_check(server->interfaces);
    if (!server->stopping) {
        reload(&target, done, done_state);
        return;
    }
    static char stopping[] = "the server is stopping";
    char *problem = stopping;
    const struct reload_report report = {.problems = &problem, .problem_count = 1};
    done(done_state, &report);
}

static void nobody_waits(void *state, const struct reload_report *report)
{
    (void)state;
    (void)report;
}

/* In the worker's thread, its last letter. */
static void run_farewell(struct worker_call *call)
{
    struct farewell *farewell = (struct farewell *)call;
    worker_finish(call->worker);
    worker_stats(call->worker, &farewell->stats, &farewell->clients);
}

static void farewell_is_home(struct worker_call *call)
{
    struct server *server = ((struct farewell *)call)->server;
    if (--server->running == 0)
        loop_stop(server->loop);
}

static void command_stop(void *state)
{
    struct server *server = state;
    if (server->stopping)
        return;
    server->stopping = server->commands.datagram_decider.stopping = true;
    loop_timer_once(&server->patience, (uint64_t)STOP_MS_MAX * 1000000);
    jobs_stop(server->jobs);
    shared_admission_stop(server->admission);
    interface_changes_stop(server->interfaces);
    for (size_t i = 0, running = server->running; i < running; i++) {
        server->farewells[i].server = server;
        server->farewells[i].call.run = run_farewell;
        server->farewells[i].call.done = farewell_is_home;
        worker_post(server->workers.list[i], &server->farewells[i].call, server->mailbox);
    }
}

/* Leaves at once, and no socket file behind. */
static void break_off(struct server *server, const char *why)
{
    log_event(LOG_LEVEL_ERROR, "ended without a stop", "reason", why, "advice",
              "start it again; clients join anew by their next datagram", NULL);
    control_socket_close(&server->control);
    first_worker_sockets_remove_files(&server->first_sockets);
    log_close();
    _exit(EXIT_FAILURE);
}

static void out_of_patience(void *state)
{
    break_off(state, "a worker did not stop in time");
}

/* The others would go on, and hold the ports of those clients whom nobody answers any more. */
static void worker_broke(void *state)
{
    break_off(state, "a worker's loop broke");
}

static void on_signal(void *state, int signal)
{
    struct server *server = state;
    uint64_t now_ms = clock_now_ms();
    if (signal == SIGHUP) {
        command_reload(server, nobody_waits, NULL);
    } else if (server->signalled_ms == 0) {
        server->signalled_ms = now_ms;
        command_stop(server);
    } else if (now_ms - server->signalled_ms >= SAME_SIGNAL_MS) {
        break_off(server, "a second signal");
    }
}

/* Who waits for that line would wait for ever. */
static void ready_was_said(void *state, int error)
{
    struct server *server = state;
    server->unready = error;
    if (error == 0)
        return;
    startup_error_report(
        "cannot say that it is ready", "standard output", error,
        "make room there, or start it with another standard output, such as /dev/null");
    command_stop(server);
}

static void say_stopped(const struct server *server)
{
    struct stats sum = {.received = 0};
    for (size_t i = 0; i < server->workers.count; i++)
        stats_add(&sum, &server->farewells[i].stats);
    sum.broadcasts = jobs_ended(server->jobs);

    struct log_pair pairs[STATS_COUNT];
    char numbers[STATS_COUNT][24];
    for (size_t i = 0; i < STATS_COUNT; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%" PRIu64, stats_value(&sum, i));
        pairs[i] = (struct log_pair){.key = stats_name(i), .value = numbers[i]};
    }
    log_pairs(LOG_LEVEL_INFO, "stopped", pairs, STATS_COUNT);
}

/* What was started goes in the reverse order; what was not is nothing. */
static void end(struct server *server)
{
    workers_free(&server->workers);
    stdout_line_stop(&server->ready);
    /* The workers' last letters are in the mailbox. */
    mailbox_free(server->mailbox);
    interface_changes_free(server->interfaces);
    jobs_close(server->jobs);
    control_socket_close(&server->control);
    shared_admission_free(server->admission);
    access_list_free(server->rules.acl);
    loop_timer_close(&server->patience);
    loop_free(server->loop);
    free(server->farewells);
    reply_rotation_release(server->reply);
    first_worker_sockets_close(&server->first_sockets);
    listeners_close(&server->listeners);
    config_free(server->config);
    config_files_free(&server->files);
}

int server_run(const struct server_options *options)
{
    static const int reloads[] = {SIGHUP, 0};
    static struct server server;
    server.options = options;
    /* A reload that is asked for during the start is done behind it. */
    loop_unignore_signal(SIGHUP); /* it is a reload, under nohup(1), too */
    loop_signals_hold(reloads);
    if (config_check_read(&server.files, options) != 0) {
        config_files_free(&server.files);
        return EXIT_CONFIGURATION;
    }
    server.config = server.files.config;
    server.files.config = NULL;
    log_setup("udpsrv", server.config->log.level, server.config->log.format,
              server.config->log.target);

    int error = start(&server);
    if (error != 0 && server.running > 0)
        command_stop(&server);
    if (server.running > 0 && loop_run_until_stopped(server.loop) != 0)
        break_off(&server, "the event loop broke");
    if (error == 0)
        say_stopped(&server);
    end(&server);
    log_close();
    return error == 0 && server.unready == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
