#include "server/server_stop.h"

#include "os/log/log.h"
#include "os/loop/mailbox.h"
#include "os/loop/timer.h"
#include "os/process/immediate_exit.h"
#include "server/upgrade/client_takeover.h"
#include "server/upgrade/predecessor.h"

#include <assert.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    STOP_TIMEOUT_MS = 1000, /* then the process exits without waiting for the workers */
};

const int SERVER_STOP_SIGNALS[] = {SIGTERM, SIGINT, 0};

/* ---- an exit at once ---- */

void server_exit_at_once(struct server *server, const char *why)
{
    log_event(LOG_LEVEL_ERROR, "ended abnormally", "reason", why, "advice",
              "start it again; clients join again by their next datagram", NULL);
    service_manager_stop(&server->manager, why);
    service_manager_disconnect(&server->manager);
    control_socket_close(&server->observers);
    control_socket_close(&server->control);
    metrics_server_close(server->metrics);
    startup_sockets_remove_files(&server->sockets);
    log_close();
    exit_immediately(EXIT_FAILURE);
}

static void on_stop_timeout(void *state)
{
    server_exit_at_once(state, "a worker did not stop in time");
}

/* ---- an orderly stop ---- */

/* In the worker's thread, as its last call. */
static void run_final_report(struct worker_call *call)
{
    struct final_report *report = (struct final_report *)call;
    report->streams = worker_streams_count(call->worker);
    worker_finish(call->worker);
    worker_stats(call->worker, &report->stats, &report->clients);
}

static void on_successor_ended(struct server *server)
{
    loop_stop(server->loop);
}

/* Until then the loop runs, so that a second signal ends the server at once while a disk hangs. */
static void on_state_written(void *state)
{
    predecessor_await_end(state, on_successor_ended);
}

/* After the journal: a server that does not wait for a slow state file has written it. */
static void on_publishes_written(void *state)
{
    struct server *server = state;
    uint64_t streams = 0;
    for (size_t i = 0; i < server->workers.count; i++)
        streams += server->final_reports[i].streams;
    state_snapshots_finish(server->snapshots, streams, on_state_written, server);
}

static void final_report_done(struct worker_call *call)
{
    struct server *server = ((struct final_report *)call)->server;
    if (--server->running_workers > 0)
        return;
    /* jobs_stop came before the final reports, so each worker has ended its share of the running
     * job and has posted its answers before. No job reads the workers' memory any more. */
    assert(jobs_have_all_ended(server->jobs));
    loop_timer_close(&server->stop_timeout);
    publish_queue_finish(server->publishes, on_publishes_written, server);
}

int server_stop_open(struct server *server)
{
    return loop_timer_open(server->loop, &server->stop_timeout, on_stop_timeout, server);
}

void server_stop(struct server *server)
{
    if (server->stopping)
        return;
    server->stopping = server->commands.queries.stopping = true;
    service_manager_stop(&server->manager, "stopping");
    loop_timer_once(&server->stop_timeout, (uint64_t)STOP_TIMEOUT_MS * 1000000);
    offload_withdrawal_stop(&server->withdrawal);
    predecessor_cancel(server);
    publish_queue_stop(server->publishes);
    jobs_stop(server->jobs);
    subscriptions_stop(server->subscriptions);
    name_decisions_stop(server->names);
    admission_updates_stop(server->admission);
    interface_events_stop(server->interfaces);
    state_snapshots_stop(server->snapshots);
    metrics_server_stop(server->metrics);
    for (size_t i = 0, running = server->running_workers; i < running; i++) {
        struct final_report *report = &server->final_reports[i];
        report->server = server;
        report->call.run = run_final_report;
        report->call.done = final_report_done;
        worker_post(server->workers.list[i], &report->call, server->mailbox);
    }
}

void server_log_final_counters(const struct server *server)
{
    struct stats sum = {.received = 0};
    for (size_t i = 0; i < server->workers.count; i++)
        stats_add(&sum, &server->final_reports[i].stats);
    sum.broadcasts = jobs_ended(server->jobs);
    subscriptions_add_counts(server->subscriptions, &sum);

    struct log_pair pairs[STATS_COUNT];
    char numbers[STATS_COUNT][24];
    for (size_t i = 0; i < STATS_COUNT; i++) {
        snprintf(numbers[i], sizeof numbers[i], "%" PRIu64, stats_value(&sum, i));
        pairs[i] = (struct log_pair){.key = stats_name(i), .value = numbers[i]};
    }
    log_pairs(LOG_LEVEL_INFO, "stopped", pairs, STATS_COUNT);
}

/* ---- the end ---- */

void server_free(struct server *server)
{
    workers_free(&server->workers);
    offload_withdrawal_close(&server->withdrawal);
    kernel_offload_close(&server->offload);
    client_takeover_end(server);
    stdout_line_stop(&server->ready_line);
    service_manager_disconnect(&server->manager);
    publish_queue_close(server->publishes);
    state_snapshots_close(server->snapshots);
    /* After the threads, whose last messages are in the mailbox. */
    mailbox_free(server->mailbox);
    state_snapshots_free(server->snapshots);
    publish_queue_free(server->publishes);
    if (server->subscriptions != NULL)
        subscriptions_flush(server->subscriptions);
    service_manager_free(&server->manager);
    interface_events_free(server->interfaces);
    jobs_close(server->jobs);
    control_socket_close(&server->observers);
    control_socket_close(&server->control);
    metrics_server_close(server->metrics);
    subscriptions_free(server->subscriptions);
    name_decisions_free(server->names);
    admission_updates_free(server->admission);
    access_list_free(server->rules.acl);
    loop_timer_close(&server->stop_timeout);
    loop_free(server->loop);
    free(server->final_reports);
    reply_rotation_release(server->reply);
    startup_sockets_close(&server->sockets);
    passed_sockets_close(&server->passed);
    inherited_sockets_close(&server->inherited);
    effective_config_release(server->effective);
    config_free(server->config);
    config_files_free(&server->files);
}
