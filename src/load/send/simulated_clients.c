#include "load/send/simulated_clients.h"

#include "net/socket/icmp_errors.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/socket_option.h"
#include "net/socket/udp_socket.h"
#include "os/process/host.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Enough for a stall of about 10 ms at a million datagrams per second. The kernel grants less
     * unless net.core.[rw]mem_max or CAP_NET_ADMIN allow it. */
    BUFFER_BYTES = 8 << 20,
    OTHER_FILES = 64, /* descriptors besides those of the clients */
};

/* ---- Addresses of 127/8 ---- */

bool simulated_clients_by_address(const struct simulated_clients_plan *plan)
{
    return plan->target.family == ADDR_IPV4 && addr_is_loopback(&plan->target) &&
           plan->source_count == 0;
}

uint32_t simulated_clients_gap(const struct addr *target)
{
    uint32_t ip;
    memcpy(&ip, target->ip, sizeof ip);
    return be32toh(ip) - SIMULATED_CLIENTS_FIRST_IP;
}

uint32_t simulated_clients_per_socket(const struct addr *target)
{
    return SIMULATED_CLIENTS_HOSTS - (simulated_clients_gap(target) < SIMULATED_CLIENTS_HOSTS);
}

/* ---- Sockets ---- */

__attribute__((format(printf, 3, 4))) static int fail(char error[SIMULATED_CLIENTS_ERROR_BYTES],
                                                      int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, SIMULATED_CLIENTS_ERROR_BYTES, format, arguments);
    va_end(arguments);
    return code;
}

static int open_shared_sockets(struct simulated_clients *clients,
                               char error[SIMULATED_CLIENTS_ERROR_BYTES])
{
    const struct addr any = {.family = ADDR_IPV4};
    for (uint32_t i = 0; i < clients->socket_count; i++) {
        struct udp_socket_options options = {.receive_buffer_bytes = BUFFER_BYTES,
                                             .send_buffer_bytes = BUFFER_BYTES};
        struct addr bound;
        int socket = udp_socket_open(&any, &options, &bound);
        if (socket < 0)
            return fail(error, socket, "cannot open a socket: %s; free some memory or descriptors",
                        socket_option_error(-socket));
        clients->sockets[i] = socket;
        /* With ICMP errors, a closed port is reported; without, it looks like a timeout. */
        icmp_errors_enable(socket, any.family);
    }
    return 0;
}

static int report_socket_error(const struct simulated_clients_plan *plan, const struct addr *from,
                               uint32_t client, int code, char error[SIMULATED_CLIENTS_ERROR_BYTES])
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
                    "cannot send from %s: this host does not have that address; see 'ip address'",
                    text);
    return fail(error, code,
                "cannot open client %u of %u: %s; check the address and the route to it",
                client + 1, plan->count, strerror(-code));
}

/* Opens a connected socket whose port differs from the target's: a service may take a source with
 * its own port for itself. */
static int connect_from(const struct addr *from, const struct addr *target)
{
    struct addr bound;
    int socket = udp_socket_connect_from(from, target, &bound);
    if (socket < 0 || bound.port != target->port)
        return socket;
    int other = udp_socket_connect_from(from, target, &bound);
    socket_close(socket);
    return other;
}

static int open_own_sockets(struct simulated_clients *clients,
                            const struct simulated_clients_plan *plan,
                            char error[SIMULATED_CLIENTS_ERROR_BYTES])
{
    size_t wanted = (size_t)plan->count + OTHER_FILES, files = host_raise_file_limit(wanted);
    if (files < wanted)
        return fail(error, -EMFILE,
                    "cannot open %u sockets, one per client: this process may open %zu files; "
                    "raise the limit with 'ulimit -n %zu', or lower -c",
                    plan->count, files, wanted);
    for (uint32_t i = 0; i < clients->count; i++) {
        struct addr from = {.family = ADDR_NONE};
        if (plan->source_count > 0)
            from = plan->sources[(clients->first + i) % plan->source_count];
        int socket = connect_from(&from, &plan->target);
        if (socket < 0)
            return report_socket_error(plan, &from, clients->first + i, socket, error);
        clients->sockets[i] = socket;
    }
    return 0;
}

int simulated_clients_open(struct simulated_clients *clients,
                           const struct simulated_clients_plan *plan, uint32_t first,
                           uint32_t count, char error[SIMULATED_CLIENTS_ERROR_BYTES])
{
    *clients = (struct simulated_clients){
        .target = plan->target,
        .by_address = simulated_clients_by_address(plan),
        .first = first,
        .count = count,
        .socket_count = count,
    };
    if (clients->by_address) {
        clients->gap = simulated_clients_gap(&plan->target);
        clients->per_socket = simulated_clients_per_socket(&plan->target);
        clients->first_group = first / clients->per_socket;
        clients->socket_count =
            (first + count - 1) / clients->per_socket - clients->first_group + 1;
    }
    clients->sockets = malloc(clients->socket_count * sizeof *clients->sockets);
    if (!clients->sockets)
        return fail(error, -ENOMEM, "cannot simulate %u clients: not enough memory; lower -c",
                    plan->count);
    for (uint32_t i = 0; i < clients->socket_count; i++)
        clients->sockets[i] = -1;
    return clients->by_address ? open_shared_sockets(clients, error)
                               : open_own_sockets(clients, plan, error);
}

void simulated_clients_close(struct simulated_clients *clients)
{
    for (uint32_t i = 0; i < clients->socket_count && clients->sockets; i++)
        if (clients->sockets[i] >= 0)
            socket_close(clients->sockets[i]);
    free(clients->sockets);
    *clients = (struct simulated_clients){.sockets = NULL};
}

void simulated_clients_prepare(const struct simulated_clients *clients, struct batch *batch,
                               const void *bytes, size_t size)
{
    static const struct addr any = {.family = ADDR_IPV4}, none = {.family = ADDR_NONE};
    for (int i = 0; i < BATCH_MAX; i++)
        batch_add(batch, clients->by_address ? &clients->target : &none,
                  clients->by_address ? &any : &none, bytes, size);
    batch_clear(batch);
}
