#include "sim/world/clients.h"

#include "sim/check/model.h"
#include "sim/check/payload.h"
#include "sim/core/draw.h"
#include "sim/core/event_queue.h"
#include "sim/core/hash.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/net/network.h"
#include "sim/net/udp.h"
#include "sim/world/client_address.h"
#include "sim/world/confirming.h"
#include "sim/world/naming.h"
#include "sim/world/reductions.h"
#include "sim/world/settings.h"
#include "sim/world/swarm.h"

#include <stdlib.h>
#include <string.h>

enum kind { PLAIN, PROVER, FORGER };

enum {
    HEAD_BYTES = 5,
    COOKIE_BYTES = 16,
    ANSWER_BYTES = HEAD_BYTES + COOKIE_BYTES,
    MESSAGE_HEAD_BYTES = 14
};

struct client {
    enum kind kind;
    const struct drawn_listener *listener; /* of the configuration in effect */
    const char *listener_text;
    struct addr addr, server; /* its own address, and the one that it sends to */
    uint64_t period_ns;
    uint32_t number, sent;
    bool has_cookie, vanished;
    bool has_answered; /* a challenge, since its last request: it answers one for each */
    struct naming_cookies cookies;
    uint64_t last_request_ms, last_reply_ms;
    uint32_t pending; /* number of the request that was challenged */
    bool has_got;     /* the broadcast that is expected */
};

static struct client clients[CLIENTS_MAX];
static size_t count;
static bool quiet, stopped;
static unsigned flood_left;   /* requests of a flood that are not yet sent */
static uint64_t broadcast_ms; /* when the expected one began */
static uint32_t expected;     /* its number */

enum { TABLE = 1 << 14 };
static uint16_t table[TABLE]; /* indexes + 1, by address */

/* ---- finding a client by its address ---- */

static size_t place_of(const struct addr *addr)
{
    size_t at = hash_add_addr(0, addr) % TABLE;
    while (table[at] != 0 && memcmp(&clients[table[at] - 1].addr, addr, sizeof *addr) != 0)
        at = (at + 1) % TABLE;
    return at;
}

/* The table is made again after a client has got another address. */
static void fill_table(void)
{
    memset(table, 0, sizeof table);
    for (size_t i = 0; i < count; i++)
        table[place_of(&clients[i].addr)] = (uint16_t)(i + 1);
}

const struct addr *clients_address(uint64_t any)
{
    return &clients[any % count].addr;
}

/* ---- sending ---- */

static void send(struct client *client, const void *bytes, size_t size)
{
    network_to_server(&client->addr, &client->server, bytes, size);
}

static size_t write_request(struct client *client, char *bytes, uint32_t number)
{
    size_t size = 0;
    if (!quiet && !reductions_are_steady() && draw_below(DRAW_CLIENTS, 4) == 0)
        size = draw_below(DRAW_CLIENTS, setup.max_datagram);
    size = payload_write_message(bytes, client->number, number, size);
    if (size > setup.max_datagram)
        size = setup.max_datagram;
    if (number % 4 == 0)
        payload_end_in_newline(bytes, size);
    return size;
}

static void send_request(struct client *client)
{
    static char bytes[65536];
    client->last_request_ms = event_queue_now_ms();
    client->pending = client->sent;
    client->has_answered = false;
    send(client, bytes, write_request(client, bytes, client->sent++));
}

static void send_answer(struct client *client, const uint8_t *cookie)
{
    static char bytes[65536];
    memcpy(bytes, "\0UDP\2", HEAD_BYTES);
    memcpy(bytes + HEAD_BYTES, cookie, COOKIE_BYTES);
    send(client, bytes,
         ANSWER_BYTES + write_request(client, bytes + ANSWER_BYTES, client->pending));
}

static void send_frame(struct client *client, uint8_t type)
{
    uint8_t bytes[64] = {0, 'U', 'D', 'P', type};
    size_t size = HEAD_BYTES + draw_below(DRAW_CLIENTS, 40);
    if (type == 3)
        size = client->has_cookie ? ANSWER_BYTES : HEAD_BYTES;
    memcpy(bytes + HEAD_BYTES, client->cookies.last, COOKIE_BYTES);
    send(client, bytes, size);
}

static void send_hello(struct client *client)
{
    enum { THIEVES_IN = 4 };
    uint8_t bytes[NAMING_HELLO_BYTES];
    bool has_key = client->number % THIEVES_IN != 0;
    send(client, bytes, naming_draw_hello(bytes, &client->cookies, has_key));
}

/* A hello that asks for frames. */
static void send_frames_hello(struct client *client)
{
    const uint8_t bytes[] = {0, 'U', 'D', 'P', 8, 1};
    send(client, bytes, sizeof bytes);
}

/* The confirm of a message that the server has not sent, or has sent to another client. */
static void send_confirm(struct client *client)
{
    uint8_t bytes[HEAD_BYTES + 8] = {0, 'U', 'D', 'P', 7};
    bytes[sizeof bytes - 1] = (uint8_t)draw_below(DRAW_CLIENTS, 4);
    confirming_draw_number(bytes + HEAD_BYTES);
    send(client, bytes, sizeof bytes);
}

/* A frame among the requests of a burst. */
static void send_mixed(struct client *client)
{
    uint64_t which = draw_below(DRAW_SWARM, 6);
    if (which < 2)
        send_frame(client, (uint8_t)(3 + which));
    else if (which < 5)
        send_hello(client);
    else
        send_confirm(client);
}

static void send_oversize(struct client *client)
{
    static uint8_t bytes[65536];
    send(client, bytes, setup.max_datagram + 1 + draw_below(DRAW_CLIENTS, 100));
}

/* An answer whose message is a frame, too. */
static void send_nested(struct client *client)
{
    uint8_t bytes[ANSWER_BYTES + HEAD_BYTES] = {0, 'U', 'D', 'P', 2};
    memcpy(bytes + HEAD_BYTES, client->cookies.last, COOKIE_BYTES);
    memcpy(bytes + ANSWER_BYTES, "\0UDP\4", HEAD_BYTES);
    send(client, bytes, sizeof bytes);
}

/* A datagram from an address that is not the sender's. */
static void forge(struct client *client)
{
    struct client forged = *client;
    uint8_t cookie[COOKIE_BYTES];
    const struct addr *victim = &clients[draw_below(DRAW_CLIENTS, count)].addr;
    if (victim->family == client->addr.family)
        forged.addr = *victim;
    for (size_t i = 0; i < COOKIE_BYTES; i++)
        cookie[i] = (uint8_t)draw(DRAW_CLIENTS);
    switch (draw_below(DRAW_CLIENTS, 8)) {
    case 0:
        forged.addr.port = 0;
        break;
    case 1:
        forged.addr.port = client->server.port;
        break;
    case 2:
        forged.addr.ip[3] = 255;
        break;
    case 3:
        forged.addr.port = (uint16_t)draw_range(DRAW_CLIENTS, 1024, 1124);
        break;
    case 4:
        /* The cookie of another port of its own address. */
        forged.addr = client->addr;
        forged.addr.port = (uint16_t)draw_range(DRAW_CLIENTS, 1024, 1124);
        memcpy(cookie, client->cookies.last, COOKIE_BYTES);
        break;
    case 5:
        /* A leave in the name of another client. */
        forged.has_cookie = false;
        send_frame(&forged, 3);
        return;
    case 6:
        send_hello(&forged);
        return;
    default:
        break;
    }
    if (draw_below(DRAW_CLIENTS, 2) == 0)
        send_answer(&forged, cookie);
    else
        send_request(&forged);
    client->sent = forged.sent;
}

/* ---- what a client does ---- */

static void rebind(struct client *client)
{
    do
        client->addr.port = (uint16_t)draw_range(DRAW_CLIENTS, 10000, 30000);
    while (table[place_of(&client->addr)] != 0);
    client->has_cookie = false;
    fill_table();
}

static void burst(struct client *client)
{
    for (uint64_t i = draw_range(DRAW_CLIENTS, 2, 80); i > 0; i--)
        if (swarm.mixed_bursts && draw_below(DRAW_SWARM, 20) == 0)
            send_nested(client);
        else if (swarm.mixed_bursts && draw_below(DRAW_SWARM, 4) == 0)
            send_mixed(client);
        else
            send_request(client);
}

static void vanish(struct client *client, bool vanished)
{
    client->vanished = vanished;
    network_set_silent(&client->addr, vanished);
}

/* Where clients may name themselves, each now and then says hello after a request, which has
 * registered it, so that the names move. */
static void send_request_and_name(struct client *client)
{
    send_request(client);
    if (setup.names_max > 0 && draw_below(DRAW_NAMES, setup.hello_each) == 0)
        send_hello(client);
    if (confirming_wants_frames())
        send_frames_hello(client);
}

static uint64_t act(struct client *client)
{
    uint64_t pause_ns = client->period_ns / 2 + draw_below(DRAW_CLIENTS, client->period_ns);
    uint64_t action = draw_below(DRAW_CLIENTS, 100);
    trace(TRACE_CLIENT, client->number, action, client->sent, 0);
    if (reductions_are_steady()) {
        send_request(client);
        return client->period_ns;
    }
    if (client->vanished) {
        vanish(client, action < 70);
        if (swarm.silent_links)
            send_request(client); /* its requests arrive, and the replies wait */
        return pause_ns;
    }
    /* All with the same clock: in the same second. */
    bool silent = swarm.silent_links && event_queue_now_ms() / 1000 % 20 < 3;
    if (silent && !addr_is_loopback(&client->addr) && client->addr.family == ADDR_IPV4)
        vanish(client, true);
    else if (client->kind == FORGER && action < 80)
        forge(client);
    else if (action < 68 || (swarm.fans_out && action < 91 && draw_below(DRAW_CLIENTS, 6) != 0))
        send_request_and_name(client);
    else if (action < 71)
        send_hello(client);
    else if (action < 72)
        send_confirm(client);
    else if (action < 76)
        send(client, "", 0);
    else if (action < 80)
        send_frame(client, 4);
    else if (action < 84)
        send_frame(client, 3);
    else if (action < 86)
        send_frame(client, (uint8_t)draw_below(DRAW_CLIENTS, 11));
    else if (action < 88)
        send_oversize(client);
    else if (action < 91)
        burst(client);
    else if (action < 94)
        rebind(client);
    else if (action < 97)
        pause_ns += settings.ttl_ms * UINT64_C(1000000) * draw_range(DRAW_CLIENTS, 1, 2);
    else if (addr_is_loopback(&client->addr) || client->addr.family != ADDR_IPV4)
        send_request(client);
    else
        vanish(client, true);
    return pause_ns;
}

static void on_turn(void *state)
{
    struct client *client = state;
    if (stopped)
        return;
    uint64_t pause_ns = UINT64_C(1000000000);
    if (!quiet)
        pause_ns = act(client);
    else if (client->kind != FORGER)
        send_request(client);
    event_queue_add_outside(pause_ns, on_turn, client);
}

void clients_rush(void)
{
    for (uint64_t i = draw_range(DRAW_CLIENTS, 2, 80); i > 0; i--) {
        struct client *client = &clients[draw_below(DRAW_CLIENTS, count)];
        bool leaves = draw_below(DRAW_CLIENTS, 4) == 0;
        if (client->kind == FORGER || client->vanished || !reductions_have_client(client->number))
            continue;
        if (leaves)
            send_frame(client, 3);
        else
            send_request(client);
    }
}

void clients_churn(void)
{
    enum { MOST = 800, SPREAD_NS = 20000 };
    struct network usual = network;
    network = (struct network){.delay_max_ns = SPREAD_NS};
    for (size_t i = 0; i < count && i < MOST; i++) {
        struct client *client = &clients[draw_below(DRAW_CHURN, count)];
        uint64_t kind = draw_below(DRAW_CHURN, 4);
        if (client->kind == FORGER || client->vanished || !reductions_have_client(client->number))
            continue;
        if (kind == 0)
            send_frame(client, 3);
        send_request(client);
        if (kind == 1)
            send_hello(client);
    }
    network = usual;
}

static void on_flood(void *state)
{
    enum { PAUSE_NS = 500000 };
    if (stopped || flood_left == 0)
        return;
    flood_left--;
    send_request(state);
    event_queue_add(PAUSE_NS, on_flood, state);
}

void clients_flood(void)
{
    enum { REQUESTS = 500 };
    struct client *client = &clients[draw_below(DRAW_FLOODS, count)];
    if (flood_left > 0 || client->kind == FORGER || client->vanished ||
        !reductions_have_client(client->number))
        return;
    flood_left = REQUESTS;
    on_flood(client);
}

/* ---- what a client receives ---- */

static void on_challenge(struct client *client, const uint8_t *cookie)
{
    client->has_cookie = true;
    if (memcmp(client->cookies.last, cookie, COOKIE_BYTES) != 0)
        memcpy(client->cookies.before, client->cookies.last, COOKIE_BYTES);
    memcpy(client->cookies.last, cookie, COOKIE_BYTES);
    if (client->has_answered || (client->kind != PROVER && !quiet))
        return;
    client->has_answered = true;
    send_answer(client, cookie);
}

void clients_receive(const struct addr *from, const struct addr *to, const uint8_t *bytes,
                     size_t size)
{
    uint16_t index = table[place_of(to)];
    uint32_t number;
    (void)from;
    if (index == 0)
        return;
    struct client *client = &clients[index - 1];
    if (size == ANSWER_BYTES && memcmp(bytes, "\0UDP\1", HEAD_BYTES) == 0) {
        on_challenge(client, bytes + HEAD_BYTES);
    } else if (size >= MESSAGE_HEAD_BYTES && memcmp(bytes, "\0UDP\6", HEAD_BYTES) == 0) {
        confirming_on_frame(to, &client->server, bytes);
    } else if (payload_read_broadcast(bytes, size, &number)) {
        client->has_got |= number == expected; /* older ones that waited for the link come later */
    } else {
        client->last_reply_ms = event_queue_now_ms();
    }
}

/* ---- drawing ---- */

static const struct drawn_listener *draw_listener(void)
{
    const struct drawn_listener *found;
    do
        found = &setup.listeners[draw_below(DRAW_SETUP, setup.listener_count)];
    while (found->kind != LISTEN_UDP && found->kind != LISTEN_GROUP);
    return found;
}

static void set_listener(struct client *client)
{
    client->listener = draw_listener();
    client->listener_text = client->listener->text;
    client_address_draw(client->listener, &client->addr, &client->server);
}

static size_t draw_count(void)
{
    static const uint32_t counts[][2] = {[CLIENTS_TENS] = {1, 30},
                                         [CLIENTS_HUNDRED] = {30, 200},
                                         [CLIENTS_HUNDREDS] = {200, 1500},
                                         [CLIENTS_THOUSANDS] = {1500, CLIENTS_MAX}};
    if (reductions_are_steady())
        return STEADY_CLIENTS;
    if (swarm.churns && setup.has_state && settings.relay == DRAWN_RELAY_OFF)
        return draw_range(DRAW_SETUP, 450, 800); /* more than a slice of a snapshot */
    if (swarm.fans_out && settings_clients == CLIENTS_TENS && draw_below(DRAW_OFFLOAD, 2) == 0)
        return draw_range(DRAW_OFFLOAD, 70, 250); /* several batches */
    if (swarm.stalls_operators && settings.relay == DRAWN_RELAY_OFF &&
        settings_clients < CLIENTS_HUNDREDS)
        return draw_range(DRAW_SETUP, 200, 500); /* long lists of clients */
    return draw_range(DRAW_SETUP, counts[settings_clients][0], counts[settings_clients][1]);
}

static bool is_same_listener(const struct client *client, const struct drawn_listener *listener)
{
    return strcmp(client->listener_text, listener->text) == 0;
}

/* After the configuration has changed: those whose listener has gone send to another one. */
static void find_listeners(void)
{
    memset(table, 0, sizeof table);
    for (size_t i = 0; i < count; i++) {
        struct client *client = &clients[i];
        client->listener = NULL;
        for (size_t k = 0; k < setup.listener_count; k++)
            if (is_same_listener(client, &setup.listeners[k]))
                client->listener = &setup.listeners[k];
        if (client->listener == NULL) {
            vanish(client, false);
            set_listener(client);
        }
        while (table[place_of(&client->addr)] != 0)
            client_address_draw(client->listener, &client->addr, &client->server);
        table[place_of(&client->addr)] = (uint16_t)(i + 1);
    }
}

void clients_begin_again(void)
{
    quiet = false;
    find_listeners();
}

void clients_draw(void)
{
    count = draw_count();
    for (size_t i = 0; i < count; i++) {
        struct client *client = &clients[i];
        *client = (struct client){.number = (uint32_t)i};
        uint64_t kind = draw_below(DRAW_SETUP, 100);
        client->kind = kind < 45 ? PLAIN : kind < 92 ? PROVER : FORGER;
        do
            set_listener(client);
        while (table[place_of(&client->addr)] != 0);
        table[place_of(&client->addr)] = (uint16_t)(i + 1);
        client->period_ns = draw_range(DRAW_SETUP, 500, 20000) * 1000000 * (1 + count / 100);
        if (swarm.fans_out)
            client->period_ns = draw_range(DRAW_OFFLOAD, 300, 2000) * 1000000 * (1 + count / 100);
        if (reductions_are_steady()) {
            client->kind = PLAIN;
            client->period_ns = STEADY_PERIOD_MS * UINT64_C(1000000);
        }
        uint64_t delay_ns = draw_below(DRAW_CLIENTS, client->period_ns);
        if (reductions_have_client(client->number))
            event_queue_add_outside(delay_ns, on_turn, client);
    }
}

size_t clients_count(void)
{
    return count;
}

/* ---- liveness ---- */

void clients_end_faults(void)
{
    quiet = true;
    flood_left = 0;
    for (size_t i = 0; i < count; i++) {
        vanish(&clients[i], false);
        event_queue_remove(&clients[i]);
        uint64_t delay_ns = draw_below(DRAW_CLIENTS, 1000000000);
        if (reductions_have_client(clients[i].number))
            event_queue_add_outside(delay_ns, on_turn, &clients[i]);
    }
}

/* Those on the link of eth0 are known by its index. */
void clients_interfaces_changed(void)
{
    uint32_t index = host_index(HOST_ETH0);
    bool changed = false;
    for (size_t i = 0; i < count; i++)
        if (addr_is_link_local(&clients[i].addr) && index != 0 && clients[i].addr.scope != index) {
            clients[i].addr.scope = index;
            changed = true;
        }
    if (changed)
        fill_table();
}

void clients_stop(void)
{
    stopped = true;
}

void clients_expect_broadcast(uint32_t number)
{
    broadcast_ms = event_queue_now_ms();
    expected = number;
    for (size_t i = 0; i < count; i++)
        clients[i].has_got = false;
}

/* Whether it was registered from the beginning of the last broadcast until now. */
static bool is_target(const struct client *client)
{
    const struct model_entry *entry = model_find(client->listener->number, &client->addr);
    return entry != NULL && model_is_sure(entry) && entry->sure_since_ms < broadcast_ms;
}

/* Whether its datagrams reach the server: a group that names no interface may be joined on another
 * one than the client's. */
static bool is_reached(const struct client *client)
{
    return client->listener->kind != LISTEN_GROUP ||
           udp_is_joined(&client->listener->addr, host_route(&client->addr));
}

/* Since when a client waits for a reply that the settings promise: an upgrade that hangs may apply
 * others in the phase without faults. */
static uint64_t waits_since_ms(const struct client *client)
{
    uint64_t applied_ms = settings_applied_ms();
    return client->last_reply_ms > applied_ms ? client->last_reply_ms : applied_ms;
}

void clients_check_liveness(bool has_begun)
{
    bool answers = settings.mode != MODE_NONE && (settings.rate_pps == 0 || settings.dry_run);
    for (size_t i = 0; i < count; i++) {
        const struct client *client = &clients[i];
        if (client->kind == FORGER || client->last_request_ms == 0)
            continue;
        if (has_begun && !client->has_got && is_target(client))
            broken_promise("each live client gets the next broadcast",
                           "client %d (port %d) does not", (int)i, client->addr.port);
        if (answers && !settings_deny(&settings, &client->addr) && is_reached(client) &&
            waits_since_ms(client) + 2500 < event_queue_now_ms())
            broken_promise("each request gets a reply",
                           "client %d (port %d) has waited for more than 2.5 s", (int)i,
                           client->addr.port);
    }
}
