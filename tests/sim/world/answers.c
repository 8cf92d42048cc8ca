#include "sim/world/answers.h"

#include "sim/check/confirmed.h"
#include "sim/check/copies.h"
#include "sim/check/direct.h"
#include "sim/check/model.h"
#include "sim/check/names.h"
#include "sim/check/offloaded.h"
#include "sim/check/saved.h"
#include "sim/core/broken.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/os/log.h"
#include "sim/world/metrics_settings.h"
#include "sim/world/offload_settings.h"
#include "sim/world/publishing.h"
#include "sim/world/settings.h"
#include "sim/world/swarm.h"
#include "sim/world/upgrades.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading ---- */

void answer_begin(struct answer *answer)
{
    answer->size = answer->line = 0;
    answer->ok = false;
}

bool answer_add(struct answer *answer, char byte)
{
    if (answer->size + 2 > answer->capacity) {
        answer->capacity = 2 * answer->capacity + 256;
        answer->bytes = realloc(answer->bytes, answer->capacity);
    }
    answer->bytes[answer->size++] = byte;
    answer->bytes[answer->size] = '\0';
    if (byte != '\n')
        return false;
    const char *line = answer->bytes + answer->line;
    bool is_last = strcmp(line, ".\n") == 0;
    if (answer->line == 0) {
        answer->ok = strcmp(line, "ok\n") == 0;
        if (!answer->ok && strncmp(line, "error ", 6) != 0)
            broken_promise("an answer begins with ok or error", "it begins with %s", line);
    }
    answer->line = answer->size;
    return is_last;
}

/* Returns the number after a key at the beginning of a line. */
static bool find_number(const struct answer *answer, const char *key, uint64_t *value)
{
    size_t length = strlen(key);
    for (const char *at = answer->bytes; at != NULL && *at != '\0';
         at = strchr(at, '\n'), at = at != NULL ? at + 1 : NULL)
        if (strncmp(at, key, length) == 0 && at[length] == ' ') {
            *value = strtoull(at + length + 1, NULL, 10);
            return true;
        }
    return false;
}

static uint64_t number(const struct answer *answer, const char *key)
{
    uint64_t value;
    if (!find_number(answer, key, &value))
        broken_promise("an answer is whole", "the line %s is missing", key);
    return value;
}

/* ---- broadcasts ---- */

static void check_wait(const struct answer *answer, uint32_t broadcast)
{
    copies_broadcast_ended(broadcast, strstr(answer->bytes, "\nstate done\n") != NULL,
                           number(answer, "targets"), number(answer, "sent"),
                           number(answer, "failed"), number(answer, "skipped"));
}

static void check_confirmed(const struct answer *answer, const struct command *command)
{
    uint64_t id;
    if (command->confirmed == 0)
        return;
    if (find_number(answer, "id", &id))
        confirmed_set_id(command->confirmed, id);
    if (command->kind == COMMAND_NOWAIT)
        return;
    struct confirmed_report report = {
        .is_done = strstr(answer->bytes, "\nstate done\n") != NULL,
        .copies = number(answer, "sent") + number(answer, "failed"),
        .confirmed = number(answer, "confirmed"),
        .silent = number(answer, "silent"),
        .plain = number(answer, "plain"),
        .rounds = number(answer, "rounds"),
        .datagrams = number(answer, "datagrams"),
    };
    if (!find_number(answer, "duration_ms", &report.duration_ms))
        report.duration_ms = 0;
    confirmed_ended(command->confirmed, &report);
}

static void check_job_lines(const struct answer *answer)
{
    const char *at = answer->bytes;
    uint32_t waiting = broken_is("queue") ? UINT16_MAX : 0;
    while ((at = strstr(at, "\njob ")) != NULL) {
        uint64_t id, targets, sent, failed, skipped;
        char state[16], selector[2];
        at++;
        if (sscanf(at,
                   "job %" SCNu64 " %15s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                   " %*u %*u%*1[ ]%1s",
                   &id, state, &targets, &sent, &failed, &skipped, selector) != 7)
            broken_promise("an answer is whole", "a line of jobs is not");
        bool is_over = strcmp(state, "done") == 0 || strcmp(state, "cancelled") == 0;
        if (is_over ? targets != sent + failed + skipped : targets < sent + failed)
            broken_promise("targets = sent + failed + skipped", "job %" PRIu64 " in state %s", id,
                           state);
        /* One that is to be confirmed may be a message to one client, for which there are other
         * places. */
        size_t line = strcspn(at, "\n");
        bool is_plain = memmem(at, line, " confirmed=", strlen(" confirmed=")) == NULL;
        waiting += is_plain && strcmp(state, "waiting") == 0;
        if (is_plain && is_over)
            copies_job_ended(id, strcmp(state, "done") == 0, targets, sent, failed, skipped);
    }
    /* A broadcast with a key has waited elsewhere. */
    if (waiting > settings_queue_max + swarm.publishes)
        broken_promise("no more broadcasts wait than broadcast.queue allows",
                       "%" PRIu32 " wait, and queue = %" PRIu32, waiting, settings_queue_max);
}

/* ---- clients ---- */

static const struct drawn_listener *listener_of(const char *text)
{
    for (size_t i = 0; i < setup.listener_count; i++) {
        const char *known = setup.listeners[i].text;
        if (strcmp(known, text) == 0 ||
            (addr_is_link_local(&setup.listeners[i].addr) && strncmp(known, text, 6) == 0))
            return &setup.listeners[i];
    }
    return NULL;
}

struct listed {
    uint32_t count;
    bool seen[MODEL_ENTRIES_MAX + 1];
};

/* Whether a line matches the selector of the command, by what it says itself. */
static void check_selected(const struct selection *selection, const char *address,
                           const char *listener_text, uint64_t idle_ms)
{
    struct addr addr = {.family = ADDR_NONE};
    const struct drawn_listener *listener = listener_of(listener_text);
    if (strncmp(address, "unix:", 5) != 0)
        addr_parse(&addr, NULL, strncmp(address, "tcp:", 4) == 0 ? address + 4 : address, 0);
    if (idle_ms > selection->idle_max_ms || !selection_has_address(selection, &addr) ||
        (selection->listener != SELECTION_ANY_LISTENER && listener != NULL &&
         selection->listener != listener->number))
        broken_promise("clients that match the selector are listed",
                       "%s on %s does not match, or was idle for %" PRIu64 " ms", address,
                       listener_text, idle_ms);
}

static void check_listed(struct listed *listed, const char *address, const char *listener_text,
                         uint64_t asked_ms)
{
    struct addr addr;
    const struct drawn_listener *listener = listener_of(listener_text);
    if (strncmp(address, "tcp:", 4) == 0 || strncmp(address, "unix:", 5) == 0 || listener == NULL)
        return;
    if (addr_parse(&addr, NULL, address, 0) != NULL)
        broken_promise("clients are listed by their addresses", "%s is not one", address);
    const struct model_entry *entry = model_find(listener->number, &addr);
    if (entry == NULL || entry->may_until_ms < asked_ms)
        broken_promise("only registered clients are listed", "%s on %s is not one", address,
                       listener_text);
    /* A client that has left and returned meanwhile may have another place in the list. */
    bool stayed = model_is_sure(entry) && entry->sure_since_ms < asked_ms;
    if (listed->seen[entry->number] && (stayed || entry->registered_ms < asked_ms))
        broken_promise("each client is listed once", "%s on %s is listed again", address,
                       listener_text);
    listed->seen[entry->number] = true;
    listed->count++;
}

/* Whether an entry was registered, and has matched, since the command. */
static bool is_surely_selected(const struct model_entry *entry, const struct command *command)
{
    return entry->sure_since_ms < command->asked_ms && model_is_sure(entry) &&
           selection_matches(&command->selection, entry, command->asked_ms);
}

static void check_clients(const struct answer *answer, const struct command *command)
{
    static struct listed listed;
    const char *at = answer->bytes;
    memset(&listed, 0, sizeof listed);
    while ((at = strstr(at, "\nclient ")) != NULL) {
        char address[128], listener[128];
        uint64_t idle_ms;
        at++;
        if (sscanf(at, "client %127s %127s %" SCNu64, address, listener, &idle_ms) != 3)
            broken_promise("an answer is whole", "a line of clients is not");
        check_selected(&command->selection, address, listener, idle_ms);
        check_listed(&listed, address, listener, command->asked_ms);
    }
    for (uint32_t i = 1; i <= model_count(); i++) {
        const struct model_entry *entry = model_entry(i);
        if (!listed.seen[i] && is_surely_selected(entry, command))
            broken_promise("each registered client is listed",
                           "source %" PRIu32 " (port %d) is not", i, entry->source.port);
    }
}

/* Reads the line of a client that sends datagrams. */
static const struct model_entry *read_client(const char *line, const struct command *command)
{
    char address[128], listener_text[128];
    struct addr addr;
    if (sscanf(line, "client %127s %127s ", address, listener_text) != 2)
        broken_promise("an answer is whole", "a line of clients is not");
    const struct drawn_listener *listener = listener_of(listener_text);
    const struct model_entry *entry =
        listener != NULL && addr_parse(&addr, NULL, address, 0) == NULL
            ? model_find(listener->number, &addr)
            : NULL;
    if (entry == NULL || entry->may_until_ms < command->asked_ms)
        broken_promise("only registered clients are listed", "%s on %s is not one", address,
                       listener_text);
    return entry;
}

/* The clients of a confirmed job. */
static void check_job_clients(const struct answer *answer, const struct command *command)
{
    confirmed_list_begin(command->confirmed, command->kind == COMMAND_SILENT, command->asked_ms);
    for (const char *at = answer->bytes; (at = strstr(at, "\nclient ")) != NULL;) {
        at++;
        confirmed_list_add(read_client(at, command));
    }
    confirmed_list_end();
}

/* The client of a name. */
static void check_named(const struct answer *answer, const struct command *command)
{
    const char *at = strstr(answer->bytes, "\nclient ");
    bool is_unknown = !answer->ok && (strstr(answer->bytes, "no such client") != NULL ||
                                      strstr(answer->bytes, "no client has that name") != NULL);
    if (is_unknown)
        names_found(command->name, NULL, command->asked_ms);
    else if (answer->ok && at != NULL)
        names_found(command->name, read_client(at + 1, command), command->asked_ms);
}

static void check_count(const struct answer *answer, const struct command *command)
{
    uint64_t at_least = 0;
    for (uint32_t i = 1; i <= model_count(); i++)
        at_least += is_surely_selected(model_entry(i), command);
    if (number(answer, "clients") < at_least)
        broken_promise("each registered client is counted",
                       "%" PRIu64 " of at least %" PRIu64 " are", number(answer, "clients"),
                       at_least);
}

static void check_client(const struct answer *answer, const struct command *command)
{
    /* The session may have been closed for another one instead. */
    bool is_unknown = !answer->ok && strstr(answer->bytes, "no such client") != NULL;
    for (uint32_t i = 1; i <= model_count() && (is_unknown || broken_is("found")); i++) {
        const struct model_entry *entry = model_entry(i);
        if (addr_equal(&entry->source, &command->addr) && model_is_sure(entry) &&
            entry->sure_since_ms < command->asked_ms)
            broken_promise("a registered client is found by its address",
                           "source %" PRIu32 " (port %d) is not", i, entry->source.port);
    }
}

/* ---- the configuration ---- */

static uint32_t count_lines(const struct answer *answer, const char *beginning)
{
    size_t length = strlen(beginning);
    uint32_t found = 0;
    for (const char *at = answer->bytes; at != NULL && *at != '\0';
         at = strchr(at, '\n'), at = at != NULL ? at + 1 : NULL)
        found += strncmp(at, beginning, length) == 0;
    return found;
}

__attribute__((format(printf, 2, 3))) static void expect_line(const struct answer *answer,
                                                              const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    strcpy(line + size, "\n");
    if (count_lines(answer, line) != 1)
        broken_promise("config has the values in effect", "not once: %s", line);
}

static void expect_count(const struct answer *answer, const char *beginning, size_t count)
{
    uint32_t found = count_lines(answer, beginning);
    if (found != count)
        broken_promise("config has the values in effect", "%" PRIu32 " times '%s' instead of %zu",
                       found, beginning, count);
}

static void expect_group(const struct answer *answer, const char *key,
                         const struct drawn_group *group)
{
    if (group->text != NULL)
        expect_line(answer, "value control.%s %s", key, group->text);
    else
        expect_line(answer, "unset control.%s", key);
}

static void check_offload(const struct answer *answer)
{
    const struct drawn_offload *offload = &setup.offload;
    expect_line(answer, "value offload.mode %s", offload_settings_modes[offload->mode]);
    for (size_t i = 0; i < offload->count; i++)
        expect_line(answer, "item offload.interface %s", offload->interfaces[i]);
    expect_count(answer, "item offload.interface ", offload->count);
    if (offload->max != 0)
        expect_line(answer, "value offload.max %" PRIu32, offload->max);
    else
        expect_line(answer, "value offload.max auto");
}

/* The keys that need a restart, as they were at the start. */
static void check_setup(const struct answer *answer)
{
    for (size_t i = 0; i < setup.listener_count; i++)
        expect_line(answer, "item server.listen %s", setup.listeners[i].text);
    expect_count(answer, "item server.listen ", setup.listener_count);
    expect_line(answer, "value server.workers %" PRIu32, setup.workers);
    expect_line(answer, "value server.stream-max %" PRIu32, setup.stream_max);
    expect_line(answer, "value clients.max %" PRIu32, setup.clients_max);
    expect_line(answer, "value control.mode %04" PRIo32, setup.control_mode);
    if (setup.has_state)
        expect_line(answer, "value state.file " SETTINGS_STATE_PATH);
    else
        expect_line(answer, "unset state.file");
    expect_line(answer, "value clients.names %s",
                setup.has_keys        ? "keyed"
                : setup.names_max > 0 ? "trusted"
                                      : "off");
    if (setup.metrics.text != NULL)
        expect_line(answer, "value metrics.listen %s", setup.metrics.text);
    else
        expect_line(answer, "unset metrics.listen");
    check_offload(answer);
    expect_group(answer, "group", &setup.control_group);
    if (setup.has_observers) {
        expect_group(answer, "observer-group", &setup.observer_group);
        expect_line(answer, "value control.observer-socket %s", settings_observer_path());
        expect_line(answer, "value control.observer-mode %04" PRIo32, setup.observer_mode);
    } else {
        expect_line(answer, "unset control.observer-socket");
    }
}

/* What a reload has read, and waits for a restart. */
static void check_waiting(const struct answer *answer, bool waits)
{
    expect_count(answer, "restart-value server.workers ", waits);
    expect_count(answer, "restart-value server.stream-max ", waits);
    expect_count(answer, "restart-value clients.max ", waits);
    expect_count(answer, "restart-value control.mode ", waits);
    expect_count(answer, "restart-value control.group ", waits);
    if (!waits)
        expect_count(answer, "restart-", 0);
}

/* The keys that a reload applies. */
static void check_settings(const struct answer *answer)
{
    static const char *const modes[] = {"rotate", "echo", "none"};
    expect_line(answer, "value reply.mode %s", modes[settings.mode]);
    for (unsigned i = 0; i < settings.message_count; i++)
        expect_line(answer, "item reply.message R%u.%u.", settings.generation, i);
    expect_count(answer, "item reply.message ", settings.message_count);
    expect_line(answer, "value admission.policy %s", settings.cookie ? "cookie" : "open");
    expect_line(answer, "value admission.per-prefix %" PRIu32, settings.per_prefix);
    expect_line(answer, "value broadcast.queue %" PRIu32, settings.queue);
    for (size_t i = 0; i < metrics_settings_block_count(&settings); i++)
        expect_line(answer, "item metrics.allow %s", metrics_settings_block(&settings, i));
    expect_count(answer, "item metrics.allow ", metrics_settings_block_count(&settings));
    expect_count(answer, "item admission.", settings_block_count(&settings));
    expect_line(answer, "value log.level %s", settings_log_levels[settings.log_level]);
    expect_line(answer, "value log.format %s", settings_log_formats[settings.log_format]);
    expect_line(answer, "value log.target %s", settings_log_targets[settings.log_target]);
    if (!simulated_log_is((enum config_log_level)settings.log_level,
                          (enum config_log_format)settings.log_format,
                          (enum config_log_target)settings.log_target))
        broken_promise("the log is written as the configuration says", "target %s",
                       settings_log_targets[settings.log_target]);
}

static void check_config(const struct answer *answer, const struct command *command)
{
    if (upgrades_copied_ms() != 0 && command->asked_ms <= upgrades_copied_ms())
        return; /* the process before may have had other values */
    check_setup(answer);
    if (!command->is_settled || settings_change || settings_applied() != command->applied)
        return;
    check_waiting(answer, settings_wait_for_restart());
    check_settings(answer);
}

/* The session of an observer may have been closed instead, when too many were open. */
static void check_refused(const struct answer *answer)
{
    if (strstr(answer->bytes, "is for observers") == NULL &&
        strstr(answer->bytes, "cannot keep the session") == NULL)
        broken_promise("an observer can change nothing", "the answer is %s", answer->bytes);
}

/* ---- all ---- */

static void check_stats(const struct answer *answer)
{
    static const char *const outcomes[] = {"replied",          "silent",         "challenged",
                                           "ponged",           "named",          "confirmed",
                                           "confirmed_again",  "left",           "reply_failed",
                                           "challenge_failed", "drop_oversize",  "drop_port_zero",
                                           "drop_own_source",  "drop_multicast", "drop_denied",
                                           "drop_limited",     "drop_bad_frame"};
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof outcomes / sizeof outcomes[0]; i++)
        sum += number(answer, outcomes[i]);
    if (sum != number(answer, "received"))
        broken_promise("received = sum of outcomes", "in an answer: %" PRIu64 " and %" PRIu64,
                       number(answer, "received"), sum);
}

/* The id that a job has got. */
static void read_job(const struct answer *answer, const struct command *command)
{
    uint64_t id;
    bool makes_job = command->kind == COMMAND_WAIT || command->kind == COMMAND_NOWAIT ||
                     (command->kind == COMMAND_SEND && command->confirmed != 0);
    if (!answer->ok || !makes_job || !find_number(answer, "id", &id))
        return;
    saved_job(id);
    if (command->kind == COMMAND_NOWAIT)
        copies_set_id(command->number, id);
}

static void check_upgrade(const struct answer *answer)
{
    static const char refusal[] = "error cannot upgrade: ";
    if (answer->ok)
        upgrades_answered(NULL, number(answer, "from"), number(answer, "to"));
    else if (strncmp(answer->bytes, refusal, sizeof refusal - 1) == 0)
        upgrades_answered(answer->bytes + sizeof refusal - 1, 0, 0);
    else if (strstr(answer->bytes, "stopping") == NULL &&
             strstr(answer->bytes, "cannot keep the session") == NULL)
        broken_promise("the operator reads how an upgrade ends", "it is %s", answer->bytes);
}

static void check_broadcast(const struct answer *answer, const struct command *command)
{
    bool is_duplicate = publishing_check_answer(answer, command->number);
    if (answer->ok && command->kind == COMMAND_WAIT)
        check_wait(answer, command->number);
    if (answer->ok && !is_duplicate)
        check_confirmed(answer, command);
    else
        confirmed_refused(command->confirmed);
}

void answer_check(const struct answer *answer, const struct command *command)
{
    read_job(answer, command);
    if (command->kind == COMMAND_WAIT || command->kind == COMMAND_NOWAIT)
        check_broadcast(answer, command);
    if (command->kind == COMMAND_KICK)
        model_kicked(&command->addr);
    if (command->kind == COMMAND_KICK_SOME)
        model_kicked_some(command->number, answer->ok);
    if (command->kind == COMMAND_CLIENT)
        check_client(answer, command);
    if (command->kind == COMMAND_NAMED)
        check_named(answer, command);
    if (command->kind == COMMAND_REFUSED)
        check_refused(answer);
    if (command->kind == COMMAND_UPGRADE)
        check_upgrade(answer);
    if (!answer->ok) {
        if (strstr(answer->bytes, "bad selector") != NULL && command->kind != COMMAND_OTHER)
            broken_promise("a selector is understood", "%s", answer->bytes);
        if (command->kind == COMMAND_SEND && strstr(answer->bytes, "no such client") != NULL)
            direct_unknown(command->number);
        if (command->kind == COMMAND_SILENT || command->kind == COMMAND_CONFIRMED)
            confirmed_list_refused(command->confirmed, command->asked_ms, answer->bytes);
        return;
    }
    switch (command->kind) {
    case COMMAND_STATS:
        check_stats(answer);
        break;
    case COMMAND_CLIENTS:
        check_clients(answer, command);
        break;
    case COMMAND_COUNT:
        check_count(answer, command);
        break;
    case COMMAND_SILENT:
    case COMMAND_CONFIRMED:
        check_job_clients(answer, command);
        break;
    case COMMAND_SEND:
        direct_answered(command->number, number(answer, "sent"), number(answer, "failed"));
        check_confirmed(answer, command);
        break;
    case COMMAND_JOBS:
        check_job_lines(answer);
        break;
    case COMMAND_STREAMS:
        publishing_check_list(answer, command->asked_ms);
        break;
    case COMMAND_CONFIG:
        check_config(answer, command);
        break;
    case COMMAND_OFFLOAD:
        offloaded_check_answer(answer->bytes, command->asked_ms);
        break;
    default:
        break;
    }
}
