/* Many clients on one host. */
#include "load/clients.h"

#include "net/host.h"
#include "net/socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOOPBACK = 127 << 24,
    LOOPBACK_HOSTS = (1 << 24) - 2, /* without 127.0.0.0 and 127.255.255.255 */
    /* What a service and its clients need to live through a stall of some 10 ms at a million a
       second; the kernel gives less unless net.core.[rw]mem_max or CAP_NET_ADMIN allow it. */
    BUFFER_BYTES = 8 << 20,
    OTHER_FILES = 64, /* descriptors that aren't clients' */
};

/* ---- Addresses of 127/8 ---- */

static uint32_t read_ipv4(const struct addr *addr)
{
    return (uint32_t)addr->ip[0] << 24 | (uint32_t)addr->ip[1] << 16 | (uint32_t)addr->ip[2] << 8 |
           addr->ip[3];
}

/* The target's place among the hosts of 127/8, from 0. */
static uint32_t place_of(const struct addr *addr)
{
    return read_ipv4(addr) - LOOPBACK - 1;
}

bool clients_by_address(const struct clients_plan *plan)
{
    return plan->target.family == ADDR_IPV4 && addr_is_loopback(&plan->target) &&
           plan->source_count == 0;
}

uint32_t clients_room(const struct addr *target)
{
    return place_of(target) < LOOPBACK_HOSTS ? LOOPBACK_HOSTS - 1 : LOOPBACK_HOSTS;
}

void clients_address(const struct addr *target, uint32_t number, struct addr *local)
{
    uint32_t ip = LOOPBACK + 1 + number + (number >= place_of(target));
    *local = (struct addr){.family = ADDR_IPV4};
    for (int i = 0; i < 4; i++)
        local->ip[i] = (uint8_t)(ip >> (24 - 8 * i));
}

uint32_t clients_number(const struct addr *target, const struct addr *local)
{
    uint32_t place = place_of(local), own = place_of(target);
    if (local->family != ADDR_IPV4 || place >= LOOPBACK_HOSTS || place == own)
        return CLIENTS_NONE;
    return place - (place > own);
}

/* ---- Sockets ---- */

__attribute__((format(printf, 3, 4))) static int fail(char error[CLIENTS_ERROR_BYTES], int code,
                                                      const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, CLIENTS_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return code;
}

static int open_groups(struct clients *clients, char error[CLIENTS_ERROR_BYTES])
{
    const struct addr any = {.family = ADDR_IPV4};
    for (uint32_t i = 0; i < clients->socket_count; i++) {
        struct socket_options options = {.receive_buffer_bytes = BUFFER_BYTES,
                                         .send_buffer_bytes = BUFFER_BYTES};
        struct addr bound;
        int socket = socket_open(&any, &options, &bound);
        if (socket < 0)
            return fail(error, socket, "cannot open a socket: %s", strerror(-socket));
        clients->sockets[i] = socket;
    }
    return 0;
}

static int no_socket(const struct clients_plan *plan, const struct addr *from, uint32_t client,
                     int code, char error[CLIENTS_ERROR_BYTES])
{
    char text[ADDR_TEXT_BYTES] = "the source address";
    if (from->family != ADDR_NONE) {
        addr_format(from, text);
        text[strlen(text) - 2] = '\0'; /* its port, 0 */
    }
    if (code == -EADDRINUSE || code == -EAGAIN)
        return fail(error, code,
                    "cannot open client %u of %u: the ports of %s are used up; widen "
                    "net.ipv4.ip_local_port_range, lower -c, or give --source another address%s",
                    client + 1, plan->count, text,
                    addr_is_loopback(&plan->target) && plan->target.family == ADDR_IPV6
                        ? " (IPv6 has one loopback address; 127.0.0.1 takes millions of clients)"
                        : "");
    if (code == -EADDRNOTAVAIL)
        return fail(error, code,
                    "cannot send from %s: this host doesn't have that address; see 'ip address'",
                    text);
    return fail(error, code, "cannot open client %u of %u: %s; check the address and the way there",
                client + 1, plan->count, strerror(-code));
}

/* A connected socket whose port isn't the target's own: a service may take such a source for
 * itself. */
static int connect_from(const struct addr *from, const struct addr *target)
{
    struct addr bound;
    int socket = socket_connect_from(from, target, &bound);
    if (socket < 0 || bound.port != target->port)
        return socket;
    int other = socket_connect_from(from, target, &bound);
    socket_close(socket);
    return other;
}

static int open_each(struct clients *clients, const struct clients_plan *plan,
                     char error[CLIENTS_ERROR_BYTES])
{
    size_t wanted = (size_t)plan->count + OTHER_FILES, files = host_allow_files(wanted);
    if (files < wanted)
        return fail(error, -EMFILE,
                    "cannot open %u sockets, one a client: this process may open %zu files; "
                    "raise the limit with 'ulimit -n %zu', or lower -c",
                    plan->count, files, wanted);
    for (uint32_t i = 0; i < clients->count; i++) {
        struct addr from = {.family = ADDR_NONE};
        if (plan->source_count > 0)
            from = plan->sources[(clients->first + i) % plan->source_count];
        int socket = connect_from(&from, &plan->target);
        if (socket < 0)
            return no_socket(plan, &from, clients->first + i, socket, error);
        clients->sockets[i] = socket;
    }
    return 0;
}

int clients_open(struct clients *clients, const struct clients_plan *plan, uint32_t first,
                 uint32_t count, char error[CLIENTS_ERROR_BYTES])
{
    *clients = (struct clients){
        .target = plan->target,
        .by_address = clients_by_address(plan),
        .first = first,
        .count = count,
        .socket_count = count,
    };
    if (clients->by_address) {
        uint32_t room = clients_room(&plan->target);
        clients->first_group = first / room;
        clients->socket_count = (first + count - 1) / room - clients->first_group + 1;
    }
    clients->sockets = malloc(clients->socket_count * sizeof *clients->sockets);
    if (!clients->sockets)
        return fail(error, -ENOMEM, "cannot simulate %u clients: memory is short; lower -c",
                    plan->count);
    for (uint32_t i = 0; i < clients->socket_count; i++)
        clients->sockets[i] = -1;
    return clients->by_address ? open_groups(clients, error) : open_each(clients, plan, error);
}

void clients_close(struct clients *clients)
{
    for (uint32_t i = 0; i < clients->socket_count && clients->sockets; i++)
        if (clients->sockets[i] >= 0)
            socket_close(clients->sockets[i]);
    free(clients->sockets);
    *clients = (struct clients){.sockets = NULL};
}

/* ---- Who is who ---- */

uint32_t clients_socket(const struct clients *clients, uint32_t client, struct addr *local)
{
    if (!clients->by_address) {
        local->family = ADDR_NONE;
        return client;
    }
    uint32_t room = clients_room(&clients->target), number = clients->first + client;
    uint32_t socket = 0;
    if (number >= room) {
        socket = number / room - clients->first_group;
        number %= room;
    }
    clients_address(&clients->target, number, local);
    return socket;
}

uint32_t clients_find(const struct clients *clients, uint32_t socket, const struct addr *local)
{
    if (!clients->by_address)
        return socket;
    uint32_t number = clients_number(&clients->target, local);
    if (number == CLIENTS_NONE)
        return CLIENTS_NONE;
    uint32_t client =
        (clients->first_group + socket) * clients_room(&clients->target) + number - clients->first;
    return client < clients->count ? client : CLIENTS_NONE;
}
