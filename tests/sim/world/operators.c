#include "sim/world/operators.h"

#include "sim/check/control_file.h"
#include "sim/check/copies.h"
#include "sim/check/direct.h"
#include "sim/check/model.h"
#include "sim/check/payload.h"
#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/connection.h"
#include "sim/net/interfaces.h"
#include "sim/os/files.h"
#include "sim/os/log.h"
#include "sim/os/signals.h"
#include "sim/world/answers.h"
#include "sim/world/broadcasts.h"
#include "sim/world/clients.h"
#include "sim/world/command_lines.h"
#include "sim/world/confirming.h"
#include "sim/world/naming.h"
#include "sim/world/reductions.h"
#include "sim/world/selections.h"
#include "sim/world/settings.h"
#include "sim/world/streams.h"
#include "sim/world/swarm.h"
#include "sim/world/upgrades.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    OPERATORS_MAX = 4,
    OBSERVERS_MAX = 2,
    SESSIONS_MAX = OPERATORS_MAX + OBSERVERS_MAX,
    QUEUED_MAX = 8,
    READ_BYTES = 4096,
    LOST_MS = 10000,
    STALLED_BYTES = 2048
};

struct operator
{
    struct connection *connection;
    struct command queued[QUEUED_MAX]; /* sent and not answered, the first one first */
    size_t queued_count;
    struct answer answer;
    uint32_t number;
    bool observes;     /* by the observers' socket */
    uint64_t reads_ms; /* does not read before */
};

static struct operator operators[SESSIONS_MAX]; /* the last OBSERVERS_MAX are observers */
static size_t count;
static bool quiet, ended[BROADCASTS_MAX], refused[BROADCASTS_MAX];
static uint64_t answered;
static uint64_t reload_ms, reload_due_ms, reloads_before, refusals_before;

uint64_t operators_answers(void)
{
    return answered;
}

/* ---- reloads ---- */

static uint64_t refusals(void)
{
    return simulated_log_times("cannot reload: the old configuration stays in effect");
}

/* Keys that a reload does not apply. */
static void change_fixed(void)
{
    setup.workers++;
    setup.clients_max++;
    setup.stream_max++;
    setup.has_chunks = !setup.has_chunks;
    setup.control_mode ^= 0020;
    setup.control_group = (struct drawn_group){"2011", 2011};
    setup.listener_count -= setup.listener_count > 1;
}

static bool prepare_reload(void)
{
    if (settings_change || upgrades_have_file() || reductions_leave_out(WITHOUT_RELOADS))
        return false;
    settings_draw_next();
    struct setup kept = setup;
    if (swarm.changes_fixed)
        change_fixed();
    settings_write(&next_settings, draw_below(DRAW_OPERATOR, 4) == 0);
    setup = kept;
    model_settings_change();
    reload_ms = event_queue_now_ms();
    reload_due_ms = reload_ms + LOST_MS;
    reloads_before = simulated_log_times("reloaded");
    refusals_before = refusals();
    upgrades_interrupt();
    return true;
}

/* Whether a session waits for the answer to a reload. */
static bool is_reload_queued(void)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        for (size_t k = 0; operators[i].connection != NULL && k < operators[i].queued_count; k++)
            if (operators[i].queued[k].kind == COMMAND_RELOAD)
                return true;
    return false;
}

/* The log says how a reload has ended. A command that was lost with its session has no effect. */
void operators_check_reload(void)
{
    if (!settings_change)
        return;
    if (upgrades_are_running())
        reload_due_ms = event_queue_now_ms() + LOST_MS; /* it waits for the end of the upgrade */
    if (simulated_log_times("reloaded") != reloads_before) {
        if (next_settings.cookie && !settings.cookie)
            model_expire_unproven(reload_ms);
        settings_end_change(true);
    } else if (refusals() != refusals_before ||
               (event_queue_now_ms() > reload_due_ms && !is_reload_queued())) {
        settings_end_change(false);
    }
}

void operators_hang_up(void)
{
    if (prepare_reload())
        simulated_signal(SIGHUP);
}

/* ---- sending ---- */

static void connect(struct operator* operator)
{
    const struct addr none = {.family = ADDR_NONE};
    bool observes = operator->observes && !broken_is("observer");
    const struct simulated_file *file =
        simulated_file_find(observes ? settings_observer_path() : settings_control_path());
    if ((setup.control_off && !observes) || file == NULL || file->listener == NULL)
        return;
    control_file_check(file, observes);
    operator->connection = connection_open((struct acceptor *)file->listener, &none);
    if (operator->connection == NULL)
        return;
    operator->connection->is_operator = true;
    operator->queued_count = 0;
    /* With more_blocks an answer to config takes several slices. */
    bool may_stall = swarm.stalls_operators || (swarm.more_blocks && operator->observes);
    bool stalls = may_stall && !quiet && draw_below(DRAW_SWARM, 3) == 0;
    operator->reads_ms = stalls ? event_queue_now_ms() + draw_range(DRAW_SWARM, 100, 30000) : 0;
    if (stalls)
        operator->connection->to_client.limit = STALLED_BYTES;
    answer_begin(&operator->answer);
}

static void disconnect(struct operator* operator)
{
    for (size_t i = 0; i < operator->queued_count; i++)
        if (operator->queued[i].kind == COMMAND_KICK_SOME)
            model_kick_lost(operator->queued[i].number);
    connection_close(operator->connection, false);
    operator->connection = NULL;
}

static void on_reading(void *state);
static void read_answers(struct operator* operator);

static void send(struct operator* operator, const char * line, struct command command)
{
    size_t size = strlen(line);
    command.asked_ms = event_queue_now_ms();
    command.is_alone = operator->queued_count == 0;
    command.is_settled = !settings_change;
    command.applied = settings_applied();
    trace(TRACE_OPERATOR, operator->number, command.kind, 0, 0);
    if (connection_write(operator->connection, line, size) != size) {
        if (command.kind == COMMAND_KICK_SOME)
            model_kick_lost(command.number);
        return; /* the session has ended */
    }
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

/* Lists or counts the clients that match. */
static void send_clients(struct operator* operator, enum command_kind kind)
{
    struct selection selection = quiet ? selection_all() : selections_draw();
    char words[SELECTIONS_TEXT_BYTES], line[SELECTIONS_TEXT_BYTES + 16];
    snprintf(line, sizeof line, "%s%s\n", kind == COMMAND_COUNT ? "count" : "clients",
             selections_format(&selection, words));
    send(operator, line, (struct command){.kind = kind, .selection = selection});
}

/* Removes the clients that match. */
static void send_kick_some(struct operator* operator)
{
    struct selection selection = selections_draw_some();
    char words[SELECTIONS_TEXT_BYTES], line[SELECTIONS_TEXT_BYTES + 16];
    uint32_t number = reductions_leave_out(WITHOUT_KICKS) ? 0 : model_kick_some(&selection);
    if (number == 0)
        return;
    snprintf(line, sizeof line, "kick%s\n", selections_format(&selection, words));
    send(operator, line, (struct command){.kind = COMMAND_KICK_SOME, .number = number});
}

/* Sends a message to one client: by datagram, or on a TCP connection. */
static void send_direct(struct operator* operator)
{
    char payload[64], text[ADDR_TEXT_BYTES], line[256], confirm[CONFIRMING_WORDS_BYTES] = "";
    uint64_t drawn = draw(DRAW_OPERATOR);
    const struct addr *stream = drawn % 4 == 0 ? streams_tcp_address(drawn / 4) : NULL;
    const struct addr *addr = stream != NULL ? stream : clients_address(drawn);
    uint32_t number = direct_asked(addr, stream != NULL);
    if (number == 0)
        return;
    size_t size = payload_write_direct(payload, number);
    uint32_t job = stream == NULL ? confirming_draw_words(true, confirm) : 0;
    direct_set_confirmed(number, job);
    int at = snprintf(line, sizeof line, "send %s%s%s ", stream != NULL ? "tcp:" : "",
                      addr_format(addr, text), confirm);
    for (size_t i = 0; i < size; i++)
        at += snprintf(line + at, sizeof line - (size_t)at, "%02x", (unsigned char)payload[i]);
    snprintf(line + at, sizeof line - (size_t)at, "\n");
    send(operator, line,
         (struct command){.kind = COMMAND_SEND, .number = number, .confirmed = job});
}

static uint32_t send_broadcast(struct operator* operator, bool waits, uint64_t padding)
{
    struct drawn_broadcast drawn;
    char line[BROADCASTS_ARGUMENTS_BYTES + 32];
    if ((reductions_leave_out(WITHOUT_BROADCASTS) && !quiet) ||
        !broadcasts_draw(&drawn, quiet, padding))
        return 0;
    upgrades_interrupt();
    snprintf(line, sizeof line, "broadcast %s%s", waits ? "wait" : "nowait", drawn.arguments);
    send(operator, line,
         (struct command){.kind = waits ? COMMAND_WAIT : COMMAND_NOWAIT,
                          .number = drawn.number,
                          .confirmed = drawn.confirmed});
    return drawn.number;
}

static void send_broadcasts(struct operator* operator)
{
    for (int i = 0; i < 4 && operator->queued_count<QUEUED_MAX; i++)
        send_broadcast(operator, false, 0);
}

static void send_cancel(struct operator* operator)
{
    char line[64];
    uint32_t last = broadcasts_count();
    uint64_t number = draw_below(DRAW_OPERATOR, last + 2);
    if (swarm.cancels && last > 2)
        number = last - draw_below(DRAW_SWARM, 3);
    snprintf(line, sizeof line, "cancel %" PRIu64 "\n", number);
    send(operator, line, (struct command){.kind = COMMAND_CANCEL});
    for (size_t i = 0; swarm.cancels && i < count; i++)
        if (operators[i].connection != NULL && operators[i].queued_count == 0)
            send(&operators[i], line, (struct command){.kind = COMMAND_CANCEL});
}

/* Asks for a client of a stream, or kicks it. */
static void send_stream_command(struct operator* operator)
{
    char name[ADDR_TEXT_BYTES], line[128];
    streams_name(draw(DRAW_SWARM), name, sizeof name);
    snprintf(line, sizeof line, "%s %s\n", draw_below(DRAW_SWARM, 2) == 0 ? "kick" : "client",
             name);
    send(operator, line, (struct command){.kind = COMMAND_OTHER});
}

/* A line that never ends, or ends without a newline. */
static void on_endless_line(void *state)
{
    static char bytes[8192];
    struct operator* operator= state;
    if (operator->connection == NULL)
        return;
    memset(bytes, 'x', sizeof bytes);
    connection_write(operator->connection, bytes, sizeof bytes);
    if (draw_below(DRAW_SWARM, 40) == 0)
        connection_end(operator->connection);
    read_answers(operator);
    if (connection_is_over(operator->connection))
        disconnect(operator);
    else
        event_queue_add(1000000, on_endless_line, operator);
}

/* Sends what the run has of rare commands. Returns whether it has sent one. */
static bool send_rare(struct operator* operator)
{
    bool now = draw_below(DRAW_SWARM, 3) == 0;
    char line[COMMAND_LINES_BYTES];
    struct command command;
    if (confirming_draw_list(line, sizeof line, &command))
        send(operator, line, command);
    else if (upgrades_draw_command())
        send(operator, "upgrade\n", (struct command){.kind = COMMAND_UPGRADE});
    else if (command_lines_draw_list(line, &command))
        send(operator, line, command);
    else if (swarm.publishes && draw_below(DRAW_PUBLISH, 4) == 0)
        send_broadcasts(operator);
    else if (swarm.confirms && draw_below(DRAW_CONFIRM, 8) == 0)
        send_direct(operator);
    else if (swarm.confirms && draw_below(DRAW_CONFIRM, 3) == 0)
        send_broadcast(operator, draw_below(DRAW_CONFIRM, 2) == 0, 0);
    else if (setup.names_max > 0 && draw_below(DRAW_NAMES, 6) == 0)
        send(operator, line, naming_draw_lookup(line));
    else if (swarm.selects && draw_below(DRAW_SELECTION, 8) == 0)
        send_kick_some(operator);
    else if (swarm.selects && draw_below(DRAW_SELECTION, 8) == 0)
        send_clients(operator, COMMAND_COUNT);
    else if (swarm.kicks_streams && now)
        send_stream_command(operator);
    else if (swarm.cancels && now)
        send_cancel(operator);
    else if (swarm.wrong_commands && now)
        send(operator, command_lines_wrong(), (struct command){.kind = COMMAND_OTHER});
    else if (operator->reads_ms> event_queue_now_ms())
        while (operator->queued_count<QUEUED_MAX && draw_below(DRAW_SWARM, 10) != 0)
            send_clients(operator, COMMAND_CLIENTS);
    else if (swarm.wrong_commands && operator->queued_count == 0 && draw_below(DRAW_SWARM, 6) == 0)
        on_endless_line(operator);
    else
        return false;
    return true;
}

static void send_drawn(struct operator* operator)
{
    if (send_rare(operator))
        return;
    uint64_t kind = draw_range(DRAW_OPERATOR, swarm.fans_out ? 50 : 0, 99);
    if (kind < 12)
        send(operator, "stats\n", (struct command){.kind = COMMAND_STATS});
    else if (kind < 24)
        send_clients(operator, COMMAND_CLIENTS);
    else if (kind < 28)
        send(operator, "status\n", (struct command){.kind = COMMAND_OTHER});
    else if (kind < 30)
        send(operator, "help\n", (struct command){.kind = COMMAND_OTHER});
    else if (kind < 32)
        send(operator, "config\n", (struct command){.kind = COMMAND_CONFIG});
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
    else if (kind < 72)
        send_direct(operator);
    else if (kind < 80 && prepare_reload())
        send(operator, "reload\n", (struct command){.kind = COMMAND_RELOAD});
    else if (kind < 97)
        send_broadcast(operator, kind<92, draw_below(DRAW_OPERATOR, 40));
    else
        send_broadcasts(operator);
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
    if (operator->reads_ms> event_queue_now_ms() && !quiet) {
        event_queue_add(500000000, on_reading, operator);
        return;
    }
    read_answers(operator);
    if (connection_is_over(operator->connection)) {
        bool is_alone = operator->queued[0].is_alone && operator->answer.line == 0;
        upgrades_check_session(operator->connection, operator->queued_count> 0 && is_alone);
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
        operators_hang_up();
    else if (kind == 1 && !reductions_leave_out(WITHOUT_INTERFACE_CHANGES))
        simulated_interfaces_change(0);
    else if (kind == 2 && removes)
        simulated_file_remove(settings_control_path());
    else if (kind == 4 && removes && setup.has_observers)
        simulated_file_remove(settings_observer_path());
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
    else if (swarm.stalls_operators && !is_reload_queued() && draw_below(DRAW_SWARM, 10) == 0)
        disconnect(operator); /* in the middle of an answer */
    else if (operator->queued_count<(operator->reads_ms> event_queue_now_ms() ? QUEUED_MAX : 2))
        send_drawn(operator);
    if (draw_below(DRAW_OPERATOR, 8) == 0)
        disturb();
    event_queue_add(draw_range(DRAW_OPERATOR, 1, 6000) * 1000000, on_turn, operator);
}

static void on_observer_turn(void *state)
{
    struct operator* operator= state;
    char line[COMMAND_LINES_BYTES];
    if (quiet)
        return;
    if (operator->connection == NULL)
        connect(operator);
    else if (draw_below(DRAW_OBSERVER, 10) == 0)
        disconnect(operator); /* perhaps in the middle of an answer */
    else
        for (uint64_t i = draw_range(DRAW_OBSERVER, 1, 3);
             i > 0 && operator->connection != NULL && operator->queued_count<QUEUED_MAX; i--)
            send(operator, line, command_lines_observed(line));
    event_queue_add(draw_range(DRAW_OBSERVER, 1, 6000) * 1000000, on_observer_turn, operator);
}

static void draw_observers(void)
{
    if (!setup.has_observers || reductions_leave_out(WITHOUT_OBSERVERS))
        return;
    for (uint32_t i = OPERATORS_MAX; i < SESSIONS_MAX; i++) {
        operators[i].number = i;
        operators[i].observes = true;
        event_queue_add(draw_below(DRAW_OBSERVER, 3000000000), on_observer_turn, &operators[i]);
    }
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
    draw_observers();
}

/* Their sessions have ended with the server, and so have their commands. */
void operators_reset(void)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        event_queue_remove(&operators[i]);
        if (operators[i].connection != NULL)
            disconnect(&operators[i]);
        operators[i].queued_count = 0;
    }
    if (settings_change)
        settings_end_change(false);
    quiet = true;
    broadcasts_reset();
    memset(ended, 0, sizeof ended);
    memset(refused, 0, sizeof refused);
}

void operators_end(void)
{
    quiet = true;
}

bool operators_may_reload(void)
{
    return !quiet;
}

bool operators_are_idle(void)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++)
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

void operators_hurry(void)
{
    static const char *const lines[] = {"clients\n", "stats\n", "jobs\n", "broadcast nowait 00\n",
                                        "reload\n",  "listen\n"};
    for (size_t i = 0; i < count; i++)
        if (operators[i].connection != NULL && operators[i].queued_count + 1 < QUEUED_MAX)
            send(&operators[i], lines[draw_below(DRAW_SWARM, 6)],
                 (struct command){.kind = COMMAND_OTHER});
}

void operators_broadcast_all(void)
{
    for (size_t i = 0; i < count; i++)
        while (operators[i].connection != NULL && operators[i].queued_count + 1 < QUEUED_MAX &&
               draw_below(DRAW_SWARM, 4) != 0 &&
               send_broadcast(&operators[i], draw_below(DRAW_SWARM, 2) == 0, 0) != 0)
            continue;
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
        for (uint64_t i = draw_range(DRAW_OPERATOR, 1, 2); i > 0; i--)
            simulated_signal(signals[i - 1]); /* timeout(1) signals the process and its group */
}
