/* From counters to lines of the log: a table of what deserves one. */
#include "server/datagram/datagram_warnings.h"

#include "os/log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct complaint {
    enum log_kind kind;
    size_t counter;     /* its place in struct stats */
    const char *reason; /* NULL: that of the last reply or copy */
    const char *sentence, *advice;
};

#define COUNTER(name) offsetof(struct stats, name)

static const struct complaint TABLE[] = {
    {LOG_KIND_REGISTRY_FULL, COUNTER(refused_full), "clients.max is reached",
     "the registry is full: new clients are answered but not registered",
     "raise clients.max and restart, which forgets all clients until they speak again"},
    {LOG_KIND_PREFIX_FULL, COUNTER(refused_prefix), "admission.per-prefix is reached",
     "a prefix is full: its new clients are answered but not registered",
     "raise admission.per-prefix, or find out who has so many addresses (udpctl clients)"},
    {LOG_KIND_LIMITED, COUNTER(drop_limited), "admission.rate is reached",
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
     "clients said more than is passed on of one",
     "raise broadcast.relay-rate, or look for the one who talks (udpctl clients)"},
    {LOG_KIND_RELAY_DROPPED, COUNTER(relay_dropped), "too many of them waited",
     "clients said more than can be passed on to all", "lower broadcast.relay-rate"},
    {LOG_KIND_STREAM_SLOW, COUNTER(streams_slow), "server.stream-buffer was full",
     "streams were cut off: their clients don't read", "raise server.stream-buffer"},
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

static const char *reason(const struct datagram_warnings *warnings,
                          const struct complaint *complaint)
{
    if (complaint->reason != NULL)
        return complaint->reason;
    int error =
        complaint->kind == LOG_KIND_REPLY_FAILED ? warnings->reply_errno : warnings->copy_errno;
    return error != 0 ? strerror(error) : "none is known";
}

static const char *advice(const struct datagram_warnings *warnings,
                          const struct complaint *complaint)
{
    /* An answer to a stream fails with the connection alone. */
    if (complaint->kind == LOG_KIND_REPLY_FAILED && warnings->reply_errno == EPIPE)
        return "a client has broken its stream off; nothing is amiss here";
    return complaint->advice;
}

void datagram_warnings_check(struct datagram_warnings *warnings, const struct stats *stats,
                             uint64_t now_ms)
{
    for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
        const struct complaint *complaint = &TABLE[i];
        uint64_t total = value(stats, complaint->counter);
        char text[24];
        if (total == value(&warnings->before, complaint->counter))
            continue;
        snprintf(text, sizeof text, "%" PRIu64, total);
        log_limited(complaint->kind, now_ms, complaint->sentence, "total", text, "reason",
                    reason(warnings, complaint), "advice", advice(warnings, complaint), NULL);
    }
    warnings->before = *stats;
}
