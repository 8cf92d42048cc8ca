/* Selectors: which clients `udpctl clients`, `listen`, `broadcast` and `kick` are about, over all
 * workers and transports, compared with a plain filter of `clients --json`. */

#include "harness.h"

#include "base/prng.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(system_selectors, .fini = harness_end, .timeout = 240);

static const char SILENT[] = "[server]\nworkers = %d\n[admission]\npolicy = open\n"
                             "[clients]\nttl = 1h\n[reply]\nmode = none\n[log]\nlevel = debug\n";

/* ---- clients ---- */

enum { UDP_CLIENTS = 1000, IPV6_CLIENTS = 100, TCP_CLIENTS = 100, UNIX_CLIENTS = 10 };
enum { CLIENTS = UDP_CLIENTS + TCP_CLIENTS + UNIX_CLIENTS, MESSAGES_MAX = 64 };

struct client {
    int fd;
    const char *name;
    bool is_udp, is_kicked;
    const struct endpoint *server;
    int messages[MESSAGES_MAX]; /* the numbers of the broadcasts that it must get, in order */
    int message_count;
};

struct network {
    struct server server;
    struct client clients[CLIENTS];
    int count;
    int64_t old_ms; /* when the clients that are idle had all sent */
    struct prng prng;
};

static struct client *add_client(struct network *network, int fd, const char *name,
                                 const struct endpoint *server)
{
    struct client *client = &network->clients[network->count++];
    *client = (struct client){.fd = fd, .name = name, .is_udp = server != NULL, .server = server};
    return client;
}

static void add_udp_client(struct network *network, const char *local,
                           const struct endpoint *server)
{
    int udp = udp_open(local);
    struct endpoint name = udp_name(udp);
    add_client(network, udp, harness_format("%s", endpoint_text(&name)), server);
    udp_send_text(udp, server, "hi");
}

static void add_tcp_client(struct network *network)
{
    int stream = stream_open(network->server.others[0]);
    struct endpoint name = {.size = sizeof name.sockaddr};
    getsockname(stream, (struct sockaddr *)&name.sockaddr, &name.size);
    add_client(network, stream, harness_format("tcp:%s", endpoint_text(&name)), NULL);
}

/* How long the clients that are idle are, when the others send again: longer than any command of
 * the test takes. */
static int gap_ms(void)
{
    return harness_sanitized() ? 8000 : 3000;
}

/* Clients of two IPv4 listeners, from many addresses, and of an IPv6 listener, TCP and Unix. Half
 * of them are idle for gap_ms when the others send again. */
static void connect_all(struct network *network)
{
    struct server *server = &network->server;
    int udp = harness_sanitized() ? 200 : UDP_CLIENTS;
    for (int i = 0; i < udp - IPV6_CLIENTS; i++)
        add_udp_client(network, harness_format("127.%d.%d.%d", 1 + i % 3, i / 64, 1 + i % 64 * 3),
                       &server->at[i % 2]);
    for (int i = 0; i < IPV6_CLIENTS; i++)
        add_udp_client(network, "::1", &server->at[2]);
    for (int i = 0; i < TCP_CLIENTS; i++)
        add_tcp_client(network);
    for (int i = 0; i < UNIX_CLIENTS; i++)
        add_client(network, stream_open(server->others[1]), harness_format("unix:#%d", i + 1),
                   NULL);
    server_await_clients(server, network->count);
    network->old_ms = harness_now_ms();
    harness_wait_ms(gap_ms());
    int64_t received = server_stat(server, "received");
    for (int i = 0; i < network->count; i += 2) {
        struct client *client = &network->clients[i];
        if (client->is_udp)
            udp_send_text(client->fd, client->server, "again");
        else
            stream_write_text(client->fd, "again\n");
    }
    server_await_stat(server, "received", received + (network->count + 1) / 2);
}

static struct network *start(int workers, uint64_t seed)
{
    struct network *network = calloc(1, sizeof *network);
    if (!harness_raise_file_limit(2 * CLIENTS + 200))
        cr_skip("this host allows too few open files");
    prng_init(&network->prng, seed);
    server_start(&network->server, harness_format(SILENT, workers), "-l", "127.0.0.1:0", "-l",
                 "127.0.0.2:0", "-l", "[::1]:0", "-l", "tcp:127.0.0.1:0", "-l",
                 harness_format("unix:%s", harness_path("chat")), NULL);
    connect_all(network);
    return network;
}

static void end(struct network *network)
{
    server_stop(&network->server);
    free(network);
}

static uint64_t below(struct network *network, uint64_t limit)
{
    return prng_next(&network->prng) % limit;
}

/* Runs udpctl with options that a shell splits. */
static struct result udpctl(const struct network *network, const char *command)
{
    return run(NULL, "sh", "-c",
               harness_format("exec '%s' -s '%s' %s", program_path("udpctl"),
                              network->server.socket, command),
               NULL);
}

static const char *udpctl_ok(const struct network *network, const char *command)
{
    struct result result = udpctl(network, command);
    expect(result.status == 0, "expected 'udpctl %s' to end with 0, it was %d: %s%s", command,
           result.status, result.out, result.err);
    return result.out;
}

/* ---- the plain filter ---- */

enum { BLOCKS_MAX = 3 };

struct selection {
    struct block {
        char text[64];
        int family; /* AF_INET, AF_INET6 */
        uint8_t ip[16];
        int bits;
    } blocks[BLOCKS_MAX];
    size_t block_count;
    const char *listener; /* NULL: any */
    int64_t idle_max_ms;  /* -1: any */
};

/* A row of `clients --json`. */
struct row {
    const char *address, *listener;
    int64_t idle_ms;
};

static bool bits_are_equal(const uint8_t *a, const uint8_t *b, int bits)
{
    for (int i = 0; i < bits; i++)
        if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
            return false;
    return true;
}

/* Reads the IP of "127.0.0.1:5", "tcp:127.0.0.1:5" or "[::1]:5". Returns its family, 0 if none. */
static int ip_of(const char *address, uint8_t ip[16])
{
    char host[64];
    const char *text = strncmp(address, "tcp:", 4) == 0 ? address + 4 : address;
    bool brackets = text[0] == '[';
    snprintf(host, sizeof host, "%.*s", (int)strcspn(text + brackets, brackets ? "]" : ":"),
             text + brackets);
    memset(ip, 0, 16);
    if (inet_pton(AF_INET, host, ip) == 1)
        return AF_INET;
    return inet_pton(AF_INET6, host, ip) == 1 ? AF_INET6 : 0;
}

static bool is_selected(const struct selection *selection, const struct row *row)
{
    uint8_t ip[16];
    int family = ip_of(row->address, ip);
    bool in_block = selection->block_count == 0;
    for (size_t i = 0; i < selection->block_count; i++)
        in_block |= selection->blocks[i].family == family &&
                    bits_are_equal(selection->blocks[i].ip, ip, selection->blocks[i].bits);
    return in_block &&
           (selection->listener == NULL || strcmp(selection->listener, row->listener) == 0) &&
           (selection->idle_max_ms < 0 || row->idle_ms <= selection->idle_max_ms);
}

static struct row *read_rows(const char *json, size_t *count)
{
    struct row *rows = calloc(CLIENTS + 1, sizeof *rows);
    *count = 0;
    for (const char *line = json; (line = strstr(line, "{\"address\":")) != NULL; line++) {
        expect(*count < CLIENTS, "expected at most %d clients", (int)CLIENTS);
        rows[(*count)++] = (struct row){json_text(line, "address"), json_text(line, "listener"),
                                        json_integer(line, "idle_ms")};
    }
    return rows;
}

static struct client *find_client(struct network *network, const char *name)
{
    for (int i = 0; i < network->count; i++)
        if (strcmp(network->clients[i].name, name) == 0)
            return &network->clients[i];
    harness_fail("expected a client of the test, not %s", name);
}

/* ---- drawn selections ---- */

/* A block around the address of a drawn client, or one without clients. */
static void draw_block(struct network *network, struct block *block)
{
    static const int lengths[] = {0, 8, 14, 16, 24, 29, 30, 32};
    char host[64];
    int family = ip_of(network->clients[below(network, (uint64_t)network->count)].name, block->ip);
    block->bits = lengths[below(network, sizeof lengths / sizeof lengths[0])];
    if (family == 0 || below(network, 10) == 0) {
        family = AF_INET;
        inet_pton(AF_INET, "10.0.0.0", block->ip);
    }
    block->family = family;
    block->bits *= family == AF_INET6 ? 4 : 1;
    for (int i = block->bits; i < (family == AF_INET6 ? 128 : 32); i++)
        block->ip[i / 8] &= (uint8_t) ~(1 << (7 - i % 8));
    snprintf(block->text, sizeof block->text, "%s/%d",
             inet_ntop(family, block->ip, host, sizeof host), block->bits);
}

static struct selection draw_selection(struct network *network)
{
    const struct server *server = &network->server;
    struct selection selection = {.idle_max_ms = -1};
    uint64_t listener = below(network, 10);
    selection.block_count = below(network, BLOCKS_MAX + 1);
    for (size_t i = 0; i < selection.block_count; i++)
        draw_block(network, &selection.blocks[i]);
    if (listener < 3)
        selection.listener = harness_format("%s", endpoint_text(&server->at[listener]));
    else if (listener < 5)
        selection.listener = server->others[listener - 3];
    /* The clients that have not sent again have been idle for longer; and the others for less than
     * this, for gap_ms from now on. */
    if (below(network, 3) == 0)
        selection.idle_max_ms = harness_now_ms() - network->old_ms - 1;
    return selection;
}

/* The options of a selection; block is "--to" or "--address". */
static const char *options_of(const struct selection *selection, const char *block)
{
    const char *options = "";
    for (size_t i = 0; i < selection->block_count; i++)
        options = harness_format("%s %s %s", options, block, selection->blocks[i].text);
    if (selection->listener != NULL)
        options = harness_format("%s --listener '%s'", options, selection->listener);
    if (selection->idle_max_ms >= 0)
        options =
            harness_format("%s --idle-max %lldms", options, (long long)selection->idle_max_ms);
    return options;
}

/* ---- clients ---- */

/* Expects that the selected clients are listed, in the order of all clients. Returns their number.
 */
static size_t expect_listed(struct network *network, const struct selection *selection)
{
    size_t all_count, listed_count, at = 0;
    struct row *all = read_rows(udpctl_ok(network, "clients --json"), &all_count);
    const char *command = harness_format("clients --json%s", options_of(selection, "--address"));
    struct row *listed = read_rows(udpctl_ok(network, command), &listed_count);
    for (size_t i = 0; i < all_count; i++) {
        if (!is_selected(selection, &all[i]))
            continue;
        expect(at < listed_count && strcmp(listed[at].address, all[i].address) == 0 &&
                   strcmp(listed[at].listener, all[i].listener) == 0,
               "expected '%s' to list %s of %s in place %zu", command, all[i].address,
               all[i].listener, at);
        at++;
    }
    harness_equal(command, (int64_t)listed_count, (int64_t)at);
    free(all);
    free(listed);
    return at;
}

static void list_clients(int workers)
{
    struct network *network = start(workers, 1);
    size_t selected = 0;
    for (int i = 0; i < 40; i++) {
        struct selection selection = draw_selection(network);
        selected += expect_listed(network, &selection) > 0;
    }
    expect(selected > 10, "expected more selections with a client than %zu", selected);
    end(network);
}

Test(system_selectors, list_what_a_plain_filter_finds_with_one_worker)
{
    list_clients(1);
}

Test(system_selectors, list_what_a_plain_filter_finds_with_four_workers)
{
    list_clients(4);
}

/* ---- listen ---- */

enum { SUBSCRIBERS = 12 };

/* `udpctl listen` with a selection, whose lines are in a file. */
struct subscriber {
    struct selection selection;
    struct process process;
    const char *file;
    size_t wanted; /* messages: it ends after as many, and without one it waits */
};

static void start_subscriber(struct network *network, struct subscriber *subscriber, int number)
{
    size_t count;
    struct row *rows = read_rows(udpctl_ok(network, "clients --json"), &count);
    subscriber->selection = draw_selection(network);
    const char *options = options_of(&subscriber->selection, "--address");
    /* A client that has just sent is not idle. */
    subscriber->selection.idle_max_ms = -1;
    subscriber->file = harness_path(harness_format("lines-%d", number));
    for (size_t i = 0; i < count; i++)
        subscriber->wanted += is_selected(&subscriber->selection, &rows[i]);
    free(rows);
    const char *command =
        harness_format("exec '%s' -s '%s' listen --json -n %zu%s >'%s'", program_path("udpctl"),
                       network->server.socket, subscriber->wanted + (subscriber->wanted == 0),
                       options, subscriber->file);
    process_start(&subscriber->process, NULL, (const char *const[]){"sh", "-c", command, NULL});
    server_await_log(&network->server, "name=listen");
}

/* Each client sends once, in a drawn order. */
static void send_from_all(struct network *network)
{
    int order[CLIENTS] = {0};
    int64_t received = server_stat(&network->server, "received");
    for (int i = 0; i < network->count; i++) {
        int place = (int)below(network, (uint64_t)i + 1);
        order[i] = order[place];
        order[place] = i;
    }
    for (int i = 0; i < network->count; i++) {
        const struct client *client = &network->clients[order[i]];
        if (client->is_udp)
            udp_send_text(client->fd, client->server, "news");
        else
            stream_write_text(client->fd, "news\n");
    }
    server_await_stat(&network->server, "received", received + network->count);
}

/* Expects one line of each selected client, and none of others. */
static void expect_printed(struct network *network, struct subscriber *subscriber)
{
    bool received[CLIENTS] = {false};
    size_t lines = 0;
    if (subscriber->wanted == 0)
        process_kill(&subscriber->process, SIGTERM);
    harness_equal("status", process_wait(&subscriber->process),
                  subscriber->wanted == 0 ? 128 + SIGTERM : 0);
    const char *line = run_ok(NULL, "cat", subscriber->file, NULL);
    for (; *line != '\0'; line = strchr(line, '\n') + 1, lines++) {
        struct row row = {.address = json_text(line, "address"),
                          .listener = json_text(line, "listener")};
        bool *is_received = &received[find_client(network, row.address) - network->clients];
        expect(is_selected(&subscriber->selection, &row), "expected no message of %s for '%s'",
               row.address, options_of(&subscriber->selection, "--address"));
        expect(!*is_received, "expected one message of %s", row.address);
        *is_received = true;
        cr_assert_str_eq(json_text(line, "text"), "news");
    }
    harness_equal("messages", (int64_t)lines, (int64_t)subscriber->wanted);
}

static void listen_to_clients(int workers)
{
    struct network *network = start(workers, 4);
    struct subscriber *subscribers = calloc(SUBSCRIBERS, sizeof *subscribers);
    int with_messages = 0;
    for (int i = 0; i < SUBSCRIBERS; i++) {
        start_subscriber(network, &subscribers[i], i);
        with_messages += subscribers[i].wanted > 0;
    }
    expect(with_messages > SUBSCRIBERS / 3, "expected more selections with a client than %d",
           with_messages);
    send_from_all(network);
    for (int i = 0; i < SUBSCRIBERS; i++)
        expect_printed(network, &subscribers[i]);
    harness_equal("lost", server_stat(&network->server, "listen_lost"), 0);
    free(subscribers);
    end(network);
}

Test(system_selectors, listen_to_what_a_plain_filter_finds_with_one_worker)
{
    listen_to_clients(1);
}

Test(system_selectors, listen_to_what_a_plain_filter_finds_with_four_workers)
{
    listen_to_clients(4);
}

/* ---- broadcast ---- */

static void broadcast_to(struct network *network, const struct selection *selection, int number)
{
    size_t count, targets = 0;
    struct row *rows = read_rows(udpctl_ok(network, "clients --json"), &count);
    for (size_t i = 0; i < count; i++) {
        if (!is_selected(selection, &rows[i]))
            continue;
        struct client *client = find_client(network, rows[i].address);
        client->messages[client->message_count++] = number;
        targets++;
    }
    free(rows);
    const char *command =
        harness_format("broadcast --json%s number-%d", options_of(selection, "--to"), number);
    const char *answer = udpctl_ok(network, command);
    harness_equal(command, json_integer(answer, "targets"), (int64_t)targets);
    harness_equal(command, json_integer(answer, "sent"), (int64_t)targets);
    harness_equal(command, json_integer(answer, "failed"), 0);
    harness_equal(command, json_integer(answer, "skipped"), 0);
}

static void expect_messages(const struct client *client)
{
    for (int i = 0; i < client->message_count; i++) {
        const char *text = harness_format("number-%d", client->messages[i]);
        if (client->is_udp)
            udp_expect(client->fd, client->server, text);
        else
            stream_expect(client->fd, text);
    }
    if (client->is_udp)
        udp_expect_nothing(client->fd, "other broadcasts are not for this client");
    else
        stream_expect_nothing(client->fd, "other broadcasts are not for this client");
}

static void broadcast_to_clients(int workers)
{
    struct network *network = start(workers, 2);
    for (int i = 0; i < 30; i++) {
        struct selection selection = draw_selection(network);
        broadcast_to(network, &selection, i);
    }
    for (int i = 0; i < network->count; i++)
        expect_messages(&network->clients[i]);
    end(network);
}

Test(system_selectors, broadcast_to_what_a_plain_filter_finds_with_one_worker)
{
    broadcast_to_clients(1);
}

Test(system_selectors, broadcast_to_what_a_plain_filter_finds_with_four_workers)
{
    broadcast_to_clients(4);
}

/* ---- kick ---- */

static void kick(struct network *network, const struct selection *selection)
{
    size_t before_count, after_count, kept = 0;
    struct row *before =
        read_rows(udpctl_ok(network, "clients --json --sort address"), &before_count);
    const char *command = harness_format("kick --json%s", options_of(selection, "--address"));
    int64_t kicked = json_integer(udpctl_ok(network, command), "kicked");
    struct row *after =
        read_rows(udpctl_ok(network, "clients --json --sort address"), &after_count);
    for (size_t i = 0; i < before_count; i++) {
        if (is_selected(selection, &before[i])) {
            find_client(network, before[i].address)->is_kicked = true;
            continue;
        }
        expect(kept < after_count && strcmp(after[kept].address, before[i].address) == 0,
               "expected that '%s' keeps %s", command, before[i].address);
        kept++;
    }
    harness_equal(command, (int64_t)after_count, (int64_t)kept);
    harness_equal(command, kicked, (int64_t)(before_count - kept));
    free(before);
    free(after);
}

static bool is_empty(const struct selection *selection)
{
    return selection->block_count == 0 && selection->listener == NULL && selection->idle_max_ms < 0;
}

static void kick_clients(int workers)
{
    struct network *network = start(workers, 3);
    for (int i = 0; i < 20; i++) {
        struct selection selection = draw_selection(network);
        if (!is_empty(&selection))
            kick(network, &selection);
    }
    int64_t left = 0;
    for (int i = 0; i < network->count; i++) {
        left += !network->clients[i].is_kicked;
        if (network->clients[i].is_kicked && !network->clients[i].is_udp)
            stream_expect_end(network->clients[i].fd);
    }
    harness_equal("kicked", server_stat(&network->server, "kicked"), network->count - left);
    harness_equal("clients", server_stat(&network->server, "clients"), left);
    end(network);
}

Test(system_selectors, kick_what_a_plain_filter_finds_with_one_worker)
{
    kick_clients(1);
}

Test(system_selectors, kick_what_a_plain_filter_finds_with_four_workers)
{
    kick_clients(4);
}
