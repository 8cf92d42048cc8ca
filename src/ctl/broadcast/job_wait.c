#include "ctl/broadcast/job_wait.h"

#include "ctl/broadcast/progress_bar.h"
#include "ctl/connection/async_connection.h"
#include "ctl/connection/record_request.h"
#include "os/loop/event_loop.h"
#include "os/loop/signals.h"
#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "os/process/forced_exit.h"
#include "os/terminal/terminal_capabilities.h"
#include "text/number_with_unit.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { POLL_INTERVAL_MS = 200 }; /* a shorter job needs no bar */

struct wait {
    const struct control_server *server;
    struct control_server progress_server; /* the same without fallback_path */
    uint64_t until_ms;                     /* the last time to connect again; 0: any */
    struct loop *loop;
    struct loop_timer timer;
    struct async_connection *job;      /* waits for its end; NULL: it has ended before */
    struct async_connection *progress; /* polls `job ID`; NULL: not connected */
    bool is_polling;
    bool is_following; /* the connection has ended before the job, whose end is seen by polling */
    unsigned failures; /* of polling, one after the other */
    bool has_bar;      /* standard error is a terminal */
    bool is_drawn;     /* the bar is in the terminal's current row */
    uint64_t id;
    struct job_status last; /* as it was polled; its id is 0: not yet */
    struct output_record *record;
    enum answer_result result;
    int signal;
    char *error;
};

static void erase_bar(struct wait *wait)
{
    if (wait->is_drawn)
        fputs(PROGRESS_BAR_ERASE, stderr);
    wait->is_drawn = false;
}

static void end(struct wait *wait, enum answer_result result)
{
    wait->result = result;
    loop_stop(wait->loop);
}

/* ---- The progress ---- */

static const char *on_job(void *state, const char *key, char *value)
{
    struct wait *wait = state;
    struct job_status job;
    char bytes[PROGRESS_BAR_BYTES];
    if (strcmp(key, "job") != 0 || job_status_read(&job, value) != NULL || job.id != wait->id)
        return NULL;
    wait->last = job;
    if (!wait->has_bar || !job_status_is_open(&job))
        return NULL;
    size_t size = progress_bar_draw(&job, terminal_size(STDERR_FILENO).columns, bytes);
    fwrite(bytes, 1, size, stderr);
    wait->is_drawn = true;
    return NULL;
}

static void disconnect(struct wait *wait)
{
    async_connection_close(wait->progress);
    wait->progress = NULL;
    wait->is_polling = false;
}

/* Fills in what the server would have answered at the end of the job. */
static void fill_record(struct wait *wait)
{
    const struct job_status *job = &wait->last;
    const struct {
        const char *key;
        uint64_t number;
    } numbers[] = {{"targets", job->targets},         {"sent", job->sent},
                   {"failed", job->failed},           {"skipped", job->skipped},
                   {"duration_ms", job->duration_ms}, {"confirmed", job->confirmed},
                   {"silent", job->silent},           {"plain", job->plain},
                   {"rounds", job->rounds},           {"datagrams", job->datagrams}};
    char value[OUTPUT_VALUE_BYTES];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(value, sizeof value, "%" PRIu64, numbers[i].number);
        output_record_add_line(wait->record, numbers[i].key, value);
    }
    snprintf(value, sizeof value, "%s", job->state);
    output_record_add_line(wait->record, "state", value);
}

/* A connection that ends meanwhile was to a server that was upgraded once more: the next poll is
 * the first one of another connection. */
static void on_followed(struct wait *wait, enum answer_result result, const char *error)
{
    bool is_known = result == ANSWER_OK && wait->last.id != 0;
    wait->failures = is_known ? 0 : wait->failures + 1;
    if (is_known && !job_status_is_open(&wait->last)) {
        fill_record(wait);
        end(wait, ANSWER_OK);
    } else if (result == ANSWER_REFUSED) {
        snprintf(wait->error, ANSWER_ERROR_BYTES, "%s", error);
        end(wait, ANSWER_REFUSED);
    } else if (wait->failures > 1) {
        end(wait, ANSWER_FAILED);
    }
}

/* If the progress can't be polled any more, only the bar is missing. */
static void on_progress(void *state, enum answer_result result, const char *error)
{
    struct wait *wait = state;
    wait->is_polling = false;
    if (result != ANSWER_OK)
        disconnect(wait);
    if (wait->is_following)
        on_followed(wait, result, error);
    else if (result != ANSWER_OK)
        loop_timer_every(&wait->timer, 0);
}

static bool connect_progress(struct wait *wait)
{
    static const struct async_connection_callbacks callbacks = {.line = on_job,
                                                                .ended = on_progress};
    char error[ANSWER_ERROR_BYTES];
    return async_connection_open(&wait->progress, wait->loop, &wait->progress_server, &callbacks,
                                 wait, error) == ANSWER_OK;
}

static bool is_too_late(const struct wait *wait)
{
    return wait->until_ms != 0 && clock_now_ms() >= wait->until_ms;
}

static void poll_progress(void *state)
{
    struct wait *wait = state;
    char command[32];
    bool is_late = wait->is_following && is_too_late(wait);
    if (!is_late && (wait->is_polling || wait->id == 0))
        return;
    if (is_late || (wait->progress == NULL && !connect_progress(wait))) {
        loop_timer_every(&wait->timer, 0);
        if (wait->is_following)
            end(wait, ANSWER_FAILED);
        return;
    }
    wait->is_polling = true;
    wait->last.id = 0;
    snprintf(command, sizeof command, "job %" PRIu64, wait->id);
    async_connection_send(wait->progress, command);
}

/* ---- The end of the job ---- */

static const char *on_line(void *state, const char *key, char *value)
{
    struct wait *wait = state;
    const char *wrong = output_record_add_line(wait->record, key, value);
    if (!wrong && strcmp(key, "id") == 0)
        wrong = number_parse(value, 1, UINT64_MAX, &wait->id);
    return wrong;
}

/* Whether the connection has ended before the job, which the process goes on with that serves after
 * an upgrade. */
static bool must_follow(const struct wait *wait, enum answer_result result)
{
    return result == ANSWER_FAILED && wait->id != 0 && !is_too_late(wait);
}

static void follow(struct wait *wait)
{
    async_connection_close(wait->job);
    wait->job = NULL;
    disconnect(wait);
    wait->is_following = true;
    loop_timer_every(&wait->timer, POLL_INTERVAL_MS);
}

static void on_ended(void *state, enum answer_result result, const char *error)
{
    struct wait *wait = state;
    snprintf(wait->error, ANSWER_ERROR_BYTES, "%s", error);
    if (must_follow(wait, result))
        follow(wait);
    else
        end(wait, result);
}

static void on_signal(void *state, int signal)
{
    struct wait *wait = state;
    forced_exit_begin(signal);
    wait->signal = signal;
    if (wait->id > 0)
        snprintf(wait->error, ANSWER_ERROR_BYTES,
                 "waiting for job %" PRIu64
                 ": interrupted, but the job continues; 'udpctl cancel %" PRIu64 "' ends it",
                 wait->id, wait->id);
    else
        snprintf(wait->error, ANSWER_ERROR_BYTES,
                 "waiting for the job: interrupted; 'udpctl jobs' lists it if the server has "
                 "accepted it");
    end(wait, ANSWER_FAILED);
}

/* Sends the command; NULL: it was sent, and the job is followed. Returns whether to wait. */
static bool begin(struct wait *wait, const char *command)
{
    static const struct async_connection_callbacks callbacks = {.line = on_line, .ended = on_ended};
    if (command == NULL) {
        follow(wait);
        return true;
    }
    wait->result =
        async_connection_open(&wait->job, wait->loop, wait->server, &callbacks, wait, wait->error);
    if (wait->result != ANSWER_OK)
        return false;
    async_connection_send(wait->job, command);
    loop_timer_every(&wait->timer, POLL_INTERVAL_MS);
    return true;
}

/* Returns 0, or -errno if the loop fails. */
static int run(struct wait *wait, const char *command)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    int error = loop_timer_open(wait->loop, &wait->timer, poll_progress, wait);
    if (error)
        return error;
    if (wait->has_bar) {
        forced_exit_start();
        error = loop_signals_start(wait->loop, signals, on_signal, wait);
    }
    if (!error) {
        if (begin(wait, command))
            error = loop_run_until_stopped(wait->loop);
        erase_bar(wait);
        async_connection_close(wait->progress);
        async_connection_close(wait->job);
        if (wait->has_bar)
            loop_signals_stop(wait->loop);
    }
    loop_timer_close(&wait->timer);
    return error;
}

/* Changes the message of a failure after the job was accepted: the job may go on. An operator that
 * takes it for a job that failed would send it twice. Keeps the reason, which is between the
 * attempt and the advice. */
static enum answer_result name_job(enum answer_result result, const struct output_record *record,
                                   char error[ANSWER_ERROR_BYTES])
{
    const char *id = record->values[0], *reason = strstr(error, ": ");
    char kept[ANSWER_ERROR_BYTES / 2];
    if (result != ANSWER_FAILED || id[0] == '\0' || reason == NULL)
        return result;
    snprintf(kept, sizeof kept, "%.*s", (int)strcspn(reason + 2, ";"), reason + 2);
    snprintf(error, ANSWER_ERROR_BYTES,
             "cannot wait for job %s: %s; `udpctl job %s` shows whether it goes on", id, kept, id);
    return result;
}

/* Without a bar: waits without a loop, as long as the connection lasts. Returns whether the job has
 * to be followed then. */
static bool request(struct wait *wait, const char *command)
{
    wait->result = record_request(wait->server, command, wait->record, wait->error);
    if (number_parse(wait->record->values[0], 1, UINT64_MAX, &wait->id) != NULL)
        wait->id = 0;
    return must_follow(wait, wait->result);
}

enum answer_result job_wait(const struct control_server *server, const char *command,
                            struct output_record *record, int *signal,
                            char error[ANSWER_ERROR_BYTES])
{
    struct wait wait = {.server = server,
                        .progress_server = *server,
                        .until_ms =
                            server->timeout_is_total ? clock_now_ms() + server->timeout_ms : 0,
                        .has_bar = terminal_can_edit(STDERR_FILENO, STDERR_FILENO),
                        .record = record,
                        .error = error};
    *signal = 0;
    if (!wait.has_bar && !request(&wait, command))
        return name_job(wait.result, record, error);
    wait.progress_server.fallback_path = NULL;
    wait.loop = loop_new();
    int failed = wait.loop ? run(&wait, wait.has_bar ? command : NULL) : -errno;
    loop_free(wait.loop);
    *signal = wait.signal;
    if (failed) {
        snprintf(error, ANSWER_ERROR_BYTES,
                 "cannot wait for the job: %s; free some memory or descriptors", strerror(-failed));
        return ANSWER_FAILED;
    }
    if (wait.result == ANSWER_OK)
        return record_request_check(record, error);
    return wait.signal == 0 ? name_job(wait.result, record, error) : wait.result;
}
