/* The table of the operator's commands, and those that broadcast, reload and stop. */
#include "server/control/command_table.h"

#include "text/hex.h"
#include "text/number_with_unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- broadcasts ---- */

static void tell_ended(void *state, const struct job_report *report)
{
    struct control_session *session = state;
    control_line(session, "state", "%s", job_state_name(report->state));
    control_line(session, "targets", "%" PRIu64, report->targets);
    control_line(session, "sent", "%" PRIu64, report->sent);
    control_line(session, "failed", "%" PRIu64, report->failed);
    control_line(session, "skipped", "%" PRIu64, report->skipped);
    control_line(session, "duration_ms", "%" PRIu64, report->duration_ms);
    control_end(session);
}

/* Turns hexadecimal, or "-" for nothing, into bytes where it stands; false if it is neither or too
 * long. */
static bool read_payload(char *hex, size_t *size)
{
    size_t length = strcmp(hex, "-") == 0 ? 0 : strlen(hex);
    *size = length / 2;
    return hex[0] != '\0' && *size <= CONFIG_MESSAGE_BYTES_MAX &&
           hex_decode((uint8_t *)hex, hex, length);
}

static void refuse_broadcast(struct control_session *session, const char *message)
{
    control_log(session, "broadcast", &(struct log_pair){"refused", message}, 1);
    control_refuse(session, "%s", message);
}

static void refuse_job(struct control_session *session, int64_t error)
{
    if (error == -ENOBUFS)
        refuse_broadcast(session, "cannot broadcast: the queue is full; wait for a job to end, "
                                  "cancel one, or raise broadcast.queue");
    else if (error == -ESHUTDOWN)
        refuse_broadcast(session,
                         "cannot broadcast: the server is stopping; wait until it is back");
    else
        refuse_broadcast(session, "cannot broadcast: out of memory; try again");
}

/* What is sent is not told: it may be secret. */
static void log_broadcast(const struct control_session *session, int64_t id, size_t size)
{
    char job[24], bytes[24];
    snprintf(job, sizeof job, "%" PRId64, id);
    snprintf(bytes, sizeof bytes, "%zu", size);
    const struct log_pair pairs[] = {{"job", job}, {"bytes", bytes}};
    control_log(session, "broadcast", pairs, sizeof pairs / sizeof pairs[0]);
}

static void command_broadcast(void *state, struct control_session *session, char *arguments)
{
    struct command_table *commands = state;
    char *payload = NULL;
    const char *how = strtok_r(arguments, " \t", &payload);
    bool wait = how != NULL && strcmp(how, "wait") == 0;
    size_t size;
    if (how == NULL || (!wait && strcmp(how, "nowait") != 0) || !read_payload(payload, &size)) {
        refuse_broadcast(
            session,
            "cannot broadcast: its arguments make no sense; give `wait` or `nowait`, then at "
            "most 65507 bytes in hexadecimal, `-` for none");
        return;
    }
    if (wait && control_is_busy(session)) {
        refuse_broadcast(session,
                         "cannot broadcast and wait: too many operators wait already; use nowait");
        return;
    }
    int64_t id = jobs_submit(commands->jobs, payload, size, wait ? tell_ended : NULL, session);
    if (id < 0) {
        refuse_job(session, id);
        return;
    }
    log_broadcast(session, id, size);
    /* Who waits can follow the job by its id meanwhile. */
    control_ok(session);
    control_line(session, "id", "%" PRId64, id);
    if (wait)
        control_send(session);
    else
        control_end(session);
}

static void say_job(void *state, const struct job_report *report)
{
    control_line(state, "job",
                 "%" PRIu64 " %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %zu",
                 report->id, job_state_name(report->state), report->targets, report->sent,
                 report->failed, report->skipped, report->duration_ms, report->bytes);
}

static void command_jobs(void *state, struct control_session *session, char *arguments)
{
    const struct command_table *commands = state;
    (void)arguments;
    control_ok(session);
    jobs_each(commands->jobs, say_job, session);
    control_end(session);
}

static void tell_cancelled(void *state, const struct job_report *report)
{
    struct control_session *session = state;
    control_ok(session);
    control_line(session, "id", "%" PRIu64, report->id);
    control_line(session, "state", "%s", job_state_name(report->state));
    control_end(session);
}

static void command_cancel(void *state, struct control_session *session, char *arguments)
{
    struct command_table *commands = state;
    uint64_t id = 0;
    if (number_parse(arguments, 1, INT64_MAX, &id) != NULL) {
        control_refuse(session, "cannot cancel: that is no number of a job; `jobs` lists them");
        return;
    }
    switch (jobs_cancel(commands->jobs, id, tell_cancelled, session)) {
    case 0:
        break;
    case -EALREADY:
        control_refuse(session,
                       "cannot cancel job %" PRIu64 ": it has already ended; `jobs` shows how", id);
        break;
    case -EINPROGRESS:
        control_refuse(session,
                       "cannot cancel job %" PRIu64 ": another operator has it cancelled; `jobs` "
                       "shows when it has ended",
                       id);
        break;
    default:
        control_refuse(session, "cannot cancel job %" PRIu64 ": there is none; `jobs` lists them",
                       id);
        break;
    }
}

/* ---- the server itself ---- */

static void tell_reloaded(void *state, const struct reload_report *report)
{
    struct control_session *session = state;
    if (report->applied) {
        control_ok(session);
        control_line(session, "file", "%s", report->file ? report->file : "");
        for (size_t i = 0; i < report->restart_count; i++)
            control_line(session, "restart", "%s", report->restart[i]);
    } else {
        control_error(session,
                      "the configuration was not applied: %zu problem%s; the old one stays",
                      report->problem_count, report->problem_count == 1 ? "" : "s");
        for (size_t i = 0; i < report->problem_count; i++)
            control_line(session, "problem", "%s", report->problems[i]);
    }
    control_end(session);
}

static void command_reload(void *state, struct control_session *session, char *arguments)
{
    const struct command_table *commands = state;
    (void)arguments;
    commands->reload(commands->server, tell_reloaded, session);
}

static void command_stop(void *state, struct control_session *session, char *arguments)
{
    const struct command_table *commands = state;
    (void)arguments;
    control_ok(session);
    control_end(session);
    commands->stop(commands->server);
}

const struct control_command *command_table_rows(size_t *count)
{
    static const struct control_command table[] = {
        {"help", "", "list these commands", control_help, COMMAND_READS},
        {"status", "", "whether it runs, for how long, with how many clients", worker_query_status,
         COMMAND_READS},
        {"stats", "", "every counter", worker_query_stats, COMMAND_READS},
        {"clients", "[LIMIT]", "list the live clients", worker_query_clients, COMMAND_READS},
        {"client", "ADDRESS", "show one client", worker_query_client, COMMAND_READS},
        {"kick", "ADDRESS", "remove one client", worker_query_kick, COMMAND_CHANGES},
        {"broadcast", "wait|nowait HEX", "send a datagram to every live client", command_broadcast,
         COMMAND_LOGS_ITSELF},
        {"jobs", "", "list the broadcasts: ended, running and waiting", command_jobs,
         COMMAND_READS},
        {"cancel", "ID", "end a broadcast before its time", command_cancel, COMMAND_CHANGES},
        {"reload", "", "read the configuration again", command_reload, COMMAND_CHANGES},
        {"stop", "", "stop the server", command_stop, COMMAND_CHANGES},
    };
    *count = sizeof table / sizeof table[0];
    return table;
}
