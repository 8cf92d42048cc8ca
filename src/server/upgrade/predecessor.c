#include "server/upgrade/predecessor.h"

#include "os/log/log.h"
#include "os/loop/signals.h"
#include "os/process/clock.h"
#include "os/process/immediate_exit.h"
#include "server/upgrade/broadcast_handover.h"
#include "server/upgrade/client_takeover.h"
#include "server/upgrade/hand_over.h"
#include "server/upgrade/successor.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    READY_TIMEOUT_MS = 10000,   /* until the successor could take over */
    STARTED_TIMEOUT_MS = 2000,  /* while nobody serves; and as much for each million clients that
                                   are copied */
    GO_TIMEOUT_MS = 1000,       /* for the answer to one message */
    SERVING_TIMEOUT_MS = 2000,  /* then this process ends nevertheless */
    SESSIONS_TIMEOUT_MS = 1000, /* until the sessions of operators have got their output */
    MANAGER_TIMEOUT_MS = 10000, /* until the service manager has read which process serves */
    KILL_TIMEOUT_MS = 1000,     /* until a process that was killed has ended */
    REASON_BYTES = HANDOVER_TEXT_BYTES + 128,
};

static const char ANSWERS_ELSE[] = "the new program answers something else";

void predecessor_init(struct predecessor *predecessor, const int *stop_signals)
{
    *predecessor = (struct predecessor){.channel = -1, .stop_signals = stop_signals};
    program_path_find(predecessor->path); /* an error is reported by an upgrade */
}

/* ---- the end without a successor ---- */

static void close_channel(struct predecessor *predecessor)
{
    loop_remove(&predecessor->handler);
    if (predecessor->channel >= 0)
        handover_channel_close(predecessor->channel);
    predecessor->channel = -1;
}

static void forget_package(struct predecessor *predecessor)
{
    if (predecessor->is_sending)
        handover_sending_end(&predecessor->sending);
    predecessor->is_sending = false;
    handover_writer_free(&predecessor->writer);
    memory_release_shared(&predecessor->copy);
}

static void report(struct predecessor *predecessor, const struct upgrade_report *result)
{
    predecessor->done(predecessor->done_state, result);
}

/* Its outcome is logged, as that of any other reload by a signal. */
static void ignore_reload(void *state, const struct config_reload_report *report)
{
    (void)state;
    (void)report;
}

void predecessor_reload_later(struct predecessor *predecessor)
{
    predecessor->wants_reload = true;
}

/* Logs why the upgrade fails, and ends it. */
static void abandon(struct server *server, const char *reason)
{
    struct predecessor *predecessor = &server->predecessor;
    log_event(LOG_LEVEL_ERROR, "cannot upgrade: this process goes on", "program", predecessor->path,
              "reason", reason, "advice", "correct it, and upgrade again; or restart udpsrv", NULL);
    child_process_kill(&predecessor->successor);
    startup_sockets_end_sharing(&server->sockets);
    close_channel(predecessor);
    loop_timer_close(&predecessor->timer);
    forget_package(predecessor);
    state_snapshots_resume(server->snapshots);
    publish_queue_resume(server->publishes);
    offload_withdrawal_end(&server->withdrawal);
    predecessor->is_running = false;
    report(predecessor, &(struct upgrade_report){.reason = reason});
    if (predecessor->wants_reload)
        server->commands.reload(server, ignore_reload, NULL);
}

__attribute__((format(printf, 2, 3))) static void abandon_with(struct server *server,
                                                               const char *format, ...)
{
    char reason[REASON_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, sizeof reason, format, arguments);
    va_end(arguments);
    abandon(server, reason);
}

/* The successor has closed the channel: it has ended, or is about to. How, is known when its end
 * was noticed. */
static void on_end(struct server *server)
{
    struct predecessor *predecessor = &server->predecessor;
    char end[CHILD_PROCESS_END_BYTES];
    loop_remove(&predecessor->handler);
    predecessor->is_closed = true;
    if (child_process_has_ended(&predecessor->successor))
        abandon_with(server,
                     predecessor->was_ready ? "the new program ended while it took over: %s"
                                            : "the new program was not ready: %s",
                     child_process_end(&predecessor->successor, end));
}

static void on_timeout(void *state)
{
    struct server *server = state;
    abandon_with(server, "the new program was not ready within %d s", READY_TIMEOUT_MS / 1000);
}

void predecessor_cancel(struct server *server)
{
    if (server->predecessor.is_running)
        abandon(server, "the server is stopping");
}

/* ---- handing over ---- */

/* Writes the reason of a failure while the successor takes over. Returns error. */
static int explain(int error, const char *what, char reason[REASON_BYTES])
{
    if (error == -EPIPE)
        snprintf(reason, REASON_BYTES, "the new program ended while it took over");
    else if (error == -EAGAIN)
        snprintf(reason, REASON_BYTES, "the new program did not take over in time");
    else
        snprintf(reason, REASON_BYTES, "%s: %s", what, strerror(-error));
    return error;
}

static int send_second(struct server *server, uint64_t until_ms, char reason[REASON_BYTES])
{
    struct predecessor *predecessor = &server->predecessor;
    struct handover_writer *writer = &predecessor->writer;
    forget_package(predecessor);
    int error = hand_over_second(server, predecessor->copies_clients, &predecessor->copy, writer);
    if (error == 0)
        error = handover_sending_begin(&predecessor->sending, writer->bytes, writer->size,
                                       writer->descriptors, writer->descriptor_count);
    if (error != 0)
        return explain(error, "writing what is handed over", reason);
    predecessor->is_sending = true;
    error = handover_sending_continue(&predecessor->sending, predecessor->channel, until_ms);
    return error == 0 ? 0 : explain(error, "handing over", reason);
}

static int await_message(struct predecessor *predecessor, enum handover_kind kind,
                         uint64_t until_ms, char reason[REASON_BYTES])
{
    struct handover_message message;
    int error = handover_channel_receive(predecessor->channel, &message, until_ms);
    if (error != 0)
        return explain(error, "reading what the new program says", reason);
    if (message.kind == kind)
        return 0;
    snprintf(reason, REASON_BYTES, "%s",
             message.kind == HANDOVER_FAILED ? message.text : ANSWERS_ELSE);
    return -EPROTO;
}

/* Has the successor serve. If it ends before it says that it has read this, it has changed nothing,
 * and this process goes on. */
static int go(struct predecessor *predecessor, char reason[REASON_BYTES])
{
    if (loop_signals_are_pending(predecessor->stop_signals)) {
        snprintf(reason, REASON_BYTES, "the server is stopping");
        return -ECANCELED;
    }
    int error = handover_channel_send(predecessor->channel, HANDOVER_GO, NULL);
    if (error != 0 && error != -EPIPE)
        return explain(error, "handing over", reason);
    error = await_message(predecessor, HANDOVER_TAKEN, clock_now_ms() + GO_TIMEOUT_MS, reason);
    if (error == -EAGAIN) /* this process, too, may have been stopped meanwhile */
        error = await_message(predecessor, HANDOVER_TAKEN, 0, reason);
    if (error != -EAGAIN)
        return error;
    /* It may read it at any time: only after its end it is known whether it has. */
    child_process_kill(&predecessor->successor);
    error = await_message(predecessor, HANDOVER_TAKEN, clock_now_ms() + KILL_TIMEOUT_MS, reason);
    return error == -EPIPE ? explain(-EAGAIN, "", reason) : error;
}

/* A socket that is opened again is not the one that the successor has. */
static uint64_t count_renewals(const struct server *server)
{
    return interface_events_renewals(server->interfaces) + server->control.restored +
           server->observers.restored;
}

/* Returns why nothing can be handed over now, or NULL. */
static const char *find_obstacle(const struct server *server)
{
    if (count_renewals(server) != server->predecessor.renewals)
        return "sockets were opened again meanwhile, since interfaces or files have changed: try "
               "again";
    return server->predecessor.copies_clients ? broadcasts_refusal(server->jobs, &server->workers)
                                              : NULL;
}

/* Returns when the successor has to have taken over. */
static uint64_t takeover_end_ms(const struct server *server)
{
    uint64_t clients = 0;
    for (size_t i = 0; server->predecessor.copies_clients && i < server->workers.count; i++)
        clients += worker_clients_count(server->workers.list[i]);
    return clock_now_ms() + STARTED_TIMEOUT_MS + clients * STARTED_TIMEOUT_MS / 1000000;
}

/* Has the successor take over, while the workers are held. Returns 0 if it serves from now on, or
 * -errno with the reason. */
static int exchange(struct server *server, char reason[REASON_BYTES])
{
    struct predecessor *predecessor = &server->predecessor;
    uint64_t until_ms = takeover_end_ms(server);
    const char *obstacle = find_obstacle(server);
    if (obstacle != NULL) {
        snprintf(reason, REASON_BYTES, "%s", obstacle);
        return -EBUSY;
    }
    int error = send_second(server, until_ms, reason);
    /* If it has ended, it may have sent the reason before. */
    if (error == 0 || error == -EPIPE)
        error = await_message(predecessor, HANDOVER_STARTED, until_ms, reason);
    return error == 0 ? go(predecessor, reason) : error;
}

static void log_end(const struct upgrade_report *result)
{
    char process[24], pause[24];
    snprintf(process, sizeof process, "%ld", (long)result->to);
    snprintf(pause, sizeof pause, "%" PRIu64, result->pause_us);
    if (result->is_done)
        log_event(LOG_LEVEL_INFO, "upgraded: another process serves", "version", result->version,
                  "process", process, "pause_us", pause, NULL);
    else
        log_event(LOG_LEVEL_ERROR, "the upgrade failed, and this process has handed over already",
                  "process", process, "reason", result->reason, "advice", "start udpsrv again",
                  NULL);
}

/* A signal that has come since the successor read its configuration is meant for the server. Sends
 * those that were not sent before. */
static void forward_signals(struct predecessor *predecessor)
{
    static const int reload[] = {SIGHUP, 0};
    bool wants_reload = predecessor->wants_reload || loop_signals_are_pending(reload);
    bool wants_stop = loop_signals_are_pending(predecessor->stop_signals);
    if (wants_reload && !predecessor->has_forwarded.reload)
        child_process_signal(&predecessor->successor, SIGHUP);
    if (wants_stop && !predecessor->has_forwarded.stop)
        child_process_signal(&predecessor->successor, SIGTERM);
    predecessor->has_forwarded.reload |= wants_reload;
    predecessor->has_forwarded.stop |= wants_stop;
}

/* The successor serves; or it has ended, and then nobody does. Ends this process. */
static _Noreturn void leave(struct server *server, uint64_t began_us)
{
    struct predecessor *predecessor = &server->predecessor;
    struct handover_message message;
    /* A successor that runs, and could not say in time that it serves, serves nevertheless. */
    int error = handover_channel_receive(predecessor->channel, &message,
                                         clock_now_ms() + SERVING_TIMEOUT_MS);
    bool has_ended = error == -EPIPE || (error == 0 && message.kind == HANDOVER_FAILED);
    const struct upgrade_report result = {
        .is_done = !has_ended,
        .is_lost = has_ended,
        .from = child_process_own_id(),
        .to = predecessor->successor.pid,
        .version = predecessor->version,
        .pause_us = clock_monotonic_us() - began_us,
        .reason = "the new program ended after it had taken over",
    };
    service_manager_hand_over(&server->manager, result.to);
    log_end(&result);
    report(predecessor, &result);
    forward_signals(predecessor);
    uint64_t until_ms = clock_now_ms() + SESSIONS_TIMEOUT_MS;
    control_socket_leave(&server->control, until_ms);
    control_socket_leave(&server->observers, until_ms);
    service_manager_leave(&server->manager, clock_now_ms() + MANAGER_TIMEOUT_MS);
    forward_signals(predecessor);
    log_close();
    exit_immediately(has_ended ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* Returns 0, or -errno with the reason; -ECANCELED also if what was under way has stopped the
 * server: then the upgrade has ended already. */
static int hold_and_exchange(struct server *server, char reason[REASON_BYTES])
{
    workers_hold(&server->workers, server->mailbox);
    client_takeover_settle(server);
    return server->predecessor.is_running ? exchange(server, reason) : -ECANCELED;
}

/* Begins when the threads of the files write nothing: what they wrote later could replace a file of
 * the successor. */
static void hand_over(void *state)
{
    struct server *server = state;
    char reason[REASON_BYTES];
    uint64_t began_us = clock_monotonic_us();
    server->commands.queries.is_held = true;
    int error = hold_and_exchange(server, reason);
    if (error == 0)
        leave(server, began_us);
    workers_resume(&server->workers);
    server->commands.queries.is_held = false;
    if (!server->predecessor.is_running)
        return;
    if (error == -EPIPE)
        on_end(server);
    else
        abandon(server, reason);
}

static void on_publishes_held(void *state)
{
    struct server *server = state;
    state_snapshots_hold(server->snapshots, hand_over, server);
}

static void on_withdrawn(void *state)
{
    struct server *server = state;
    publish_queue_hold(server->publishes, on_publishes_held, server);
}

/* ---- until the successor is ready ---- */

static void on_message(struct server *server, const struct handover_message *message)
{
    struct predecessor *predecessor = &server->predecessor;
    const char *refusal_to_copy = broadcasts_refusal(server->jobs, NULL);
    if (predecessor->was_ready) {
        abandon(server, message->kind == HANDOVER_FAILED ? message->text : ANSWERS_ELSE);
        return;
    }
    predecessor->copies_clients = message->kind == HANDOVER_READY_TO_COPY;
    predecessor->was_ready = message->kind == HANDOVER_READY || predecessor->copies_clients;
    snprintf(predecessor->version, sizeof predecessor->version, "%s", message->text);
    if (predecessor->was_ready && child_process_has_ended(&predecessor->successor))
        on_end(server);
    else if (predecessor->was_ready && message->sender != predecessor->successor.pid)
        abandon_with(server,
                     "process %ld was started, and process %ld answers: a wrapper has to replace "
                     "itself by the program (exec)",
                     (long)predecessor->successor.pid, (long)message->sender);
    else if (predecessor->copies_clients && refusal_to_copy != NULL)
        abandon(server, refusal_to_copy);
    else if (predecessor->was_ready)
        offload_withdrawal_begin(&server->withdrawal, on_withdrawn, server);
    else
        abandon(server, message->kind == HANDOVER_FAILED ? message->text : ANSWERS_ELSE);
}

static void receive(struct server *server)
{
    struct predecessor *predecessor = &server->predecessor;
    struct handover_message message;
    int error;
    do
        error = handover_channel_receive(predecessor->channel, &message, 0);
    while (error == 0 && new_socket_files_note(&predecessor->new_files, &message));
    if (error == 0)
        on_message(server, &message);
    else if (error == -EPIPE)
        on_end(server);
    else if (error != -EAGAIN)
        abandon_with(server, "cannot read what the new program says: %s", strerror(-error));
}

/* If the other end is closed, what it has sent before its end is read next. */
static void continue_sending(struct server *server)
{
    struct predecessor *predecessor = &server->predecessor;
    int error = handover_sending_continue(&predecessor->sending, predecessor->channel, 0);
    if (error == -EAGAIN)
        return;
    if (error != 0 && error != -EPIPE) {
        abandon_with(server, "cannot hand over: %s", strerror(-error));
        return;
    }
    forget_package(predecessor);
    loop_change(&predecessor->handler, LOOP_READ);
}

static void on_channel(void *state, unsigned events)
{
    struct server *server = state;
    if (events & LOOP_READ || !server->predecessor.is_sending)
        receive(server);
    else
        continue_sending(server);
}

static void end_waiting(void *state)
{
    struct server *server = state;
    predecessor_callback *ended = server->predecessor.ended;
    loop_timer_close(&server->predecessor.timer);
    server->predecessor.ended = NULL;
    ended(server);
}

void predecessor_on_child(struct server *server)
{
    struct predecessor *predecessor = &server->predecessor;
    if (!child_process_has_ended(&predecessor->successor))
        return;
    /* What it has sent before its end says more. */
    if (predecessor->is_running && !predecessor->is_closed)
        receive(server);
    if (predecessor->is_running)
        on_end(server);
    new_socket_files_remove(&predecessor->new_files);
    if (predecessor->ended != NULL)
        end_waiting(server);
}

void predecessor_await_end(struct server *server, predecessor_callback *done)
{
    struct predecessor *predecessor = &server->predecessor;
    predecessor->ended = done;
    predecessor_on_child(server); /* it may have ended already */
    if (predecessor->ended == NULL)
        return;
    if (loop_timer_open(server->loop, &predecessor->timer, end_waiting, server) != 0)
        end_waiting(server);
    else
        loop_timer_once(&predecessor->timer, (uint64_t)KILL_TIMEOUT_MS * 1000000);
}

/* ---- the start ---- */

static int start_successor(struct server *server, int channel)
{
    struct predecessor *predecessor = &server->predecessor;
    const char *variables[SERVICE_MANAGER_VARIABLES_MAX + 1];
    service_manager_variables(&server->manager, variables);
    const struct child_process_options options = {
        .path = predecessor->path,
        .arguments = server->options->arguments,
        .variables = variables,
        .descriptor_variable = SUCCESSOR_VARIABLE,
        .descriptor = channel,
    };
    return child_process_start(&predecessor->successor, &options);
}

/* Returns 0 or -errno. */
static int start(struct server *server)
{
    struct predecessor *predecessor = &server->predecessor;
    struct handover_writer *writer = &predecessor->writer;
    int ends[2];
    int error = handover_channel_open(ends);
    if (error != 0)
        return error;
    predecessor->channel = ends[0];
    predecessor->renewals = count_renewals(server);
    error = hand_over_first(server, writer);
    if (error == 0)
        error = handover_sending_begin(&predecessor->sending, writer->bytes, writer->size,
                                       writer->descriptors, writer->descriptor_count);
    predecessor->is_sending = error == 0;
    if (error == 0)
        error = loop_timer_open(server->loop, &predecessor->timer, on_timeout, server);
    if (error == 0)
        error = loop_add(server->loop, &predecessor->handler, ends[0], LOOP_READ | LOOP_WRITE,
                         on_channel, server);
    if (error == 0)
        error = start_successor(server, ends[1]);
    handover_channel_close(ends[1]);
    return error;
}

/* Returns why no upgrade may begin, or NULL. */
static const char *refusal(const struct server *server)
{
    if (server->stopping)
        return "the server is stopping";
    if (child_process_own_id() == 1)
        return "it is process 1, with which all others end: restart it";
    if (server->files.once)
        return "its configuration came from a pipe, a terminal or a socket, which cannot be read "
               "again: restart it";
    if (server->predecessor.is_running)
        return "another upgrade is running";
    if (server->predecessor.successor.pid != 0)
        return "the program of the last upgrade has not ended yet: try again";
    if (server->reloads > 0)
        return "a reload is running: try again";
    if (offload_withdrawal_is_busy(&server->withdrawal))
        return "the offload of the last upgrade has not begun again yet: try again";
    return NULL;
}

static void refuse(const char *reason, upgrade_callback *done, void *state)
{
    log_event(LOG_LEVEL_WARNING, "an upgrade was refused", "reason", reason, "advice",
              "upgrade again when that has changed", NULL);
    done(state, &(struct upgrade_report){.reason = reason});
}

void predecessor_start(struct server *server, upgrade_callback *done, void *state)
{
    struct predecessor *predecessor = &server->predecessor;
    char fault[PROGRAM_PATH_FAULT_BYTES];
    const char *reason = refusal(server);
    if (reason != NULL) {
        refuse(reason, done, state);
        return;
    }
    predecessor->is_running = true;
    predecessor->is_closed = predecessor->was_ready = predecessor->wants_reload = false;
    predecessor->done = done;
    predecessor->done_state = state;
    if (program_path_check(predecessor->path, fault) != 0) {
        abandon(server, fault);
        return;
    }
    int error = start(server);
    if (error != 0) {
        abandon_with(server, "cannot start the new program: %s", strerror(-error));
        return;
    }
    loop_timer_once(&predecessor->timer, (uint64_t)READY_TIMEOUT_MS * 1000000);
    /* At once, before anything closes one of the descriptors. */
    continue_sending(server);
}
