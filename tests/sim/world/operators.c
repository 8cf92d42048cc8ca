#include "sim/world/operators.h"

#include "sim/check/copies.h"
#include "sim/check/model.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/connection.h"
#include "sim/net/interfaces.h"
#include "sim/os/files.h"
#include "sim/os/log.h"
#include "sim/os/signals.h"
#include "sim/world/answers.h"
#include "sim/world/clients.h"
#include "sim/world/reductions.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { OPERATORS_MAX = 4, QUEUED_MAX = 8, READ_BYTES = 4096, LOST_MS = 10000 };

struct operator
{
    struct connection *connection;
    struct command queued[QUEUED_MAX]; /* sent and not answered, the first one first */
    size_t queued_count;
    struct answer answer;
    uint32_t number;
};

static struct operator operators[OPERATORS_MAX];
static size_t count;
static bool quiet;
static uint32_t last_broadcast;
static bool ended[BROADCASTS_MAX], refused[BROADCASTS_MAX];
static uint64_t answered;
static uint64_t reload_ms, reloads_before, refusals_before;

uint64_t operators_answers(void)
{
    return answered;
}

/* ---- reloads ---- */

static uint64_t refusals(void)
{
    return simulated_log_times("cannot reload: the old configuration stays in effect");
}

static bool prepare_reload(void)
{
    if (settings_change || reductions_leave_out(WITHOUT_RELOADS))
        return false;
    settings_draw_next();
    settings_write(&next_settings, draw_below(DRAW_OPERATOR, 4) == 0);
    model_settings_change();
    reload_ms = event_queue_now_ms();
    reloads_before = simulated_log_times("reloaded");
    refusals_before = refusals();
    return true;
}

/* Whether a session waits for the answer to a reload. */
static bool is_reload_queued(void)
{
    for (size_t i = 0; i < OPERATORS_MAX; i++)
        for (size_t k = 0; operators[i].connection != NULL && k < operators[i].queued_count; k++)
            if (operators[i].queued[k].kind == COMMAND_RELOAD)
                return true;
    return false;
}

/* The log tells how a reload has ended. A command that was lost with its session has no effect. */
void operators_check_reload(void)
{
    if (!settings_change)
        return;
    if (simulated_log_times("reloaded") != reloads_before)
        settings_end_change(true);
    else if (refusals() != refusals_before ||
             (event_queue_now_ms() > reload_ms + LOST_MS && !is_reload_queued()))
        settings_end_change(false);
}

static void hang_up(void)
{
    if (prepare_reload())
        simulated_signal(SIGHUP);
}

/* ---- sending ---- */

static void connect(struct operator* operator)
{
    const struct addr none = {.family = ADDR_NONE};
    const struct simulated_file *file = simulated_file_find(settings_control_path());
    if (setup.control_off || file == NULL || file->listener == NULL)
        return;
    operator->connection = connection_open((struct acceptor *)file->listener, &none);
    if (operator->connection == NULL)
        return;
    operator->connection->is_operator = true;
    operator->queued_count = 0;
    answer_begin(&operator->answer);
}

static void disconnect(struct operator* operator)
{
    connection_close(operator->connection, false);
    operator->connection = NULL;
}

static void on_reading(void *state);

static void send(struct operator* operator, const char * line, struct command command)
{
    size_t size = strlen(line);
    command.asked_ms = event_queue_now_ms();
    trace(TRACE_OPERATOR, operator->number, command.kind, 0, 0);
    if (connection_write(operator->connection, line, size) != size)
        return; /* the session has ended */
    operator->queued[operator->queued_count++] = command;
    event_queue_add(1000000, on_reading, operator);
}

static void send_kick(struct operator* operator, bool kick)
{
    char text[ADDR_TEXT_BYTES], line[128];
    const struct addr *addr = clients_address(draw(DRAW_OPERATOR));
    snprintf(line, sizeof line, "%s %s\n", kick ? "kick" : "client", addr_format(addr, text));
    if (kick && (reductions_leave_out(WITHOUT_KICKS) || !model_kick(addr)))
        return;
    send(operator, line,
         (struct command){.kind = kick ? COMMAND_KICK : COMMAND_CLIENT, .addr = *addr});
}

static uint32_t send_broadcast(struct operator* operator, bool waits, uint64_t padding)
{
    char text[256], line[1024];
    if (last_broadcast + 1 >= BROADCASTS_MAX ||
        (reductions_leave_out(WITHOUT_BROADCASTS) && !quiet))
        return 0;
    uint32_t number = copies_first_number() + ++last_broadcast;
    int size = snprintf(text, sizeof text, "T%" PRIu32 ".%0*d", number, (int)padding + 1, 0);
    int at = snprintf(line, sizeof line, "broadcast %s ", waits ? "wait" : "nowait");
    for (int i = 0; i < size; i++)
        at += snprintf(line + at, sizeof line - (size_t)at, "%02x", (unsigned char)text[i]);
    snprintf(line + at, sizeof line - (size_t)at, "\n");
    copies_broadcast_asked(number);
    send(operator, line,
         (struct command){.kind = waits ? COMMAND_WAIT : COMMAND_NOWAIT, .number = number});
    return number;
}

static void send_cancel(struct operator* operator)
{
    char line[64];
    snprintf(line, sizeof line, "cancel %" PRIu64 "\n",
             draw_below(DRAW_OPERATOR, last_broadcast + 2));
    send(operator, line, (struct command){.kind = COMMAND_CANCEL});
}

static void send_drawn(struct operator* operator)
{
    uint64_t kind = draw_below(DRAW_OPERATOR, 100);
    if (kind < 12)
        send(operator, "stats\n", (struct command){.kind = COMMAND_STATS});
    else if (kind < 24)
        send(operator, "clients\n", (struct command){.kind = COMMAND_CLIENTS});
    else if (kind < 28)
        send(operator, "status\n", (struct command){.kind = COMMAND_OTHER});
    else if (kind < 32)
        send(operator, "help\n", (struct command){.kind = COMMAND_OTHER});
    else if (kind < 35)
        send(operator, "no such command\n", (struct command){.kind = COMMAND_OTHER});
    else if (kind < 43)
        send_kick(operator, true);
    else if (kind < 47)
        send_kick(operator, false);
    else if (kind < 55)
        send(operator, "jobs\n", (struct command){.kind = COMMAND_JOBS});
    else if (kind < 62)
        send_cancel(operator);
    else if (kind < 75 && prepare_reload())
        send(operator, "reload\n", (struct command){.kind = COMMAND_RELOAD});
    else
        send_broadcast(operator, kind<90, draw_below(DRAW_OPERATOR, 40));
}

/* ---- receiving ---- */

static void on_answer(struct operator* operator)
{
    const struct command *command = &operator->queued[0];
    trace(TRACE_ANSWER, operator->number, command->kind, operator->answer.ok, 0);
    answer_check(&operator->answer, command);
    if (command->kind == COMMAND_WAIT) {
        ended[command->number % BROADCASTS_MAX] = true;
        refused[command->number % BROADCASTS_MAX] = !operator->answer.ok;
    }
    answered++;
    memmove(&operator->queued[0], &operator->queued[1],
            --operator->queued_count * sizeof operator->queued[0]);
    answer_begin(&operator->answer);
}

static void read_answers(struct operator* operator)
{
    char bytes[READ_BYTES];
    size_t size;
    while ((size = connection_read(operator->connection, bytes, sizeof bytes)) > 0)
        for (size_t i = 0; i < size; i++)
            if (answer_add(&operator->answer, bytes[i])) {
                if (operator->queued_count == 0 && operator->answer.ok)
                    broken_promise("each command is answered once", "an answer without a command");
                if (operator->queued_count> 0)
                    on_answer(operator);
                else
                    answer_begin(&operator->answer);
            }
}

static void on_reading(void *state)
{
    struct operator* operator= state;
    if (operator->connection == NULL)
        return;
    read_answers(operator);
    if (connection_is_over(operator->connection)) {
        disconnect(operator);
        return;
    }
    if (operator->queued_count> 0)
        event_queue_add(2000000, on_reading, operator);
}

/* ---- what operators do ---- */

static void disturb(void)
{
    uint64_t kind = draw_below(DRAW_OPERATOR, 5);
    bool removes = !reductions_leave_out(WITHOUT_REMOVED_FILES);
    if (kind == 0)
        hang_up();
    else if (kind == 1 && !reductions_leave_out(WITHOUT_INTERFACE_CHANGES))
        simulated_interfaces_change(0);
    else if (kind == 2 && removes)
        simulated_file_remove(settings_control_path());
    else if (kind == 3 && removes)
        for (size_t i = 0; i < setup.listener_count; i++)
            if (setup.listeners[i].kind == LISTEN_UNIX)
                simulated_file_remove(setup.listeners[i].path);
}

static void on_turn(void *state)
{
    struct operator* operator= state;
    if (quiet)
        return;
    if (operator->connection == NULL)
        connect(operator);
    else if (operator->queued_count == 0 && draw_below(DRAW_OPERATOR, 10) == 0)
        disconnect(operator);
    else if (operator->queued_count<2)
        send_drawn(operator);
    if (draw_below(DRAW_OPERATOR, 8) == 0)
        disturb();
    event_queue_add(draw_range(DRAW_OPERATOR, 1, 6000) * 1000000, on_turn, operator);
}

void operators_draw(void)
{
    count = draw_range(DRAW_SETUP, 1, OPERATORS_MAX - 1);
    quiet = false;
    if (reductions_leave_out(WITHOUT_OPERATORS))
        count = 0;
    for (uint32_t i = 0; i < count; i++) {
        operators[i].number = i;
        event_queue_add(draw_below(DRAW_OPERATOR, 3000000000), on_turn, &operators[i]);
    }
}

/* Their sessions have ended with the server, and so have their commands. */
void operators_reset(void)
{
    for (size_t i = 0; i < OPERATORS_MAX; i++) {
        event_queue_remove(&operators[i]);
        if (operators[i].connection != NULL)
            disconnect(&operators[i]);
        operators[i].queued_count = 0;
    }
    if (settings_change)
        settings_end_change(false);
    quiet = true;
    last_broadcast = 0;
    memset(ended, 0, sizeof ended);
    memset(refused, 0, sizeof refused);
}

void operators_end(void)
{
    quiet = true;
}

bool operators_are_idle(void)
{
    for (size_t i = 0; i < OPERATORS_MAX; i++)
        if (operators[i].connection != NULL && operators[i].queued_count > 0)
            return false;
    return !settings_change;
}

uint32_t operators_broadcast(void)
{
    struct operator* operator= & operators[OPERATORS_MAX - 1];
    operator->number = OPERATORS_MAX - 1;
    if (operator->connection == NULL)
        connect(operator);
    return operator->connection != NULL ? send_broadcast(operator, true, 0) : 0;
}

bool operators_broadcast_has_ended(uint32_t number)
{
    return ended[number % BROADCASTS_MAX];
}

bool operators_broadcast_was_refused(uint32_t number)
{
    return refused[number % BROADCASTS_MAX];
}

void operators_stop(void)
{
    static const int signals[] = {SIGTERM, SIGINT};
    struct operator* operator= & operators[OPERATORS_MAX - 1];
    if (operator->connection != NULL && draw_below(DRAW_OPERATOR, 2) == 0)
        send(operator, "stop\n", (struct command){.kind = COMMAND_OTHER});
    else
        simulated_signal(signals[draw_below(DRAW_OPERATOR, 2)]);
}
