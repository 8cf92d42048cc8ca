#include "server/server_signals.h"

#include "os/loop/signals.h"
#include "os/process/clock.h"
#include "server/config/config_reload.h"
#include "server/server_stop.h"
#include "server/upgrade/predecessor.h"

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

enum {
    /* A second signal within this time is the same request to stop: timeout(1) and some supervisors
     * signal both the process and its group. */
    SAME_SIGNAL_MS = 100,
};

void server_signals_hold_reload(void)
{
    static const int reload_signals[] = {SIGHUP, SIGUSR2, 0};
    loop_signals_unignore(SIGHUP);
    loop_signals_block(reload_signals);
}

void server_signals_hold_stop(void)
{
    loop_signals_block(SERVER_STOP_SIGNALS);
}

/* A reload, which is counted until its end, and of which the service manager is notified. */
struct notified_reload {
    struct server *server;
    config_reload_callback *done;
    void *state;
};

static void on_reloaded(void *state, const struct config_reload_report *report)
{
    struct notified_reload *reload = state;
    struct service_manager *manager = &reload->server->manager;
    reload->server->reloads--;
    if (service_manager_is_present(manager))
        service_manager_end_reload(manager, report->applied);
    reload->done(reload->state, report);
    free(reload);
}

static void refuse(char *problem, config_reload_callback *done, void *done_state)
{
    const struct config_reload_report report = {.problems = &problem, .problem_count = 1};
    done(done_state, &report);
}

static void reload(struct server *server, const struct config_reload_context *target,
                   config_reload_callback *done, void *done_state)
{
    struct notified_reload *notified = malloc(sizeof *notified);
    if (notified == NULL) {
        refuse((char[]){"out of memory"}, done, done_state);
        return;
    }
    *notified = (struct notified_reload){server, done, done_state};
    server->reloads++;
    if (service_manager_is_present(&server->manager))
        service_manager_begin_reload(&server->manager);
    config_reload(target, on_reloaded, notified);
}

void server_reload(void *state, config_reload_callback *done, void *done_state)
{
    static char stopping[] = "the server is stopping";
    static char upgrading[] = "an upgrade is running: the new process reads the configuration";
    struct server *server = state;
    const struct config_reload_context target = {
        .options = server->options,
        .once = server->files.once,
        .end_signals = SERVER_STOP_SIGNALS,
        .started = server->config,
        .effective = &server->effective,
        .reply = &server->reply,
        .offload = &server->offload,
        .admission = server->admission,
        .rules = &server->rules,
        .workers = server->workers.list,
        .worker_count = server->workers.count,
        .jobs = server->jobs,
        .subscriptions = server->subscriptions,
        .reply_mailbox = server->mailbox,
        .control = &server->control,
        .observers = &server->observers,
        .snapshots = server->snapshots,
        .metrics = server->metrics,
    };
    control_socket_check(&server->control);
    control_socket_check(&server->observers);
    interface_events_check(server->interfaces);
    if (server->stopping)
        refuse(stopping, done, done_state);
    else if (server->predecessor.is_running)
        refuse(upgrading, done, done_state);
    else
        reload(server, &target, done, done_state);
}

void server_upgrade(void *state, upgrade_callback *done, void *done_state)
{
    predecessor_start(state, done, done_state);
}

/* The outcome of an upgrade by SIGUSR2 is only logged, */
static void ignore_upgrade(void *state, const struct upgrade_report *report)
{
    (void)state;
    (void)report;
}

/* as that of a reload by SIGHUP. */
static void ignore_report(void *state, const struct config_reload_report *report)
{
    (void)state;
    (void)report;
}

static void on_signal(void *state, int signal)
{
    struct server *server = state;
    uint64_t now_ms = clock_now_ms();
    if (signal == SIGHUP && server->predecessor.is_running) {
        predecessor_reload_later(&server->predecessor);
    } else if (signal == SIGHUP) {
        server_reload(server, ignore_report, NULL);
    } else if (signal == SIGUSR2) {
        server_upgrade(server, ignore_upgrade, NULL);
    } else if (signal == SIGCHLD) {
        predecessor_on_child(server);
    } else if (server->signalled_ms == 0) {
        server->signalled_ms = now_ms;
        server_stop(server);
    } else if (now_ms - server->signalled_ms >= SAME_SIGNAL_MS) {
        server_exit_at_once(server, "a second signal");
    }
}

int server_signals_open(struct server *server)
{
    static const int signals[] = {SIGHUP, SIGUSR2, SIGCHLD, SIGTERM, SIGINT, 0};
    return loop_signals_start(server->loop, signals, on_signal, server);
}
