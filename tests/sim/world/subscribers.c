#include "sim/world/subscribers.h"

#include "sim/check/subscribers.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/trace.h"
#include "sim/net/connection.h"
#include "sim/os/files.h"
#include "sim/world/clients.h"
#include "sim/world/offload_settings.h"
#include "sim/world/reductions.h"
#include "sim/world/settings.h"
#include "sim/world/swarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { READ_BYTES = 4096, FOR_EVER_MS = 10000000, FEW = 4 };

struct peer {
    struct connection *connection; /* NULL: none */
    uint32_t number;
    bool is_accepted;
    uint64_t reads_ms; /* does not read before */
    char *line;        /* the beginning of one */
    size_t size, capacity;
};

static struct peer peers[SUBSCRIBERS_MAX];
static size_t count;
static bool quiet;

/* ---- reading ---- */

static void disconnect(struct peer *peer)
{
    connection_close(peer->connection, false);
    peer->connection = NULL;
}

/* Returns false after a refusal. */
static bool read_line(struct peer *peer)
{
    if (peer->is_accepted) {
        subscribers_read(peer->number, peer->line);
        return true;
    }
    if (strcmp(peer->line, "ok") != 0 && strncmp(peer->line, "error ", 6) != 0)
        broken_promise("an answer begins with ok or error", "it begins with %.40s", peer->line);
    peer->is_accepted = strcmp(peer->line, "ok") == 0;
    if (peer->is_accepted)
        subscribers_accepted(peer->number);
    return peer->is_accepted;
}

/* Returns false after a refusal. */
static bool add(struct peer *peer, char byte)
{
    if (peer->size + 1 > peer->capacity) {
        peer->capacity = 2 * peer->capacity + 256;
        peer->line = realloc(peer->line, peer->capacity);
    }
    peer->line[peer->size++] = byte == '\n' ? '\0' : byte;
    if (byte != '\n')
        return true;
    peer->size = 0;
    return read_line(peer);
}

/* Reads all that has arrived. Returns how much; the connection is closed after a refusal. */
static size_t read_all(struct peer *peer)
{
    char bytes[READ_BYTES];
    size_t sum = 0, size;
    while ((size = connection_read(peer->connection, bytes, sizeof bytes)) > 0) {
        sum += size;
        for (size_t i = 0; i < size; i++)
            if (!add(peer, bytes[i])) {
                disconnect(peer);
                return sum;
            }
    }
    return sum;
}

static bool reads(const struct peer *peer)
{
    return quiet || event_queue_now_ms() >= peer->reads_ms;
}

static void on_reading(void *state)
{
    struct peer *peer = state;
    if (peer->connection == NULL)
        return;
    if (reads(peer))
        read_all(peer);
    if (peer->connection != NULL && connection_is_over(peer->connection))
        disconnect(peer);
    if (peer->connection != NULL)
        event_queue_add(20000000, on_reading, peer);
}

void subscribers_check_idle(void)
{
    for (size_t i = 0; i < count; i++) {
        struct peer *peer = &peers[i];
        if (peer->connection == NULL || !peer->is_accepted || !reads(peer))
            continue;
        /* If there was something, the server may now have space for more. */
        if (read_all(peer) == 0 && !connection_is_over(peer->connection))
            subscribers_check(peer->number);
    }
}

/* ---- beginning ---- */

static struct subscriber_filter draw_filter(void)
{
    static const unsigned bits[] = {8, 24, 32};
    struct subscriber_filter filter = {.listener = -1, .addr.family = ADDR_NONE};
    bool listens = draw_below(DRAW_SUBSCRIBERS, 3) != 0;
    filter.kinds = listens ? 1u << SUBSCRIBER_MESSAGE : (uint32_t)draw(DRAW_SUBSCRIBERS) & 0xfe;
    if (filter.kinds == 0 || (!listens && draw_below(DRAW_SUBSCRIBERS, 2) == 0))
        filter.kinds = 0xfe;
    /* The counters count those that rejoin with the others. */
    if (filter.kinds & (1u << SUBSCRIBER_JOINED | 1u << SUBSCRIBER_EXPIRED))
        filter.kinds |= 1u << SUBSCRIBER_REJOINED;
    uint64_t kind = draw_below(DRAW_SUBSCRIBERS, 6), drawn = draw(DRAW_SUBSCRIBERS);
    const struct drawn_listener *listener = &setup.listeners[drawn % setup.listener_count];
    if (kind == 0 && (listener->kind == LISTEN_UDP || listener->kind == LISTEN_GROUP)) {
        filter.listener = listener->number;
    } else if (kind == 1) {
        filter.addr = *clients_address(drawn);
        filter.bits = bits[draw_below(DRAW_SUBSCRIBERS, 3)];
    }
    return filter;
}

static const char *text_of_listener(int number)
{
    for (size_t i = 0; i < setup.listener_count; i++)
        if (setup.listeners[i].number == number)
            return setup.listeners[i].text;
    return "";
}

static void write_command(char *line, size_t room, const struct subscriber_filter *filter)
{
    char text[ADDR_TEXT_BYTES];
    int at = snprintf(line, room, filter->kinds & 1 ? "listen" : "events");
    if (!(filter->kinds & 1) && filter->kinds != 0xfe) {
        const char *before = " kinds=";
        for (unsigned i = 1; i < SUBSCRIBER_KINDS; i++)
            if (filter->kinds >> i & 1) {
                at +=
                    snprintf(line + at, room - (size_t)at, "%s%s", before, subscriber_kind_name(i));
                before = ",";
            }
    }
    if (filter->listener >= 0)
        at += snprintf(line + at, room - (size_t)at, " listener=%s",
                       text_of_listener(filter->listener));
    if (filter->addr.family != ADDR_NONE) {
        struct addr base = filter->addr;
        for (unsigned i = filter->bits; i < 128; i++)
            base.ip[i / 8] &= (uint8_t) ~(1 << (7 - i % 8));
        base.scope = 0;
        addr_format(&base, text);
        bool is_ipv6 = text[0] == '[';
        text[strcspn(text, is_ipv6 ? "]" : ":")] = '\0';
        at += snprintf(line + at, room - (size_t)at, " to=%s/%u", text + is_ipv6, filter->bits);
    }
    snprintf(line + at, room - (size_t)at, "\n");
}

static void begin(struct peer *peer)
{
    const struct addr none = {.family = ADDR_NONE};
    const struct subscriber_filter filter = draw_filter();
    bool is_message = filter.kinds & 1u << SUBSCRIBER_MESSAGE;
    bool observes = !is_message && setup.has_observers && draw_below(DRAW_OBSERVER, 2) == 0;
    const struct simulated_file *file =
        simulated_file_find(observes ? settings_observer_path() : settings_control_path());
    char line[512];
    if ((setup.control_off && !observes) || file == NULL || file->listener == NULL)
        return;
    peer->connection = connection_open((struct acceptor *)file->listener, &none);
    if (peer->connection == NULL)
        return;
    peer->connection->is_operator = true;
    peer->is_accepted = false;
    peer->size = 0;
    uint64_t stalls = draw_below(DRAW_SUBSCRIBERS, 4);
    peer->reads_ms = 0;
    if (stalls == 0)
        peer->reads_ms = event_queue_now_ms() + draw_range(DRAW_SUBSCRIBERS, 100, 60000);
    else if (stalls == 1)
        peer->reads_ms = event_queue_now_ms() + FOR_EVER_MS;
    if (stalls <= 1)
        peer->connection->to_client.limit = draw_range(DRAW_SUBSCRIBERS, 100, 5000);
    write_command(line, sizeof line, &filter);
    subscribers_begin(peer->number, &filter);
    if (connection_write(peer->connection, line, strlen(line)) != strlen(line) ||
        draw_below(DRAW_SUBSCRIBERS, 8) == 0)
        disconnect(peer); /* before it is accepted */
    else
        event_queue_add(1000000, on_reading, peer);
}

static void on_turn(void *state)
{
    struct peer *peer = state;
    if (quiet)
        return;
    if (peer->connection == NULL)
        begin(peer);
    else if (draw_below(DRAW_SUBSCRIBERS, 5) == 0)
        disconnect(peer);
    event_queue_add(draw_range(DRAW_SUBSCRIBERS, 1, 10000) * 1000000, on_turn, peer);
}

void subscribers_draw(void)
{
    bool some = draw_below(DRAW_SUBSCRIBERS, 3) == 0;
    count = some ? draw_range(DRAW_SUBSCRIBERS, 1, FEW) : 0;
    if (swarm.many_subscribers)
        count = SUBSCRIBERS_MAX;
    if (reductions_leave_out(WITHOUT_SUBSCRIBERS) || offload_settings_is_unseen())
        count = 0;
    quiet = false;
    for (uint32_t i = 0; i < count; i++) {
        peers[i].number = i;
        event_queue_add(draw_below(DRAW_SUBSCRIBERS, 3000000000), on_turn, &peers[i]);
    }
}

void subscribers_disconnect(void)
{
    for (size_t i = 0; i < SUBSCRIBERS_MAX; i++) {
        event_queue_remove(&peers[i]);
        if (peers[i].connection != NULL)
            disconnect(&peers[i]);
    }
    quiet = true;
}

void subscribers_end(void)
{
    quiet = true;
    for (size_t i = 0; i < count; i++)
        if (peers[i].connection != NULL)
            event_queue_add(1000000, on_reading, &peers[i]);
}
