#include "server/server_signals.h"

#include "os/loop/signals.h"
#include "os/process/clock.h"
#include "server/config/config_reload.h"
#include "server/server_stop.h"

#include <signal.h>
#include <stddef.h>

enum {
    /* A second signal within this time is the same request to stop: timeout(1) and some supervisors
     * signal both the process and its group. */
    SAME_SIGNAL_MS = 100,
};

void server_signals_hold_reload(void)
{
    static const int reload_signals[] = {SIGHUP, 0};
    loop_signals_unignore(SIGHUP);
    loop_signals_block(reload_signals);
}

void server_signals_hold_stop(void)
{
    loop_signals_block(SERVER_STOP_SIGNALS);
}

void server_reload(void *state, config_reload_callback *done, void *done_state)
{
    struct server *server = state;
    const struct config_reload_context target = {
        .options = server->options,
        .once = server->files.once,
        .end_signals = SERVER_STOP_SIGNALS,
        .started = server->config,
        .effective = &server->effective,
        .reply = &server->reply,
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
    };
    control_socket_check(&server->control);
    control_socket_check(&server->observers);
    interface_events_check(server->interfaces);
    if (!server->stopping) {
        config_reload(&target, done, done_state);
        return;
    }
    static char stopping[] = "the server is stopping";
    char *problem = stopping;
    const struct config_reload_report report = {.problems = &problem, .problem_count = 1};
    done(done_state, &report);
}

/* The outcome of a reload by SIGHUP is only logged. */
static void ignore_report(void *state, const struct config_reload_report *report)
{
    (void)state;
    (void)report;
}

static void on_signal(void *state, int signal)
{
    struct server *server = state;
    uint64_t now_ms = clock_now_ms();
    if (signal == SIGHUP) {
        server_reload(server, ignore_report, NULL);
    } else if (server->signalled_ms == 0) {
        server->signalled_ms = now_ms;
        server_stop(server);
    } else if (now_ms - server->signalled_ms >= SAME_SIGNAL_MS) {
        server_exit_at_once(server, "a second signal");
    }
}

int server_signals_open(struct server *server)
{
    static const int signals[] = {SIGHUP, SIGTERM, SIGINT, 0};
    return loop_signals_start(server->loop, signals, on_signal, server);
}
