#include "server/config/memory_estimate.h"

#include "admission/prefix_counts.h"
#include "admission/rate_limiter.h"
#include "config/config_defaults.h"
#include "offload/client_index.h"
#include "offload/offload_tables.h"
#include "os/log/log.h"
#include "os/process/host.h"
#include "registry/names/client_names.h"
#include "registry/registry.h"
#include "server/config/worker_capacity.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

enum {
    /* Upper limits, rounded to MiB, of an idle server with one worker without its index, and of
     * each further worker, which is mostly the registry's table of local addresses. */
    BASE_BYTES = 4 << 20,
    WORKER_BYTES = 1 << 20,
    /* Datagrams of two batches (BATCH_MAX of net/message/datagram_batch): received and sent. */
    BATCH_DATAGRAMS = 2 * 64,
    /* What a worker has for copies of a broadcast: the tables of offload/copy_tables, of 35 KiB,
     * and the clients of 512 copies (server/broadcast/frame_copies), 44 KiB. */
    OFFLOAD_WORKER_BYTES = 80 << 10,
    MIB = 1 << 20,
};

static bool has_ipv6(const struct config *config)
{
    for (size_t i = 0; i < config->server.listen_count; i++)
        if (config->server.listen[i].transport == TRANSPORT_UDP &&
            config->server.listen[i].addr.family == ADDR_IPV6)
            return true;
    return false;
}

static bool has_streams(const struct config *config)
{
    for (size_t i = 0; i < config->server.listen_count; i++)
        if (config->server.listen[i].transport != TRANSPORT_UDP)
            return true;
    return false;
}

/* The entries of a table for which the kernel allocates memory: without CAP_PERFMON it rounds them
 * up to a power of two (array_map_alloc of kernel/bpf/arraymap.c). */
static uint64_t table_entries(uint64_t entries)
{
    uint64_t rounded = 1;
    while (rounded < entries)
        rounded *= 2;
    return rounded;
}

static uint64_t offload_bytes(uint32_t max, size_t workers)
{
    return table_entries(max) * sizeof(struct offload_record) +
           table_entries(offload_index_entries(max)) * sizeof(struct offload_index_line) +
           (uint64_t)workers * OFFLOAD_WORKER_BYTES + rate_limiter_bytes();
}

struct memory_estimate memory_estimate_of(const struct config *config, size_t workers)
{
    uint32_t max = config->clients.max;
    uint64_t listeners = (uint64_t)config->server.listen_count * workers;
    struct memory_estimate need = {
        .clients_bytes =
            registry_full_bytes(max, has_ipv6(config)) - (uint64_t)registry_index_bytes(max),
        .base_bytes = BASE_BYTES + WORKER_BYTES * (uint64_t)workers +
                      listeners * BATCH_DATAGRAMS * config->server.max_datagram_bytes,
    };
    for (size_t i = 0; i < workers; i++)
        need.start_bytes += registry_index_bytes(worker_capacity(config, workers, i));
    if (config->admission.per_prefix != 0)
        need.clients_bytes += prefix_counts_bytes(max);
    if (config->clients.names != NAMES_OFF)
        need.clients_bytes +=
            client_names_bytes(config->clients.names_max, config->clients.names == NAMES_KEYED) +
            registry_named_bytes(max);
    if (config->admission.rate_pps != 0 && config->offload.mode == CONFIG_OFFLOAD_OFF)
        need.base_bytes += rate_limiter_bytes();
    if (config->offload.mode != CONFIG_OFFLOAD_OFF)
        need.offload_bytes = offload_bytes(config_offload_max(config), workers);
    if (has_streams(config))
        need.streams_bytes =
            (uint64_t)config->server.stream_max * config->server.stream_buffer_bytes;
    return need;
}

uint64_t memory_estimate_sum(const struct memory_estimate *need)
{
    return need->start_bytes + need->clients_bytes + need->offload_bytes + need->streams_bytes +
           need->base_bytes;
}

static bool fits(const struct config *config, uint32_t clients_max, size_t workers, uint64_t bytes)
{
    struct config other = *config;
    other.clients.max = clients_max;
    struct memory_estimate need = memory_estimate_of(&other, workers);
    return memory_estimate_sum(&need) <= bytes;
}

uint32_t memory_estimate_clients(const struct config *config, size_t workers, uint64_t bytes)
{
    /* The largest number that fits is in [low, high). */
    uint32_t low = 0, high = config->clients.max, unit = 1;
    if (fits(config, high, workers, bytes))
        return high;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (fits(config, middle, workers, bytes))
            low = middle;
        else
            high = middle;
    }
    while (low / unit >= 100)
        unit *= 10;
    return low - low % unit;
}

/* Returns which keys to lower: only clients.max if that is enough. */
static const char *advice(const struct config *config, size_t workers, uint64_t may_bytes,
                          char text[128])
{
    uint32_t clients = memory_estimate_clients(config, workers, may_bytes);
    if (clients > 0)
        snprintf(text, 128, "lower clients.max to %" PRIu32 ", or provide more memory", clients);
    else
        snprintf(text, 128, "lower clients.max%s, or provide more memory",
                 has_streams(config) ? ", server.stream-max and server.stream-buffer" : "");
    return text;
}

int memory_estimate_check(const struct config *config, size_t workers)
{
    bool is_group;
    uint64_t may_bytes = host_memory_bytes(&is_group);
    struct memory_estimate need = memory_estimate_of(config, workers);
    uint64_t sum = memory_estimate_sum(&need);
    bool refused = need.start_bytes > may_bytes;
    char needed[24], may[24], text[128];
    if (sum <= may_bytes)
        return 0;
    snprintf(needed, sizeof needed, "%" PRIu64, sum / MIB + 1);
    snprintf(may, sizeof may, "%" PRIu64, may_bytes / MIB);
    log_event(
        refused ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
        refused
            ? "cannot hold clients.max clients: their index needs more than the available memory"
            : "clients.max clients may need more memory than is available",
        "needed_mib", needed, "memory_mib", may, "reason",
        is_group
            ? "a control group limits the memory, and the kernel kills a process that needs more"
            : "the host has no more, and the kernel kills a process that needs more",
        "advice", advice(config, workers, may_bytes, text), NULL);
    return refused ? -ENOMEM : 0;
}
