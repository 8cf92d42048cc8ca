#include "sim/world/metrics_peers.h"

#include "sim/check/http_answers.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/connection.h"
#include "sim/os/files.h"
#include "sim/os/processes.h"
#include "sim/world/faults.h"
#include "sim/world/metrics_settings.h"
#include "sim/world/plan.h"
#include "sim/world/reductions.h"
#include "sim/world/settings.h"
#include "sim/world/swarm.h"
#include "sim/world/upgrades.h"

#include <stdlib.h>
#include <string.h>

enum {
    PEERS_MAX = 40,
    FEW_PEERS = 3,
    MANY_IN = 12, /* of the runs one has more peers than the server has places */
    REQUESTS_MAX = 4,
    OUTPUT_BYTES = 512,
    READ_BYTES = 4096,
    SLOW_BYTES = 400, /* that a slow peer reads at a time, */
    SLOW_BUFFER_BYTES = 2000,
    SLOW_MS = 100,
    /* Of the server: docs/man/udpsrv.8. */
    CONNECTIONS_MAX = 32,
    TIMEOUT_MS = 10000,
    CHECK_MS = 1000,
    SLOP_MS = 100,
    RECENT_MS = 5,
};

enum resource { RESOURCE_OTHER, RESOURCE_METRICS, RESOURCE_STATUS };

struct request {
    const char *text;
    int status;
    enum resource resource;
    bool closes; /* the connection ends after the answer */
    bool is_head, is_foreign;
};

enum { REQUESTS_VALID = 6 }; /* the first ones are sent in pieces, too */
static const struct request requests[] = {
    {.text = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
     .status = 200,
     .resource = RESOURCE_METRICS},
    {.text = "GET /status.json HTTP/1.1\r\nHost: 127.0.0.1:9300\r\nAccept: */*\r\n\r\n",
     .status = 200,
     .resource = RESOURCE_STATUS},
    {.text = "\r\nGET /healthz HTTP/1.1\r\nHost: localhost:9300\r\n\r\n", .status = 200},
    {.text = "GET /status.json HTTP/1.0\nHost: 192.0.2.1\n\n",
     .status = 200,
     .resource = RESOURCE_STATUS,
     .closes = true},
    {.text = "HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", .status = 200, .is_head = true},
    {.text = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
     .status = 200,
     .closes = true},
    {.text = "GET /live.css HTTP/1.1\r\nHost: localhost\r\n\r\n", .status = 200},
    {.text = "GET /healthz HTTP/1.1\r\nHost: www.example.com\r\n\r\n",
     .status = 200,
     .is_foreign = true},
    {.text = "GET /no/such/path HTTP/1.1\r\nHost: localhost\r\n\r\n", .status = 404},
    {.text = "POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", .status = 405},
    {.text = "ASK /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", .status = 501},
    {.text = "GET /metrics HTTP/1.1\r\n\r\n", .status = 400, .closes = true},
    {.text = "GET /metrics HTTP/2.0\r\n\r\n", .status = 505, .closes = true},
    {.text = "GET /\x01 HTTP/1.1\r\n\r\n", .status = 400, .closes = true},
    {.text = "\x16\x03\x01\n", .status = 400, .closes = true},
    {.text = "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
     .status = 405,
     .closes = true},
    {.text = "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
     .status = 413,
     .closes = true},
    {.text = "GET / HTTP/1.1\r\nHost: localhost\r\n folded: 1\r\n\r\n",
     .status = 400,
     .closes = true},
};
enum { REQUESTS = sizeof requests / sizeof requests[0] };

struct peer {
    struct connection *connection; /* NULL: none */
    bool is_slow;
    char output[OUTPUT_BYTES];
    size_t output_size, sent;
    char *input;
    size_t size, capacity;
    const struct request *asked[REQUESTS_MAX];
    unsigned asked_count, answered; /* asked: when all output is sent */
    uint64_t line_ms; /* when the first line of a request after an answer was whole; 0: never */
    uint64_t asked_ms, answered_ms;
    uint64_t before_ms;      /* when the requests before were asked */
    struct http_known known; /* when all output was sent */
    bool may_be_allowed, may_be_denied, has_ended, may_have_body;
    uint64_t opened_ms, faults;
    unsigned applied;
    pid_t process; /* that served when it was opened */
    bool may_be_replaced;
};

static struct peer peers[PEERS_MAX];
static size_t count;

static const char PROMISE[] = "each HTTP request gets one answer";

static void disconnect(struct peer *peer)
{
    connection_close(peer->connection, draw_below(DRAW_METRICS, 4) == 0);
    peer->connection = NULL;
}

/* ---- what is allowed ---- */

static void note_rules(struct peer *peer)
{
    const struct settings *const rules[] = {&settings, settings_change ? &next_settings : NULL};
    for (size_t i = 0; i < 2 && rules[i] != NULL; i++) {
        bool is_allowed = setup.metrics.kind == LISTEN_UNIX ||
                          metrics_settings_allow(rules[i], &peer->connection->peer);
        peer->may_be_allowed |= is_allowed;
        peer->may_be_denied |= !is_allowed;
    }
}

static pid_t serving(void)
{
    return processes_server() >= 0 ? processes_pid(processes_server()) : 0;
}

/* Whether the server, or the kernel, may have ended the connection of any peer. */
static bool may_be_disconnected(const struct peer *peer)
{
    return plan_is_stopping() || upgrades_are_running() || serving() != peer->process ||
           peer->may_be_replaced || faults_count() != peer->faults ||
           acceptor_refused_ms() >= peer->opened_ms;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool is_complete(const struct peer *peer)
{
    return peer->sent == peer->output_size;
}

/* Whether a limit of time may have ended it. The server has answered since it was asked. */
static bool is_old(const struct peer *peer)
{
    uint64_t replied_ms =
        is_complete(peer) && peer->answered > 0 ? peer->asked_ms : peer->before_ms;
    uint64_t since_ms = later(peer->connection->accepted_ms, replied_ms);
    return event_queue_now_ms() + SLOP_MS >= since_ms + TIMEOUT_MS;
}

static unsigned open_requests(const struct peer *peer)
{
    return is_complete(peer) ? peer->asked_count - peer->answered : 0;
}

/* ---- answers ---- */

static int expected_status(const struct request *request)
{
    bool is_on_loopback = setup.metrics.kind == LISTEN_TCP && addr_is_loopback(&setup.metrics.addr);
    return request->is_foreign && is_on_loopback ? 421 : request->status;
}

static bool is_expected(const struct peer *peer, const struct request *request, int status)
{
    if (status == 403)
        return peer->may_be_denied;
    if (status == 503)
        return plan_is_stopping() || swarm.upgrades;
    if (status == 408)
        return is_old(peer);
    return peer->may_be_allowed && status == expected_status(request);
}

static void check_content(const struct peer *peer, const struct request *request,
                          const struct http_read *answer)
{
    bool is_recent = event_queue_now_ms() <= peer->asked_ms + RECENT_MS && !settings_change &&
                     peer->applied == settings_applied() && !upgrades_are_running() &&
                     upgrades_taken_ms() < peer->opened_ms && !plan_is_stopping();
    if (answer->status != 200 || plan_is_stopping() || upgrades_have_stopped_service())
        return;
    if (request->resource == RESOURCE_STATUS)
        http_answers_check_status(answer, &peer->known, is_recent);
    else if (request->resource == RESOURCE_METRICS && !request->is_head)
        http_answers_check_metrics(answer, &peer->known);
}

/* Whether the connection may have been refused before a request was read. */
static bool is_rejected(const struct peer *peer)
{
    return peer->may_be_denied && peer->connection->server_closed;
}

/* An answer without a request: the peer is not allowed, or was too slow. */
static void take_refusal(struct peer *peer, int status)
{
    bool is_expected_one = (status == 403 && peer->may_be_denied && peer->answered == 0) ||
                           (status == 408 && is_old(peer));
    if (!is_expected_one)
        broken_promise(PROMISE, "one of status %d is to none", status);
    peer->has_ended = true;
}

static void take_answer(struct peer *peer, const struct http_read *answer)
{
    if (peer->has_ended)
        broken_promise(PROMISE, "one of status %d follows the last one", answer->status);
    if (open_requests(peer) == 0) {
        take_refusal(peer, answer->status);
        return;
    }
    const struct request *request = peer->asked[peer->answered];
    if (!is_expected(peer, request, answer->status))
        broken_promise("an HTTP request gets the answer of its resource", "status %d to %.20s",
                       answer->status, request->text);
    check_content(peer, request, answer);
    peer->answered++;
    peer->answered_ms = event_queue_now_ms();
    peer->has_ended =
        request->closes || answer->status == 408 || (answer->status == 403 && is_rejected(peer));
}

static void take_answers(struct peer *peer)
{
    struct http_read answer;
    size_t used;
    note_rules(peer);
    if (peer->may_have_body)
        peer->size = 0;
    while (peer->size > 0) {
        bool is_head =
            open_requests(peer) > 0 && peer->asked[peer->answered]->is_head && !is_rejected(peer);
        used = http_answers_read(peer->input, peer->size, is_head, &answer);
        if (used == 0)
            return;
        take_answer(peer, &answer);
        /* The server may not have got the line from which it knows that it was HEAD. */
        peer->may_have_body = is_head && answer.status == 408;
        if (peer->may_have_body)
            used = peer->size;
        memmove(peer->input, peer->input + used, peer->size - used + 1);
        peer->size -= used;
    }
}

static void read_some(struct peer *peer, size_t most)
{
    if (peer->size + most + 1 > peer->capacity) {
        peer->capacity = 2 * (peer->size + most + 1);
        peer->input = realloc(peer->input, peer->capacity);
    }
    peer->size += connection_read(peer->connection, peer->input + peer->size, most);
    peer->input[peer->size] = '\0';
}

/* The server has ended the connection. */
static void check_end(const struct peer *peer)
{
    bool is_lost = open_requests(peer) > 0 || peer->size > 0 || !peer->has_ended;
    if (is_lost && !peer->has_ended && !may_be_disconnected(peer) && !is_old(peer))
        broken_promise(PROMISE, "the connection has ended with %u open, and %zu bytes of one",
                       open_requests(peer), peer->size);
}

/* Returns whether there was something. */
static bool read_all(struct peer *peer)
{
    size_t first = peer->size, before;
    do {
        before = peer->size;
        read_some(peer, READ_BYTES);
    } while (peer->size > before);
    bool has_read = peer->size > first;
    take_answers(peer);
    return has_read;
}

/* ---- turns ---- */

static void on_reading(void *state)
{
    struct peer *peer = state;
    if (peer->connection == NULL)
        return;
    if (peer->is_slow) {
        read_some(peer, SLOW_BYTES);
        take_answers(peer);
    } else {
        read_all(peer);
    }
    if (connection_is_over(peer->connection)) {
        check_end(peer);
        disconnect(peer);
    } else if (open_requests(peer) > 0) {
        event_queue_add((uint64_t)SLOW_MS * 1000000, on_reading, peer);
    }
}

static bool has_sent_line(const struct peer *peer)
{
    return memchr(peer->output, '\n', peer->sent) != NULL;
}

/* The time of the first request counts from the connection on, that of a further one from its first
 * line. */
static void send_part(struct peer *peer, size_t most)
{
    size_t left = peer->output_size - peer->sent;
    bool had_line = has_sent_line(peer);
    peer->sent +=
        connection_write(peer->connection, peer->output + peer->sent, left < most ? left : most);
    if (peer->answered_ms > 0 && !had_line && has_sent_line(peer))
        peer->line_ms = event_queue_now_ms();
    if (!is_complete(peer))
        return;
    note_rules(peer);
    peer->asked_ms = event_queue_now_ms();
    peer->applied = settings_applied();
    peer->known = http_answers_known();
    event_queue_add(1000000, on_reading, peer);
}

static void on_piece(void *state)
{
    struct peer *peer = state;
    if (peer->connection == NULL || is_complete(peer))
        return;
    send_part(peer, draw_range(DRAW_METRICS, 1, OUTPUT_BYTES / 16));
    if (!is_complete(peer))
        event_queue_add(draw_range(DRAW_METRICS, 1, 3000) * 1000000, on_piece, peer);
}

static void add_request(struct peer *peer, const struct request *request)
{
    size_t size = strlen(request->text);
    memcpy(peer->output + peer->output_size, request->text, size);
    peer->output_size += size;
    peer->asked[peer->asked_count++] = request;
}

static void ask(struct peer *peer)
{
    bool in_pieces = draw_below(DRAW_METRICS, 4) == 0;
    size_t number = in_pieces ? 1 : draw_range(DRAW_METRICS, 1, REQUESTS_MAX);
    peer->output_size = peer->sent = peer->asked_count = peer->answered = 0;
    peer->before_ms = peer->asked_ms;
    for (size_t i = 0; i < number; i++) {
        uint64_t kind = draw_below(DRAW_METRICS, in_pieces ? REQUESTS_VALID : REQUESTS);
        add_request(peer, &requests[kind]);
        if (requests[kind].closes || draw_below(DRAW_METRICS, 2) == 0)
            break;
    }
    if (in_pieces)
        on_piece(peer);
    else
        send_part(peer, peer->output_size);
}

static struct acceptor *find_acceptor(void)
{
    if (setup.metrics.text == NULL || processes_server() < 0)
        return NULL;
    if (setup.metrics.kind == LISTEN_TCP)
        return acceptor_at(&setup.metrics.addr);
    const struct simulated_file *file = simulated_file_find(setup.metrics.path);
    return file != NULL ? (struct acceptor *)file->listener : NULL;
}

static struct addr draw_address(void)
{
    static const char *const addresses[] = {"203.0.113.9:40000", "198.51.100.7:40000",
                                            "127.0.0.1:40000", "192.0.2.77:40000"};
    struct addr addr = {.family = ADDR_NONE};
    uint64_t which = draw_below(DRAW_METRICS, sizeof addresses / sizeof addresses[0]);
    if (setup.metrics.kind == LISTEN_TCP)
        addr_parse(&addr, NULL, addresses[which], 0);
    return addr;
}

static void note_full(void)
{
    size_t open = 0;
    for (size_t i = 0; i < count; i++)
        open += peers[i].connection != NULL;
    for (size_t i = 0; i < count && open >= CONNECTIONS_MAX; i++)
        peers[i].may_be_replaced = true;
}

static void begin(struct peer *peer)
{
    struct acceptor *acceptor = find_acceptor();
    const struct addr addr = draw_address();
    char *input = peer->input;
    size_t capacity = peer->capacity;
    struct connection *connection = connection_open(acceptor, &addr);
    if (connection == NULL)
        return;
    *peer = (struct peer){.connection = connection,
                          .input = input,
                          .capacity = capacity,
                          .is_slow = draw_below(DRAW_METRICS, 5) == 0,
                          .opened_ms = event_queue_now_ms(),
                          .faults = faults_count(),
                          .process = serving()};
    connection->is_http = true;
    if (peer->is_slow)
        connection->to_client.limit = SLOW_BUFFER_BYTES;
    note_rules(peer);
    note_full();
    if (count <= FEW_PEERS && draw_below(DRAW_METRICS, 6) != 0)
        ask(peer);
}

static void on_turn(void *state)
{
    struct peer *peer = state;
    if (plan_is_stopping())
        return;
    if (peer->connection == NULL)
        begin(peer);
    else if (draw_below(DRAW_METRICS, count <= FEW_PEERS ? 8 : 40) == 0)
        disconnect(peer);
    else if (peer->asked_count > 0 && is_complete(peer) && open_requests(peer) == 0 &&
             !peer->has_ended)
        ask(peer);
    event_queue_add(draw_range(DRAW_METRICS, 1, 5000) * 1000000, on_turn, peer);
}

/* ---- what holds while no thread can run ---- */

/* A peer that sends nothing more is disconnected. The server takes an answer for read when the
 * kernel has taken all of it: while a peer has not read one, its time counts from then on. */
static void check_time(const struct peer *peer)
{
    const struct connection *connection = peer->connection;
    bool has_ended = connection->server_closed || connection->server_ended || connection->reset;
    uint64_t since_ms = later(later(connection->accepted_ms, peer->answered_ms),
                              later(peer->line_ms, peer->asked_ms));
    if (open_requests(peer) > 0)
        since_ms = later(since_ms, connection->written_ms);
    if (!has_ended && event_queue_now_ms() > since_ms + TIMEOUT_MS + CHECK_MS + SLOP_MS)
        broken_promise("an HTTP peer that sends nothing is disconnected after 10 s",
                       "it is not after %d s", (int)((event_queue_now_ms() - since_ms) / CHECK_MS));
}

static void check_answered(struct peer *peer)
{
    /* If there was something, the server may now write more. */
    bool has_read = read_all(peer);
    if (connection_is_over(peer->connection)) {
        check_end(peer);
        disconnect(peer);
    } else if (!has_read && open_requests(peer) > 0 && !peer->has_ended) {
        broken_promise(PROMISE, "%u wait while the server has nothing to do", open_requests(peer));
    }
}

void metrics_peers_check_idle(void)
{
    size_t accepted = 0;
    for (size_t i = 0; i < count && !plan_is_stopping(); i++) {
        struct peer *peer = &peers[i];
        if (peer->connection == NULL || peer->connection->accepted_ms == 0)
            continue;
        accepted += !peer->connection->server_closed;
        check_time(peer);
        if (!peer->is_slow)
            check_answered(peer);
    }
    if (accepted > CONNECTIONS_MAX)
        broken_promise("the HTTP server has at most 32 connections", "it has %zu", accepted);
}

/* ---- the run ---- */

void metrics_peers_draw(void)
{
    uint64_t few = draw_range(DRAW_METRICS, 1, FEW_PEERS);
    bool are_many = draw_below(DRAW_METRICS, MANY_IN) == 0;
    bool is_served = setup.metrics.text != NULL || swarm.upgrades;
    count = are_many ? PEERS_MAX : few;
    if (!is_served || reductions_leave_out(WITHOUT_METRICS))
        count = 0;
    for (size_t i = 0; i < count; i++)
        event_queue_add(draw_below(DRAW_METRICS, 3000000000), on_turn, &peers[i]);
}

void metrics_peers_disconnect(void)
{
    for (size_t i = 0; i < PEERS_MAX; i++) {
        event_queue_remove(&peers[i]);
        if (peers[i].connection != NULL)
            disconnect(&peers[i]);
    }
}
