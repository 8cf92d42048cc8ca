#include "ctl/broadcast/job_wait.h"

#include "ctl/broadcast/progress_bar.h"
#include "ctl/connection/async_connection.h"
#include "ctl/connection/record_request.h"
#include "os/loop/event_loop.h"
#include "os/loop/signals.h"
#include "os/loop/timer.h"
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
    struct loop *loop;
    struct loop_timer timer;
    struct async_connection *job;      /* waits for its end */
    struct async_connection *progress; /* polls `jobs`; NULL: not connected */
    bool is_polling;
    bool is_drawn; /* the bar is in the terminal's current row */
    uint64_t id;
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

/* ---- The progress ---- */

static const char *on_job(void *state, const char *key, char *value)
{
    struct wait *wait = state;
    struct job_status job;
    char bytes[PROGRESS_BAR_BYTES];
    if (strcmp(key, "job") != 0 || job_status_read(&job, value) != NULL || job.id != wait->id ||
        !job_status_is_open(&job))
        return NULL;
    size_t size = progress_bar_draw(&job, terminal_size(STDERR_FILENO).columns, bytes);
    fwrite(bytes, 1, size, stderr);
    wait->is_drawn = true;
    return NULL;
}

/* If the progress can't be polled any more, only the bar is missing. */
static void on_progress(void *state, enum answer_result result, const char *error)
{
    struct wait *wait = state;
    (void)error;
    wait->is_polling = false;
    if (result == ANSWER_OK)
        return;
    async_connection_close(wait->progress);
    wait->progress = NULL;
    loop_timer_every(&wait->timer, 0);
}

static void poll_progress(void *state)
{
    static const struct async_connection_callbacks callbacks = {.line = on_job,
                                                                .ended = on_progress};
    struct wait *wait = state;
    char error[ANSWER_ERROR_BYTES];
    if (wait->is_polling || wait->id == 0)
        return;
    if (!wait->progress &&
        async_connection_open(&wait->progress, wait->loop, &wait->progress_server, &callbacks, wait,
                              error) != ANSWER_OK) {
        loop_timer_every(&wait->timer, 0);
        return;
    }
    wait->is_polling = true;
    async_connection_send(wait->progress, "jobs");
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

static void on_ended(void *state, enum answer_result result, const char *error)
{
    struct wait *wait = state;
    wait->result = result;
    snprintf(wait->error, ANSWER_ERROR_BYTES, "%s", error);
    loop_stop(wait->loop);
}

static void on_signal(void *state, int signal)
{
    struct wait *wait = state;
    forced_exit_begin(signal);
    wait->signal = signal;
    wait->result = ANSWER_FAILED;
    if (wait->id > 0)
        snprintf(wait->error, ANSWER_ERROR_BYTES,
                 "waiting for job %" PRIu64
                 ": interrupted, but the job continues; 'udpctl cancel %" PRIu64 "' ends it",
                 wait->id, wait->id);
    else
        snprintf(wait->error, ANSWER_ERROR_BYTES,
                 "waiting for the job: interrupted; 'udpctl jobs' lists it if the server has "
                 "accepted it");
    loop_stop(wait->loop);
}

static int run(struct wait *wait, const char *command)
{
    static const struct async_connection_callbacks callbacks = {.line = on_line, .ended = on_ended};
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    int error = loop_timer_open(wait->loop, &wait->timer, poll_progress, wait);
    if (error)
        return error;
    forced_exit_start();
    error = loop_signals_start(wait->loop, signals, on_signal, wait);
    if (!error) {
        wait->result = async_connection_open(&wait->job, wait->loop, wait->server, &callbacks, wait,
                                             wait->error);
        if (wait->result == ANSWER_OK) {
            async_connection_send(wait->job, command);
            loop_timer_every(&wait->timer, POLL_INTERVAL_MS);
            error = loop_run_until_stopped(wait->loop);
        }
        erase_bar(wait);
        async_connection_close(wait->progress);
        async_connection_close(wait->job);
        loop_signals_stop(wait->loop);
    }
    loop_timer_close(&wait->timer);
    return error;
}

/* Changes the message of a failure after the job was accepted: after an upgrade of the server the
 * job goes on, and only the connection has ended. An operator that takes it for a job that failed
 * would send it twice. Keeps the reason, which is between the attempt and the advice. */
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

enum answer_result job_wait(const struct control_server *server, const char *command,
                            struct output_record *record, int *signal,
                            char error[ANSWER_ERROR_BYTES])
{
    struct wait wait = {
        .server = server, .progress_server = *server, .record = record, .error = error};
    *signal = 0;
    if (!terminal_can_edit(STDERR_FILENO, STDERR_FILENO))
        return name_job(record_request(server, command, record, error), record, error);
    wait.progress_server.fallback_path = NULL;
    wait.loop = loop_new();
    int failed = wait.loop ? run(&wait, command) : -errno;
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
