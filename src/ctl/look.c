/* The questions of `watch`, and where the answers go. */
#include "ctl/look.h"

#include "core/text.h"
#include "ctl/link.h"
#include "net/clock.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t S_MS = 1000;

/* A look is these, one after the other. */
static const char *const questions[] = {"status", "stats", "jobs"};
enum { STATUS, STATS, JOBS, QUESTIONS };

struct look {
    struct loop *loop;
    struct answer_server server;
    struct view *view;
    loop_run *done;
    void *state;
    struct link *link; /* NULL: not connected */
    bool asking;
    int question;     /* the one that is asked */
    uint64_t away_ms; /* since when the server is away */
    size_t job_count; /* so far in the look at hand */
};

static const char *take_status(struct view *view, const char *key, const char *value)
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
            return text_number(value, 0, UINT64_MAX, figures[i].figure);
    if (strcmp(key, "version") == 0)
        text_escape(view->version, sizeof view->version, value, strlen(value));
    return NULL;
}

static const char *take_job(struct look *look, const char *key, char *value)
{
    if (strcmp(key, "job") != 0 || look->job_count == VIEW_JOBS_MAX)
        return NULL;
    return job_read(&look->view->jobs[look->job_count++], value);
}

static const char *on_line(void *state, const char *key, char *value)
{
    struct look *look = state;
    uint64_t number;
    if (look->question == STATUS)
        return take_status(look->view, key, value);
    if (look->question == JOBS)
        return take_job(look, key, value);
    /* `clients` stands among the counters and is none; what is no number is a newer server's. */
    if (strcmp(key, "clients") != 0 && text_number(value, 0, UINT64_MAX, &number) == NULL)
        rates_value(&look->view->rates, key, number);
    return NULL;
}

static void ask(struct look *look, int question)
{
    look->asking = true;
    look->question = question;
    look->job_count = 0;
    if (question == STATS)
        rates_begin(&look->view->rates, clock_now_ns());
    link_ask(look->link, questions[question]);
}

static void finish(struct look *look)
{
    struct view *view = look->view;
    const struct rate *received = rates_find(&view->rates, "received");
    look->asking = false;
    look->away_ms = 0;
    view->job_count = look->job_count;
    view->there = true;
    view->trouble[0] = '\0';
    view->away_s = 0;
    if (received && received->known)
        sparkline_add(&view->requests, (uint64_t)(received->per_s + 0.5));
    else
        sparkline_add_gap(&view->requests);
    look->done(look->state);
}

/* Counters that come back may be another server's, and its jobs, too. */
static void lose(struct look *look, const char *why)
{
    struct view *view = look->view;
    uint64_t now_ms = clock_now_ms();
    link_close(look->link);
    look->link = NULL;
    look->asking = false;
    if (look->away_ms == 0)
        look->away_ms = now_ms;
    view->there = false;
    view->away_s = (now_ms - look->away_ms) / S_MS;
    view->job_count = 0;
    text_escape(view->trouble, sizeof view->trouble, why, strlen(why));
    rates_forget(&view->rates);
    sparkline_add_gap(&view->requests);
    look->done(look->state);
}

static void on_ended(void *state, enum answer_result result, const char *error)
{
    struct look *look = state;
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

struct look *look_new(struct loop *loop, const struct answer_server *server, struct view *view,
                      loop_run *done, void *state)
{
    struct look *look = calloc(1, sizeof *look);
    if (!look)
        return NULL;
    *look =
        (struct look){.loop = loop, .server = *server, .view = view, .done = done, .state = state};
    view->place = look->server.path;
    return look;
}

void look_free(struct look *look)
{
    if (!look)
        return;
    link_close(look->link);
    free(look);
}

void look_begin(struct look *look)
{
    static const struct link_callbacks callbacks = {on_line, on_ended};
    char error[ANSWER_ERROR_BYTES];
    if (look->asking)
        return;
    if (!look->link &&
        link_open(&look->link, look->loop, &look->server, &callbacks, look, error) != ANSWER_OK) {
        lose(look, error);
        return;
    }
    ask(look, STATUS);
}
