/* A broadcast that is waited for: one connection waits, another one asks how far it is. */
#include "ctl/broadcast/job_wait.h"

#include "ctl/broadcast/progress_bar.h"
#include "ctl/connection/async_connection.h"
#include "ctl/connection/request.h"
#include "os/loop/event_loop.h"
#include "os/process/forced_exit.h"
#include "os/terminal/terminal_capabilities.h"
#include "text/number_with_unit.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { ASK_EVERY_MS = 200 }; /* a job that is over sooner needs no bar */

struct wait {
    const struct answer_server *server;
    struct answer_server curious; /* the same, but what it doesn't answer soon isn't needed */
    struct loop *loop;
    struct loop_timer timer;
    struct async_connection *job;
    struct async_connection *progress; /* NULL: it can't be told */
    bool asking;
    bool shown; /* a bar stands in the row */
    uint64_t id;
    struct output_record *record;
    enum answer_result result;
    int signal;
    char *error;
};

static void erase(struct wait *wait)
{
    if (wait->shown)
        fputs(PROGRESS_BAR_ERASE, stderr);
    wait->shown = false;
}

/* ---- How far it is ---- */

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
    wait->shown = true;
    return NULL;
}

/* Without it there is no bar, and nothing is lost. */
static void on_progress(void *state, enum answer_result result, const char *error)
{
    struct wait *wait = state;
    (void)error;
    wait->asking = false;
    if (result == ANSWER_OK)
        return;
    async_connection_close(wait->progress);
    wait->progress = NULL;
    loop_timer_every(&wait->timer, 0);
}

static void ask(void *state)
{
    static const struct async_connection_callbacks callbacks = {on_job, on_progress};
    struct wait *wait = state;
    char error[ANSWER_ERROR_BYTES];
    if (wait->asking || wait->id == 0)
        return;
    if (!wait->progress && async_connection_open(&wait->progress, wait->loop, &wait->curious,
                                                 &callbacks, wait, error) != ANSWER_OK) {
        loop_timer_every(&wait->timer, 0);
        return;
    }
    wait->asking = true;
    async_connection_ask(wait->progress, "jobs");
}

/* ---- Its end ---- */

static const char *on_line(void *state, const char *key, char *value)
{
    struct wait *wait = state;
    const char *wrong = output_record_line(wait->record, key, value);
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

static void caught(void *state, int signal)
{
    struct wait *wait = state;
    forced_exit_begin(signal);
    wait->signal = signal;
    wait->result = ANSWER_BROKEN;
    if (wait->id > 0)
        snprintf(wait->error, ANSWER_ERROR_BYTES,
                 "waiting for job %" PRIu64
                 ": interrupted, while it goes on; 'udpctl cancel %" PRIu64 "' ends it",
                 wait->id, wait->id);
    else
        snprintf(
            wait->error, ANSWER_ERROR_BYTES,
            "waiting for the job: interrupted; 'udpctl jobs' lists it if the server has taken it");
    loop_stop(wait->loop);
}

static int run(struct wait *wait, const char *command)
{
    static const struct async_connection_callbacks callbacks = {on_line, on_ended};
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, 0};
    int error = loop_timer_open(wait->loop, &wait->timer, ask, wait);
    if (error)
        return error;
    forced_exit_start();
    error = loop_signals(wait->loop, signals, caught, wait);
    if (!error) {
        wait->result = async_connection_open(&wait->job, wait->loop, wait->server, &callbacks, wait,
                                             wait->error);
        if (wait->result == ANSWER_OK) {
            async_connection_ask(wait->job, command);
            loop_timer_every(&wait->timer, ASK_EVERY_MS);
            error = loop_run_until_stopped(wait->loop);
        }
        erase(wait);
        async_connection_close(wait->progress);
        async_connection_close(wait->job);
        loop_signals_release(wait->loop);
    }
    loop_timer_close(&wait->timer);
    return error;
}

enum answer_result wait_for_job(const struct answer_server *server, const char *command,
                                struct output_record *record, int *signal,
                                char error[ANSWER_ERROR_BYTES])
{
    struct wait wait = {.server = server, .curious = *server, .record = record, .error = error};
    *signal = 0;
    if (!terminal_can_edit(STDERR_FILENO, STDERR_FILENO))
        return request_record(server, command, record, error);
    wait.curious.elsewhere = NULL;
    wait.loop = loop_new();
    int failed = wait.loop ? run(&wait, command) : -errno;
    loop_free(wait.loop);
    *signal = wait.signal;
    if (failed) {
        snprintf(error, ANSWER_ERROR_BYTES,
                 "cannot wait for the job: %s; free some memory or descriptors", strerror(-failed));
        return ANSWER_BROKEN;
    }
    return wait.result == ANSWER_OK ? request_complete(record, error) : wait.result;
}
