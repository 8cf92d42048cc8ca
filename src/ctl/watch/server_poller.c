#include "ctl/watch/server_poller.h"

#include "ctl/connection/async_connection.h"
#include "os/process/clock.h"
#include "text/number_with_unit.h"
#include "text/printable.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t S_MS = 1000;
static const uint64_t LATE_MS = 2000; /* two polls: a slightly slow answer is not late */

/* A poll sends these commands one after another. */
static const char *const commands[] = {"status", "stats", "jobs"};
enum { STATUS, STATS, JOBS, COMMANDS };

struct server_poller {
    struct loop *loop;
    struct control_server server;
    struct server_snapshot *snapshot;
    const struct server_poller_callbacks *callbacks;
    void *state;
    struct async_connection *connection; /* NULL: not connected */
    bool is_polling;
    int command;        /* whose answer is awaited */
    uint64_t down_ms;   /* time of the first failed poll, 0: the server is up */
    uint64_t polled_ms; /* time of the last complete poll, 0: none */
    uint64_t step_ms;   /* time of the last step of the histories, 0: none */
    size_t job_count;   /* so far in the current poll */
};

static const char *read_status(struct server_snapshot *snapshot, const char *key, const char *value)
{
    const struct {
        const char *key;
        uint64_t *number;
    } numbers[] = {{"clients", &snapshot->clients},
                   {"max", &snapshot->max},
                   {"uptime_s", &snapshot->uptime_s},
                   {"workers", &snapshot->workers}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(numbers[i].key, key) == 0)
            return number_parse(value, 0, UINT64_MAX, numbers[i].number);
    if (strcmp(key, "version") == 0)
        printable_ascii(snapshot->version, sizeof snapshot->version, value, strlen(value));
    return NULL;
}

static const char *read_job(struct server_poller *poller, const char *key, char *value)
{
    if (strcmp(key, "job") != 0 || poller->job_count == SERVER_SNAPSHOT_JOBS_MAX)
        return NULL;
    return job_status_read(&poller->snapshot->jobs[poller->job_count++], value);
}

static const char *on_line(void *state, const char *key, char *value)
{
    struct server_poller *poller = state;
    uint64_t number;
    if (poller->command == STATUS)
        return read_status(poller->snapshot, key, value);
    if (poller->command == JOBS)
        return read_job(poller, key, value);
    /* The answer also has `clients`, which is not a counter; a newer server may add other values.
     */
    if (strcmp(key, "clients") != 0 && number_parse(value, 0, UINT64_MAX, &number) == NULL)
        counter_rates_add(&poller->snapshot->rates, key, number);
    return NULL;
}

/* After a restart of the server, differences of its counters would make no sense. */
static void send_command(struct server_poller *poller, int command)
{
    if (command == STATUS && !poller->snapshot->is_up)
        counter_rates_reset(&poller->snapshot->rates);
    poller->is_polling = true;
    poller->command = command;
    poller->job_count = 0;
    if (command == STATS)
        counter_rates_begin(&poller->snapshot->rates, clock_now_ns());
    async_connection_send(poller->connection, commands[command]);
}

/* Adds a step to a history: a value, or a gap if it is unknown. */
static void add_step(struct sparkline *line, bool known, double value)
{
    if (known)
        sparkline_add(line, (uint64_t)(value + 0.5));
    else
        sparkline_add_gap(line);
}

/* Adds the current step to the histories. Seconds without a poll become gaps, for example if the
 * process was stopped. */
static void add_steps(struct server_poller *poller, bool is_up)
{
    struct server_snapshot *snapshot = poller->snapshot;
    const struct counter_rate *received = counter_rates_find(&snapshot->rates, "received");
    const struct counter_rate *copies = counter_rates_find(&snapshot->rates, "copies_sent");
    uint64_t now_ms = clock_now_ms();
    uint64_t interval_s = poller->step_ms > 0 ? (now_ms - poller->step_ms + S_MS / 2) / S_MS : 1;
    bool known = is_up && received && received->known;
    for (uint64_t i = 1; i < interval_s && i < SPARKLINE_STEPS; i++) {
        add_step(&snapshot->request_history, false, 0);
        add_step(&snapshot->loss_history, false, 0);
        add_step(&snapshot->client_history, false, 0);
        add_step(&snapshot->copy_history, false, 0);
    }
    add_step(&snapshot->request_history, known, known ? received->per_s : 0);
    add_step(&snapshot->loss_history, known, server_snapshot_loss_rate(snapshot));
    add_step(&snapshot->client_history, is_up, (double)snapshot->clients);
    add_step(&snapshot->copy_history, known && copies, known && copies ? copies->per_s : 0);
    poller->step_ms = now_ms;
}

static void end_poll(struct server_poller *poller)
{
    struct server_snapshot *snapshot = poller->snapshot;
    poller->is_polling = false;
    poller->down_ms = 0;
    poller->polled_ms = clock_now_ms();
    snapshot->job_count = poller->job_count;
    snapshot->is_up = true;
    snapshot->error[0] = '\0';
    snapshot->down_s = 0;
    snapshot->stale_s = 0;
    add_steps(poller, true);
    poller->callbacks->polled(poller->state);
}

/* Updates the age of the snapshot. */
static void update_age(struct server_poller *poller)
{
    struct server_snapshot *snapshot = poller->snapshot;
    uint64_t now_ms = clock_now_ms();
    snapshot->down_s = poller->down_ms > 0 ? (now_ms - poller->down_ms) / S_MS : 0;
    snapshot->stale_s = poller->polled_ms > 0 ? (now_ms - poller->polled_ms) / S_MS : 0;
    add_steps(poller, false);
}

/* The poll has failed. The jobs are removed: they may have ended, and a restarted server has other
 * ones. */
static void fail_poll(struct server_poller *poller, const char *why)
{
    struct server_snapshot *snapshot = poller->snapshot;
    async_connection_close(poller->connection);
    poller->connection = NULL;
    poller->is_polling = false;
    if (poller->down_ms == 0)
        poller->down_ms = clock_now_ms();
    snapshot->is_up = false;
    snapshot->job_count = 0;
    printable_ascii(snapshot->error, sizeof snapshot->error, why, strlen(why));
    update_age(poller);
    poller->callbacks->polled(poller->state);
}

static void on_ended(void *state, enum answer_result result, const char *error)
{
    struct server_poller *poller = state;
    if (result != ANSWER_OK) {
        fail_poll(poller, error);
        return;
    }
    if (poller->command == STATS)
        counter_rates_end(&poller->snapshot->rates);
    if (poller->command + 1 < COMMANDS)
        send_command(poller, poller->command + 1);
    else
        end_poll(poller);
}

struct server_poller *server_poller_new(struct loop *loop, const struct control_server *server,
                                        struct server_snapshot *snapshot,
                                        const struct server_poller_callbacks *callbacks,
                                        void *state)
{
    struct server_poller *poller = calloc(1, sizeof *poller);
    if (!poller)
        return NULL;
    *poller = (struct server_poller){.loop = loop,
                                     .server = *server,
                                     .snapshot = snapshot,
                                     .callbacks = callbacks,
                                     .state = state};
    snapshot->socket_path = poller->server.path;
    return poller;
}

void server_poller_free(struct server_poller *poller)
{
    if (!poller)
        return;
    async_connection_close(poller->connection);
    free(poller);
}

void server_poller_poll(struct server_poller *poller)
{
    static const struct async_connection_callbacks callbacks = {.line = on_line, .ended = on_ended};
    char error[ANSWER_ERROR_BYTES];
    if (poller->is_polling) {
        uint64_t since_ms =
            poller->polled_ms > poller->down_ms ? poller->polled_ms : poller->down_ms;
        if (clock_now_ms() - since_ms >= LATE_MS) {
            update_age(poller);
            poller->callbacks->aged(poller->state);
        }
        return;
    }
    if (!poller->connection &&
        async_connection_open(&poller->connection, poller->loop, &poller->server, &callbacks,
                              poller, error) != ANSWER_OK) {
        fail_poll(poller, error);
        return;
    }
    send_command(poller, STATUS);
}
