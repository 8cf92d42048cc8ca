#include "sim/world/gateways.h"

#include "sim/check/confirmed.h"
#include "sim/check/copies.h"
#include "sim/check/direct.h"
#include "sim/check/gaps.h"
#include "sim/check/payload.h"
#include "sim/check/published.h"
#include "sim/core/broken.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/connection.h"
#include "sim/os/files.h"
#include "sim/world/broadcasts.h"
#include "sim/world/clients.h"
#include "sim/world/confirming.h"
#include "sim/world/offload_settings.h"
#include "sim/world/reductions.h"
#include "sim/world/settings.h"
#include "sim/world/streams.h"
#include "sim/world/swarm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GATEWAYS_MAX = 3,
    REQUESTS_MAX = 600, /* of a burst: more than two batches of the server */
    REQUEST_BYTES = 256,
    LINE_BYTES = 4096, /* of the server; the longer ones are messages, which others check */
};

struct gateway {
    struct connection *connection; /* NULL: none */
    uint32_t session;              /* from 1, of all sessions */
    bool is_accepted, has_ended;   /* it has sent "end" */
    uint64_t reads_ms;             /* does not read before */
    char line[LINE_BYTES];
    size_t size; /* of it; the rest of a longer line is dropped */
    char *output;
    size_t sent, unsent; /* bytes of the output */
    size_t open;         /* requests without a result, */
    size_t open_jobs;    /* and those that a broadcast or confirmations keep */
    bool is_open[DIRECTS_MAX], is_open_broadcast[BROADCASTS_MAX];
    bool to_nobody[DIRECTS_MAX]; /* its address is wrong */
};

_Static_assert(GATEWAYS_MAX <= (int)PUBLISHED_STREAMS, "each has a stream whose gaps it reports");

static struct gateway gateways[GATEWAYS_MAX];
static size_t count;
static uint32_t sessions;
static bool quiet;

/* The stream whose gaps a gateway reports: each has one of its own. */
static unsigned stream_of(const struct gateway *gateway)
{
    return (unsigned)(gateway - gateways);
}

static void disconnect(struct gateway *gateway)
{
    gaps_session_ended(stream_of(gateway));
    connection_close(gateway->connection, false);
    gateway->connection = NULL;
}

/* ---- results ---- */

/* Takes the number of a message that has no result yet. */
static uint32_t take_open(struct gateway *gateway, const char *ref)
{
    uint32_t number = (uint32_t)strtoul(ref, NULL, 10);
    if (number == 0 || number >= DIRECTS_MAX || !gateway->is_open[number])
        broken_promise("each request has one result", "a result for '%.20s'", ref);
    gateway->is_open[number] = false;
    gateway->open -= direct_confirmed(number) == 0;
    gateway->open_jobs -= direct_confirmed(number) != 0;
    return number;
}

/* The same of a broadcast, whose reference begins with a b. */
static uint32_t take_broadcast(struct gateway *gateway, const char *ref)
{
    uint32_t number = (uint32_t)strtoul(ref + 1, NULL, 10);
    if (!gateway->is_open_broadcast[number % BROADCASTS_MAX])
        broken_promise("each request has one result", "a result for '%.20s'", ref);
    gateway->is_open_broadcast[number % BROADCASTS_MAX] = false;
    gateway->open_jobs--;
    return number;
}

/* The number after " KEY=". */
static uint64_t count_of(const char *result, const char *key)
{
    char text[32];
    snprintf(text, sizeof text, " %s=", key);
    const char *found = strstr(result, text);
    if (found == NULL)
        broken_promise("a result has counts", "%s is missing in '%.200s'", key, result);
    return strtoull(found + strlen(text), NULL, 10);
}

static void read_confirmations(uint32_t job, const char *result)
{
    bool has_state = strstr(result, " state=") != NULL;
    struct confirmed_report report = {
        .is_done = strstr(result, " state=done ") != NULL,
        .duration_ms = has_state ? count_of(result, "duration_ms") : 0,
        .copies = count_of(result, "sent") + count_of(result, "failed"),
        .confirmed = count_of(result, "confirmed"),
        .silent = count_of(result, "silent"),
        .plain = count_of(result, "plain"),
        .rounds = count_of(result, "rounds"),
        .datagrams = count_of(result, "datagrams"),
    };
    if (has_state)
        confirmed_set_id(job, count_of(result, "id"));
    confirmed_ended(job, &report);
}

static void read_broadcast_result(struct gateway *gateway, const char *value)
{
    uint32_t number = take_broadcast(gateway, value), job = copies_confirmed(number);
    copies_broadcast_ended(number, strstr(value, " state=done ") != NULL,
                           count_of(value, "targets"), count_of(value, "sent"),
                           count_of(value, "failed"), count_of(value, "skipped"));
    bool is_duplicate = strstr(value, " state=duplicate ") != NULL;
    if (is_duplicate) {
        published_duplicate(number);
        confirmed_refused(job);
    } else if (published_has_key(number)) {
        published_queued(number);
    }
    if (job != 0 && !is_duplicate)
        read_confirmations(job, value);
}

static void read_result(struct gateway *gateway, const char *value)
{
    if (value[0] == '-') /* a message without a reference has failed */
        return;
    if (value[0] == 'b') {
        read_broadcast_result(gateway, value);
        return;
    }
    if (value[0] == 'g') {
        gaps_answered(stream_of(gateway), strcmp(value, "gap state=counted") == 0);
        return;
    }
    uint32_t number = take_open(gateway, value), job = direct_confirmed(number);
    direct_answered(number, count_of(value, "sent"), count_of(value, "failed"));
    if (job != 0)
        read_confirmations(job, value);
}

/* Why a broadcast, or a message that is to be confirmed, may be refused. */
static bool is_busy(const char *value)
{
    static const char *const reasons[] = {
        "the queue is full", "have not ended",    "was cancelled",     "stopping",
        "out of memory",     "cannot be written", "was refused before"};
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (strstr(value, reasons[i]) != NULL)
            return true;
    return false;
}

static void read_error(struct gateway *gateway, const char *value)
{
    bool is_valid = true, is_unknown = strstr(value, "no such client") != NULL;
    if (value[0] == '-')
        return;
    if (value[0] == 'b') {
        uint32_t number = take_broadcast(gateway, value);
        if (published_has_key(number))
            published_refused(number, value);
        confirmed_refused(copies_confirmed(number));
        is_unknown = false;
    } else {
        uint32_t number = take_open(gateway, value);
        is_valid = !gateway->to_nobody[number];
        if (is_unknown && is_valid)
            direct_unknown(number);
    }
    if (!is_unknown && is_valid && !is_busy(value))
        broken_promise("a valid request is carried out", "it is refused: %.200s", value);
}

static void read_line(struct gateway *gateway)
{
    const char *line = gateway->line;
    if (!gateway->is_accepted) {
        gateway->is_accepted = strcmp(line, "ok") == 0;
        if (!gateway->is_accepted)
            disconnect(gateway);
    } else if (strncmp(line, "result ", 7) == 0) {
        read_result(gateway, line + 7);
    } else if (strncmp(line, "error ", 6) == 0) {
        read_error(gateway, line + 6);
    } else if (strcmp(line, ".") == 0) {
        if (!gateway->has_ended || gateway->open + gateway->open_jobs > 0)
            broken_promise("a gateway ends after its last result", "%zu requests have none",
                           gateway->open + gateway->open_jobs);
        disconnect(gateway);
    }
}

/* Reads all that has arrived. Returns how much. */
static size_t read_all(struct gateway *gateway)
{
    char bytes[LINE_BYTES];
    size_t sum = 0, size;
    while (gateway->connection != NULL &&
           (size = connection_read(gateway->connection, bytes, sizeof bytes)) > 0) {
        sum += size;
        for (size_t i = 0; i < size && gateway->connection != NULL; i++) {
            if (bytes[i] != '\n') {
                if (gateway->size + 1 < sizeof gateway->line)
                    gateway->line[gateway->size++] = bytes[i];
                continue;
            }
            gateway->line[gateway->size] = '\0';
            gateway->size = 0;
            read_line(gateway);
        }
    }
    return sum;
}

/* ---- requests ---- */

static void add_line(struct gateway *gateway, const char *line)
{
    size_t size = strlen(line);
    gateway->output = realloc(gateway->output, gateway->unsent + size);
    memcpy(gateway->output + gateway->unsent, line, size);
    gateway->unsent += size;
}

/* Writes what the connection takes. */
static void flush(struct gateway *gateway)
{
    gateway->sent += connection_write(gateway->connection, gateway->output + gateway->sent,
                                      gateway->unsent - gateway->sent);
    if (gateway->sent == gateway->unsent)
        gateway->sent = gateway->unsent = 0;
}

static void write_hex(char *line, size_t bytes, const char *payload, size_t size)
{
    size_t at = strlen(line);
    for (size_t i = 0; i < size; i++)
        at += (size_t)snprintf(line + at, bytes - at, "%02x", (unsigned char)payload[i]);
    snprintf(line + at, bytes - at, "\n");
}

/* Whether a message may be to be confirmed. The messages of a session that are not leave in their
 * order. */
static uint32_t draw_confirm(struct gateway *gateway, uint32_t number, bool is_possible,
                             char words[CONFIRMING_WORDS_BYTES])
{
    enum { EACH_IN = 8, SHORT_QUEUE = 2, EACH_OF_FEW_IN = 2 }; /* a short queue gets full */
    uint64_t each_in = settings.queue <= SHORT_QUEUE ? EACH_OF_FEW_IN : EACH_IN;
    bool is_drawn = is_possible && draw_below(DRAW_GATEWAYS, each_in) == 0;
    uint32_t job = is_drawn ? confirming_draw_words(true, words) : 0;
    direct_set_confirmed(number, job);
    direct_set_session(number, job == 0 ? gateway->session : 0);
    return job;
}

/* A message to a client, with or without a reference, or to an address that no client can have. */
static void add_message(struct gateway *gateway)
{
    char payload[64], text[ADDR_TEXT_BYTES], line[REQUEST_BYTES];
    char confirm[CONFIRMING_WORDS_BYTES] = "", ref[16] = "-";
    uint64_t drawn = draw(DRAW_GATEWAYS);
    const struct addr *stream = drawn % 8 == 0 ? streams_tcp_address(drawn / 8) : NULL;
    const struct addr *addr = stream != NULL ? stream : clients_address(drawn / 8);
    uint32_t number = direct_asked(addr, stream != NULL);
    if (number == 0)
        return;
    bool is_wrong = draw_below(DRAW_GATEWAYS, 30) == 0;
    bool has_ref = is_wrong || draw_below(DRAW_GATEWAYS, 4) != 0;
    uint32_t job = draw_confirm(gateway, number, stream == NULL && !is_wrong, confirm);
    size_t size = payload_write_direct(payload, number);
    if (has_ref)
        snprintf(ref, sizeof ref, "%" PRIu32, number);
    snprintf(line, sizeof line, "send %s %s%s%s ", ref, stream != NULL ? "tcp:" : "",
             is_wrong ? "nobody" : addr_format(addr, text), confirm);
    write_hex(line, sizeof line, payload, size);
    add_line(gateway, line);
    gateway->is_open[number] = has_ref;
    gateway->to_nobody[number] = is_wrong;
    gateway->open += has_ref && job == 0;
    gateway->open_jobs += has_ref && job != 0;
}

/* A broadcast. Those of gateways leave numbers for the operators. */
static void add_broadcast(struct gateway *gateway)
{
    struct drawn_broadcast drawn;
    char line[BROADCASTS_ARGUMENTS_BYTES + 32];
    if (reductions_leave_out(WITHOUT_BROADCASTS) || broadcasts_count() > BROADCASTS_MAX / 2 ||
        !broadcasts_draw(&drawn, false, draw_below(DRAW_GATEWAYS, 20)))
        return;
    snprintf(line, sizeof line, "broadcast b%" PRIu32 "%s", drawn.number, drawn.arguments);
    add_line(gateway, line);
    gateway->is_open_broadcast[drawn.number % BROADCASTS_MAX] = true;
    gateway->open_jobs++;
}

static void add_gap(struct gateway *gateway)
{
    char line[REQUEST_BYTES], missing[16] = "-", before[16] = "-";
    unsigned stream = stream_of(gateway);
    const struct gap_report gap = gaps_draw(stream);
    if (gap.after == 0)
        return;
    if (gap.missing > 0)
        snprintf(missing, sizeof missing, "%" PRIu32, gap.missing);
    if (draw_below(DRAW_PUBLISH, 2) == 0)
        snprintf(before, sizeof before, "%" PRIu32, gap.entries + 1);
    snprintf(line, sizeof line, "gap gap s%u %" PRIu32 " %s %s %" PRIu32 "\n", stream, gap.after,
             before, missing, gap.entries);
    add_line(gateway, line);
}

static void add_wrong(struct gateway *gateway)
{
    static const char *const lines[] = {
        "\n",
        "send\n",
        "send -\n",
        "send - 192.0.2.1:9\n",
        "stop - now\n",
        "send - 1 2 3\n",
        "broadcast - to=x 00\n",
        "broadcast - 0\n",
        "broadcast - confirm\n",
        "broadcast - confirm within=2h 00\n",
        "send - 192.0.2.1:9 confirm within=0s 00\n",
        "send - 192.0.2.1:9 within=2s 00\n",
        "gap - orders 5-1 8-0 x 7\n",
    };
    add_line(gateway, lines[draw_below(DRAW_GATEWAYS, sizeof lines / sizeof lines[0])]);
}

static void send_burst(struct gateway *gateway)
{
    size_t burst = draw_below(DRAW_GATEWAYS, 4) == 0 ? draw_below(DRAW_GATEWAYS, REQUESTS_MAX)
                                                     : draw_below(DRAW_GATEWAYS, 20);
    for (size_t i = 0; i < burst; i++)
        add_message(gateway);
    if (draw_below(DRAW_GATEWAYS, 8) == 0)
        add_broadcast(gateway);
    if (swarm.publishes && draw_below(DRAW_PUBLISH, 2) == 0)
        add_gap(gateway);
    if (draw_below(DRAW_GATEWAYS, 4) == 0)
        add_wrong(gateway);
    if (draw_below(DRAW_GATEWAYS, 12) == 0) {
        add_line(gateway, "end\n");
        gateway->has_ended = true;
    }
    flush(gateway);
}

/* ---- turns ---- */

static bool reads(const struct gateway *gateway)
{
    return quiet || event_queue_now_ms() >= gateway->reads_ms;
}

static void on_reading(void *state)
{
    struct gateway *gateway = state;
    if (gateway->connection == NULL)
        return;
    if (gateway->is_accepted)
        flush(gateway);
    if (reads(gateway))
        read_all(gateway);
    if (gateway->connection != NULL && connection_is_over(gateway->connection))
        disconnect(gateway);
    if (gateway->connection != NULL)
        event_queue_add(20000000, on_reading, gateway);
}

void gateways_check_idle(void)
{
    for (size_t i = 0; i < count; i++) {
        struct gateway *gateway = &gateways[i];
        if (gateway->connection == NULL || !gateway->is_accepted || !reads(gateway))
            continue;
        /* If there was something, the server may now read more. */
        if (read_all(gateway) == 0 && gateway->unsent == 0 && gateway->open > 0 &&
            !connection_is_over(gateway->connection))
            broken_promise("each request has a result", "%zu of a gateway have none",
                           gateway->open);
    }
}

static void begin(struct gateway *gateway)
{
    static const char *const commands[] = {"gateway\n", "gateway events\n",
                                           "gateway to=192.0.2.0/24\n"};
    const struct addr none = {.family = ADDR_NONE};
    const struct simulated_file *file = simulated_file_find(settings_control_path());
    const char *command = commands[draw_below(DRAW_GATEWAYS, 3)];
    if (setup.control_off || file == NULL || file->listener == NULL)
        return;
    gateway->connection = connection_open((struct acceptor *)file->listener, &none);
    if (gateway->connection == NULL)
        return;
    gateway->connection->is_operator = true;
    gateway->is_accepted = gateway->has_ended = false;
    gateway->size = gateway->sent = gateway->unsent = 0;
    gateway->open = gateway->open_jobs = 0;
    memset(gateway->is_open, 0, sizeof gateway->is_open);
    memset(gateway->is_open_broadcast, 0, sizeof gateway->is_open_broadcast);
    gateway->session = ++sessions;
    bool stalls = draw_below(DRAW_GATEWAYS, 4) == 0;
    gateway->reads_ms = 0;
    if (stalls) {
        gateway->reads_ms = event_queue_now_ms() + draw_range(DRAW_GATEWAYS, 100, 60000);
        gateway->connection->to_client.limit = draw_range(DRAW_GATEWAYS, 100, 5000);
    }
    if (connection_write(gateway->connection, command, strlen(command)) != strlen(command))
        disconnect(gateway);
    else
        event_queue_add(1000000, on_reading, gateway);
}

static void on_turn(void *state)
{
    struct gateway *gateway = state;
    if (quiet)
        return;
    if (gateway->connection == NULL)
        begin(gateway);
    else if (draw_below(DRAW_GATEWAYS, 10) == 0)
        disconnect(gateway);
    else if (gateway->is_accepted && !gateway->has_ended && gateway->unsent == 0)
        send_burst(gateway);
    event_queue_add(draw_range(DRAW_GATEWAYS, 1, 5000) * 1000000, on_turn, gateway);
}

void gateways_draw(void)
{
    bool some = draw_below(DRAW_GATEWAYS, 4) == 0;
    count = some && !reductions_leave_out(WITHOUT_GATEWAYS) && !offload_settings_is_unseen()
                ? draw_range(DRAW_GATEWAYS, 1, GATEWAYS_MAX)
                : 0;
    quiet = false;
    for (size_t i = 0; i < count; i++)
        event_queue_add(draw_below(DRAW_GATEWAYS, 3000000000), on_turn, &gateways[i]);
}

void gateways_disconnect(void)
{
    for (size_t i = 0; i < GATEWAYS_MAX; i++) {
        event_queue_remove(&gateways[i]);
        if (gateways[i].connection != NULL)
            disconnect(&gateways[i]);
    }
    quiet = true;
}

void gateways_end(void)
{
    quiet = true;
    for (size_t i = 0; i < count; i++)
        if (gateways[i].connection != NULL)
            event_queue_add(1000000, on_reading, &gateways[i]);
}
