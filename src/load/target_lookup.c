#include "load/target_lookup.h"

#include "net/interface/interface.h"
#include "net/message/datagram.h"
#include "net/socket/name_lookup.h"
#include "net/socket/socket_descriptor.h"
#include "net/socket/udp_socket.h"
#include "os/log/error_message.h"
#include "os/loop/poller.h"
#include "os/process/clock.h"
#include "wire/frame.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ADDRS_MAX = 16 };

/* For one address: a name may have several that do not answer. */
static const uint64_t PROBE_MAX_NS = 2000000000;

/* ---- Choosing one of several addresses ---- */

/* Waits for any datagram. Returns 0 or -errno (-ETIMEDOUT: none was received). */
static int await_answer(struct poller *poller, int socket, uint64_t end_ns)
{
    char bytes[1];
    uint64_t time_ms;
    uint32_t ready[POLLER_READY_MAX];
    for (;;) {
        ssize_t size = datagram_receive(socket, bytes, sizeof bytes, &time_ms);
        if (size != -EAGAIN)
            return size < 0 ? (int)size : 0;
        if (clock_now_ns() >= end_ns)
            return -ETIMEDOUT;
        poller_wait(poller, end_ns, ready);
    }
}

/* Unregisters the client of this probe, so that a fan-out does not count it among the server's. */
static void leave(int socket)
{
    uint8_t frame[FRAME_CHALLENGE_BYTES];
    datagram_send(socket, frame, frame_write_leave(frame, NULL));
}

static int send_request(const struct load_options *options, int socket)
{
    uint64_t limit_ns = options->timeout_ns < PROBE_MAX_NS ? options->timeout_ns : PROBE_MAX_NS;
    struct poller *poller = poller_new();
    int error = poller ? poller_add(poller, socket, 0) : -errno;
    if (!error)
        error = datagram_send(socket, options->message, options->message_size);
    if (!error)
        error = await_answer(poller, socket, clock_now_ns() + limit_ns);
    if (!error && options->fanout)
        leave(socket);
    poller_free(poller);
    return error;
}

/* Returns 0 if a service answers at the address, or -errno. */
static int probe(const struct load_options *options, const struct addr *target)
{
    const struct addr any = {.family = ADDR_NONE};
    struct addr bound;
    int socket = udp_socket_connect_from(options->source_count ? &options->sources[0] : &any,
                                         target, &bound);
    if (socket < 0)
        return socket;
    int error = send_request(options, socket);
    socket_close(socket);
    return error;
}

static const char *error_reason(int error)
{
    if (error == -ETIMEDOUT)
        return "does not answer";
    return error == -ECONNREFUSED ? "refuses" : strerror(-error);
}

static void print_choice(const struct load_options *options, const struct addr *first, int error,
                         const struct addr *chosen)
{
    char from[ADDR_TEXT_BYTES], to[ADDR_TEXT_BYTES], why[ADDR_TEXT_BYTES + 64], next[128];
    snprintf(why, sizeof why, "%s %s", addr_format(first, from), error_reason(error));
    snprintf(next, sizeof next, "continuing with %s; choose by -4 or -6", addr_format(chosen, to));
    print_error(why, next, "measuring %s", options->host);
}

static struct addr choose(const struct load_options *options, const struct addr *addrs, int count)
{
    int unanswered = -1, first_error = 0;
    for (int i = 0; i < count; i++) {
        int error = probe(options, &addrs[i]);
        first_error = i == 0 ? error : first_error;
        if (error == 0) {
            if (i > 0)
                print_choice(options, &addrs[0], first_error, &addrs[i]);
            return addrs[i];
        }
        if (error == -ETIMEDOUT && unanswered < 0)
            unanswered = i;
    }
    return addrs[unanswered < 0 ? 0 : unanswered];
}

/* ---- Names and interfaces ---- */

/* Looks up the interface of a zone by its name. Returns NULL, or what is wrong. */
static const char *find_zone(struct addr *addr, const char *zone)
{
    if (zone[0] == '\0')
        return addr_is_link_local(addr) && addr->scope == 0
                   ? "a link-local address needs its interface, as in fe80::1%eth0"
                   : NULL;
    addr->scope = interface_index(zone);
    return addr->scope ? NULL : "no such network interface";
}

/* Keeps the addresses of the family that -4, -6 or --source asks for. Returns how many. */
static int keep_family(const struct load_options *options, struct addr *addrs, int count)
{
    int family = options->source_count ? options->sources[0].family : options->family, kept = 0;
    for (int i = 0; i < count; i++)
        if (family == ADDR_NONE || addrs[i].family == family)
            addrs[kept++] = addrs[i];
    return kept;
}

static const char *find_name(const struct load_options *options, struct addr addrs[ADDRS_MAX],
                             int *count)
{
    *count = name_lookup(options->target.host, options->target.port, addrs, ADDRS_MAX);
    if (*count < 0)
        return name_lookup_error(*count);
    *count = keep_family(options, addrs, *count);
    return *count > 0 ? NULL : "the host has no address of the requested family";
}

static int find_sources(struct load_options *options, int family,
                        char error[TARGET_LOOKUP_ERROR_BYTES])
{
    for (size_t i = 0; i < options->source_count; i++) {
        struct addr *source = &options->sources[i];
        const char *wrong = find_zone(source, options->source_zones[i]);
        if (!wrong && source->family != family)
            wrong = "its address family differs from that of HOST";
        if (!wrong)
            continue;
        snprintf(error, TARGET_LOOKUP_ERROR_BYTES,
                 "cannot send from --source %zu: %s; give an address of this host", i + 1, wrong);
        return -1;
    }
    return 0;
}

int target_lookup_find(struct load_options *options, struct addr *target,
                       char error[TARGET_LOOKUP_ERROR_BYTES])
{
    struct addr addrs[ADDRS_MAX] = {options->target.addr};
    int count = 1;
    const char *wrong = addrs[0].family ? find_zone(&addrs[0], options->target.zone)
                                        : find_name(options, addrs, &count);
    if (wrong) {
        snprintf(error, TARGET_LOOKUP_ERROR_BYTES, "looking up %.300s: %s; check the name",
                 options->host, wrong);
        return -1;
    }
    if (find_sources(options, addrs[0].family, error) != 0)
        return -1;
    *target = count > 1 ? choose(options, addrs, count) : addrs[0];
    return 0;
}
