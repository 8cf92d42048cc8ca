/* The questions of `watch`, and where the answers go. */
#include "ctl/watch/server_poll.h"

#include "ctl/connection/async_connection.h"
#include "os/process/clock.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t S_MS = 1000;
static const uint64_t LATE_MS = 2000; /* two looks: one that takes a moment longer is none */

/* A look is these, one after the other. */
static const char *const questions[] = {"status", "stats", "jobs"};
enum { STATUS, STATS, JOBS, QUESTIONS };

struct server_poll {
    struct loop *loop;
    struct answer_server server;
    struct watch_data *view;
    const struct server_poll_callbacks *callbacks;
    void *state;
    struct async_connection *link; /* NULL: not connected */
    bool asking;
    int question;     /* the one that is asked */
    uint64_t away_ms; /* since when the server is away, 0: it isn't */
    uint64_t seen_ms; /* when the figures of the view were those of now, 0: never */
    uint64_t step_ms; /* of the last step of the diagrams, 0: there is none */
    size_t job_count; /* so far in the look at hand */
};

static const char *take_status(struct watch_data *view, const char *key, const char *value)
{
    const struct {
        const char *key;
        uint64_t *figure;
    } figures[] = {{"clients", &view->clients},
                   {"max", &view->max},
                   {"uptime_s", &view->uptime_s},
                   {"workers", &view->workers}};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (strcmp(figures[i].key, key) == 0)
            return number_parse(value, 0, UINT64_MAX, figures[i].figure);
    if (strcmp(key, "version") == 0)
        printable_ascii(view->version, sizeof view->version, value, strlen(value));
    return NULL;
}

static const char *take_job(struct server_poll *look, const char *key, char *value)
{
    if (strcmp(key, "job") != 0 || look->job_count == WATCH_DATA_JOBS_MAX)
        return NULL;
    return job_status_read(&look->view->jobs[look->job_count++], value);
}

static const char *on_line(void *state, const char *key, char *value)
{
    struct server_poll *look = state;
    uint64_t number;
    if (look->question == STATUS)
        return take_status(look->view, key, value);
    if (look->question == JOBS)
        return take_job(look, key, value);
    /* `clients` stands among the counters and is none; what is no number is a newer server's. */
    if (strcmp(key, "clients") != 0 && number_parse(value, 0, UINT64_MAX, &number) == NULL)
        rates_value(&look->view->rates, key, number);
    return NULL;
}

/* Counters that come back may be another server's. */
static void ask(struct server_poll *look, int question)
{
    if (question == STATUS && !look->view->there)
        rates_forget(&look->view->rates);
    look->asking = true;
    look->question = question;
    look->job_count = 0;
    if (question == STATS)
        rates_begin(&look->view->rates, clock_now_ns());
    async_connection_ask(look->link, questions[question]);
}

/* A step of a diagram: a figure, or a gap if it isn't known. */
static void add(struct sparkline *line, bool known, double figure)
{
    if (known)
        sparkline_add(line, (uint64_t)(figure + 0.5));
    else
        sparkline_add_gap(line);
}

/* Adds the step of now, behind gaps for the seconds that nobody looked in: the process was stopped,
 * perhaps. */
static void step(struct server_poll *look, bool there)
{
    struct watch_data *view = look->view;
    const struct rate *received = rates_find(&view->rates, "received");
    const struct rate *copies = rates_find(&view->rates, "copies_sent");
    uint64_t now_ms = clock_now_ms();
    uint64_t passed = look->step_ms > 0 ? (now_ms - look->step_ms + S_MS / 2) / S_MS : 1;
    bool known = there && received && received->known;
    for (uint64_t i = 1; i < passed && i < SPARKLINE_STEPS; i++) {
        add(&view->requests, false, 0);
        add(&view->losses, false, 0);
        add(&view->held, false, 0);
        add(&view->copies, false, 0);
    }
    add(&view->requests, known, known ? received->per_s : 0);
    add(&view->losses, known, watch_data_loss_rate(view));
    add(&view->held, there, (double)view->clients);
    add(&view->copies, known && copies, known && copies ? copies->per_s : 0);
    look->step_ms = now_ms;
}

static void finish(struct server_poll *look)
{
    struct watch_data *view = look->view;
    look->asking = false;
    look->away_ms = 0;
    look->seen_ms = clock_now_ms();
    view->job_count = look->job_count;
    view->there = true;
    view->trouble[0] = '\0';
    view->away_s = 0;
    view->stale_s = 0;
    step(look, true);
    look->callbacks->looked(look->state);
}

/* How old what is shown is by now. */
static void age(struct server_poll *look)
{
    struct watch_data *view = look->view;
    uint64_t now_ms = clock_now_ms();
    view->away_s = look->away_ms > 0 ? (now_ms - look->away_ms) / S_MS : 0;
    view->stale_s = look->seen_ms > 0 ? (now_ms - look->seen_ms) / S_MS : 0;
    step(look, false);
}

/* Its jobs may be ended by now, and those that come back may be another server's. */
static void lose(struct server_poll *look, const char *why)
{
    struct watch_data *view = look->view;
    async_connection_close(look->link);
    look->link = NULL;
    look->asking = false;
    if (look->away_ms == 0)
        look->away_ms = clock_now_ms();
    view->there = false;
    view->job_count = 0;
    printable_ascii(view->trouble, sizeof view->trouble, why, strlen(why));
    age(look);
    look->callbacks->looked(look->state);
}

static void on_ended(void *state, enum answer_result result, const char *error)
{
    struct server_poll *look = state;
    if (result != ANSWER_OK) {
        lose(look, error);
        return;
    }
    if (look->question == STATS)
        rates_end(&look->view->rates);
    if (look->question + 1 < QUESTIONS)
        ask(look, look->question + 1);
    else
        finish(look);
}

struct server_poll *server_poll_new(struct loop *loop, const struct answer_server *server,
                                    struct watch_data *view,
                                    const struct server_poll_callbacks *callbacks, void *state)
{
    struct server_poll *look = calloc(1, sizeof *look);
    if (!look)
        return NULL;
    *look = (struct server_poll){
        .loop = loop, .server = *server, .view = view, .callbacks = callbacks, .state = state};
    view->place = look->server.path;
    return look;
}

void server_poll_free(struct server_poll *look)
{
    if (!look)
        return;
    async_connection_close(look->link);
    free(look);
}

void server_poll_start(struct server_poll *look)
{
    static const struct async_connection_callbacks callbacks = {on_line, on_ended};
    char error[ANSWER_ERROR_BYTES];
    if (look->asking) {
        uint64_t since_ms = look->seen_ms > look->away_ms ? look->seen_ms : look->away_ms;
        if (clock_now_ms() - since_ms >= LATE_MS) {
            age(look);
            look->callbacks->aged(look->state);
        }
        return;
    }
    if (!look->link && async_connection_open(&look->link, look->loop, &look->server, &callbacks,
                                             look, error) != ANSWER_OK) {
        lose(look, error);
        return;
    }
    ask(look, STATUS);
}
