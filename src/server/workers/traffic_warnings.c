#include "server/workers/traffic_warnings.h"

#include "os/log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct warning {
    enum log_kind kind;
    size_t counter;     /* its offset in struct stats */
    const char *reason; /* NULL: the error of the last reply or copy that failed */
    const char *event, *advice;
};

#define COUNTER(name) offsetof(struct stats, name)

static const struct warning WARNINGS[] = {
    {LOG_KIND_REGISTRY_FULL, COUNTER(refused_full), "clients.max is reached",
     "the registry is full: new clients are answered but not registered",
     "raise clients.max, and run udpctl upgrade"},
    {LOG_KIND_PREFIX_FULL, COUNTER(refused_prefix), "admission.per-prefix is reached",
     "a prefix is full: its new clients are answered but not registered",
     "raise admission.per-prefix, or find the clients that have so many addresses (udpctl "
     "clients)"},
    {LOG_KIND_RATE_LIMITED, COUNTER(drop_limited), "admission.rate is reached",
     "datagrams were dropped: their address or prefix is over its rate",
     "raise admission.rate and burst if these are clients"},
    {LOG_KIND_KERNEL_DROPS, COUNTER(kernel_drops), "the receive buffer was full",
     "the kernel dropped datagrams before they could be read",
     "raise server.receive-buffer and net.core.rmem_max"},
    {LOG_KIND_REPLY_FAILED, COUNTER(reply_failed), NULL, "the kernel refused replies",
     "look for missing routes and firewall rules"},
    {LOG_KIND_COPY_FAILED, COUNTER(copies_failed), NULL, "the kernel refused broadcast copies",
     "look for missing routes and firewall rules"},
    {LOG_KIND_RELAY_LIMITED, COUNTER(relay_limited), "broadcast.relay-rate is reached",
     "clients sent more than is relayed for one client",
     "raise broadcast.relay-rate, or find the client that sends so much (udpctl clients)"},
    {LOG_KIND_RELAY_DROPPED, COUNTER(relay_dropped), "too many messages waited",
     "clients sent more than can be relayed to all", "lower broadcast.relay-rate"},
    {LOG_KIND_STREAM_SLOW, COUNTER(streams_slow), "server.stream-buffer was full",
     "streams were closed: their clients do not read", "raise server.stream-buffer"},
    {LOG_KIND_STREAM_REFUSED, COUNTER(streams_refused),
     "server.stream-max is reached, or the limit on open files", "streams were refused",
     "raise server.stream-max"},
};

static uint64_t value(const struct stats *stats, size_t counter)
{
    uint64_t value;
    memcpy(&value, (const char *)stats + counter, sizeof value);
    return value;
}

static const char *reason(const struct traffic_warnings *warnings, const struct warning *warning)
{
    if (warning->reason != NULL)
        return warning->reason;
    int error =
        warning->kind == LOG_KIND_REPLY_FAILED ? warnings->reply_errno : warnings->copy_errno;
    return error != 0 ? strerror(error) : "none is known";
}

static const char *advice(const struct traffic_warnings *warnings, const struct warning *warning)
{
    /* Only a reply to a stream fails with EPIPE: the client has closed the connection. */
    if (warning->kind == LOG_KIND_REPLY_FAILED && warnings->reply_errno == EPIPE)
        return "a client has closed its stream; nothing needs to be done";
    return warning->advice;
}

void traffic_warnings_check(struct traffic_warnings *warnings, const struct stats *stats,
                            uint64_t now_ms)
{
    for (size_t i = 0; i < sizeof WARNINGS / sizeof WARNINGS[0]; i++) {
        const struct warning *warning = &WARNINGS[i];
        uint64_t total = value(stats, warning->counter);
        char text[24];
        if (total == value(&warnings->before, warning->counter))
            continue;
        snprintf(text, sizeof text, "%" PRIu64, total);
        log_limited(warning->kind, now_ms, warning->event, "total", text, "reason",
                    reason(warnings, warning), "advice", advice(warnings, warning), NULL);
    }
    warnings->before = *stats;
}
