#include "server/control/commands/server_commands.h"

#include "base/version.h"
#include "net/interface/interface.h"
#include "os/process/child_process.h"
#include "os/process/clock.h"
#include "server/control/commands/command_context.h"
#include "server/workers/offload/worker_offload.h"
#include "text/printable.h"

#include <inttypes.h>
#include <string.h>

enum { REASON_BYTES = 2048 /* of an upgrade that failed, escaped */ };

/* ---- status and stats ---- */

static void run_stats(struct worker_call *call)
{
    struct worker_answer *answer = (struct worker_answer *)call;
    worker_stats(call->worker, &answer->stats, &answer->clients);
}

static uint64_t sum_up(const struct worker_query *query, struct stats *sum)
{
    uint64_t clients = 0;
    *sum = (struct stats){.received = 0};
    for (size_t i = 0; i < query->context->worker_count; i++) {
        stats_add(sum, &query->answers[i].stats);
        clients += query->answers[i].clients;
    }
    sum->broadcasts = jobs_ended(query->context->jobs);
    subscriptions_add_counts(query->context->subscriptions, sum);
    return clients;
}

static void write_status(struct worker_query *query)
{
    const struct worker_query_context *context = query->context;
    struct control_session *session = query->session;
    struct stats sum;
    control_ok(session);
    control_line(session, "clients", "%" PRIu64, sum_up(query, &sum));
    control_line(session, "max", "%" PRIu32, context->clients_max);
    control_line(session, "uptime_s", "%" PRIu64, (clock_now_ms() - context->started_ms) / 1000);
    control_line(session, "workers", "%zu", context->worker_count);
    control_line(session, "version", "%s", UDPSRV_VERSION);
    control_line(session, "pid", "%ld", (long)child_process_own_id());
}

static void write_stats(struct worker_query *query)
{
    struct stats sum;
    uint64_t clients = sum_up(query, &sum);
    control_ok(query->session);
    for (size_t i = 0; i < STATS_COUNT; i++)
        control_line(query->session, stats_name(i), "%" PRIu64, stats_value(&sum, i));
    control_line(query->session, "clients", "%" PRIu64, clients);
}

void control_command_status(void *state, struct control_session *session, char *arguments)
{
    struct command_context *context = state;
    (void)arguments;
    worker_query_start(&context->queries, session, run_stats, write_status, NULL);
}

void control_command_stats(void *state, struct control_session *session, char *arguments)
{
    struct command_context *context = state;
    (void)arguments;
    worker_query_start(&context->queries, session, run_stats, write_stats, NULL);
}

/* ---- the offload ---- */

static void run_count_offloaded(struct worker_call *call)
{
    struct worker_answer *answer = (struct worker_answer *)call;
    answer->clients = worker_offload_clients(call->worker);
}

static void write_interfaces(struct worker_query *query)
{
    const struct kernel_offload *offload = query->context->offload;
    uint64_t clients = 0;
    for (size_t i = 0; i < query->context->worker_count; i++)
        clients += query->answers[i].clients;
    control_ok(query->session);
    for (size_t i = 0; i < offload->count; i++) {
        const char *name = offload->interfaces[i].name;
        uint32_t program, drops;
        const char *problem = kernel_offload_problem(offload, i, &program);
        const char *attached = problem == NULL ? "yes" : "no";
        if (interface_send_drops(name, &drops) != 0 && problem == NULL)
            problem = "drops-unknown";
        control_line(query->session, "interface",
                     "%s %s %s %" PRIu32 " %" PRIu64 " %" PRIu32 " %" PRIu32 "%s%s", name,
                     kernel_offload_mode(offload, i), attached, program, clients, offload->records,
                     drops, problem != NULL ? " " : "", problem != NULL ? problem : "");
    }
}

void control_command_offload(void *state, struct control_session *session, char *arguments)
{
    struct command_context *context = state;
    (void)arguments;
    worker_query_start(&context->queries, session, run_count_offloaded, write_interfaces, NULL);
}

/* ---- reload, upgrade and stop ---- */

static void write_reload_report(void *state, const struct config_reload_report *report)
{
    struct control_session *session = state;
    if (report->applied) {
        control_ok(session);
        control_line(session, "file", "%s", report->file ? report->file : "");
        for (size_t i = 0; i < report->restart_count; i++)
            control_line(session, "restart", "%s", report->restart[i]);
        for (size_t i = 0; i < report->upgrade_count; i++)
            control_line(session, "upgrade", "%s", report->upgrade[i]);
    } else {
        control_error(session,
                      "the configuration was not applied: %zu problem%s; the old configuration "
                      "stays in effect",
                      report->problem_count, report->problem_count == 1 ? "" : "s");
        for (size_t i = 0; i < report->problem_count; i++)
            control_line(session, "problem", "%s", report->problems[i]);
    }
    control_end(session);
}

void control_command_reload(void *state, struct control_session *session, char *arguments)
{
    const struct command_context *context = state;
    (void)arguments;
    context->reload(context->server, write_reload_report, session);
}

static void write_upgrade_report(void *state, const struct upgrade_report *report)
{
    struct control_session *session = state;
    char reason[REASON_BYTES];
    if (report->is_done) {
        control_ok(session);
        control_line(session, "from", "%ld", (long)report->from);
        control_line(session, "to", "%ld", (long)report->to);
        control_line(session, "version", "%s", report->version);
        control_line(session, "pause_us", "%" PRIu64, report->pause_us);
    } else {
        printable_ascii(reason, sizeof reason, report->reason, strlen(report->reason));
        if (report->is_lost)
            control_error(session, "cannot upgrade: %s; start udpsrv again", reason);
        else
            control_error(session, "cannot upgrade: %s; this process goes on", reason);
    }
    control_end(session);
}

void control_command_upgrade(void *state, struct control_session *session, char *arguments)
{
    const struct command_context *context = state;
    (void)arguments;
    context->upgrade(context->server, write_upgrade_report, session);
}

void control_command_stop(void *state, struct control_session *session, char *arguments)
{
    const struct command_context *context = state;
    (void)arguments;
    control_ok(session);
    control_end(session);
    context->stop(context->server);
}
