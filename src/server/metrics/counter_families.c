#include "server/metrics/counter_families.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A sample. Those of one metric are adjacent. */
struct sample {
    const char *metric;
    const char *label; /* NULL: none */
    const char *value;
    const char *counter; /* its name in base/stats */
};

static const struct sample SAMPLES[] = {
#define STAT(name, meaning) {"udpsrv_datagrams_received_total", "outcome", #name, #name},
    STATS_OUTCOMES(STAT)
#undef STAT
        {"udpsrv_kernel_drops_total", NULL, NULL, "kernel_drops"},
    {"udpsrv_clients_joined_total", NULL, NULL, "joined"},
    {"udpsrv_clients_removed_total", "reason", "left", "left"},
    {"udpsrv_clients_removed_total", "reason", "expired", "expired"},
    {"udpsrv_clients_removed_total", "reason", "kicked", "kicked"},
    {"udpsrv_clients_removed_total", "reason", "moved", "moved"},
    {"udpsrv_clients_refused_total", "reason", "full", "refused_full"},
    {"udpsrv_clients_refused_total", "reason", "prefix", "refused_prefix"},
    {"udpsrv_cookies_refused_total", NULL, NULL, "bad_cookies"},
    {"udpsrv_names_refused_total", "reason", "proof", "bad_names"},
    {"udpsrv_names_refused_total", "reason", "full", "refused_names"},
    {"udpsrv_names_refused_total", "reason", "late", "late_names"},
    {"udpsrv_dry_run_total", "limit", "rate", "dry_limited"},
    {"udpsrv_dry_run_total", "limit", "prefix", "dry_prefix"},
    {"udpsrv_broadcasts_total", NULL, NULL, "broadcasts"},
    {"udpsrv_copies_total", "result", "sent", "copies_sent"},
    {"udpsrv_copies_total", "result", "failed", "copies_failed"},
    {"udpsrv_direct_messages_total", "result", "sent", "direct_sent"},
    {"udpsrv_direct_messages_total", "result", "failed", "direct_failed"},
    {"udpsrv_listen_published_total", "kind", "messages", "listen_messages"},
    {"udpsrv_listen_published_total", "kind", "events", "listen_events"},
    {"udpsrv_listen_lost_total", NULL, NULL, "listen_lost"},
    {"udpsrv_relay_messages_total", "result", "relayed", "relayed"},
    {"udpsrv_relay_messages_total", "result", "limited", "relay_limited"},
    {"udpsrv_relay_messages_total", "result", "dropped", "relay_dropped"},
    {"udpsrv_streams_ended_total", "reason", "closed", "streams_closed"},
    {"udpsrv_streams_ended_total", "reason", "slow", "streams_slow"},
    {"udpsrv_streams_refused_total", "reason", "full", "streams_refused"},
    {"udpsrv_streams_refused_total", "reason", "denied", "streams_denied"},
};

static const struct {
    const char *metric, *help;
} HELPS[] = {
    {"udpsrv_datagrams_received_total",
     "Datagrams, and messages of streams, that were read, by what became of each."},
    {"udpsrv_kernel_drops_total", "Datagrams lost in the kernel: a receive buffer was full."},
    {"udpsrv_clients_joined_total", "Clients registered."},
    {"udpsrv_clients_removed_total", "Clients that send datagrams and were removed."},
    {"udpsrv_clients_refused_total", "Datagrams answered whose source was not registered: "
                                     "clients.max reached, or its prefix full."},
    {"udpsrv_cookies_refused_total", "Cookies that were wrong or had expired."},
    {"udpsrv_names_refused_total", "Hellos whose name was refused or not answered."},
    {"udpsrv_dry_run_total", "What a limit of [admission] would have refused without dry-run."},
    {"udpsrv_broadcasts_total", "Broadcast jobs ended."},
    {"udpsrv_copies_total", "Copies of broadcasts that the kernel accepted or refused."},
    {"udpsrv_direct_messages_total", "Messages to one client that were sent or could not be."},
    {"udpsrv_listen_published_total", "Messages and events that a subscriber asked for."},
    {"udpsrv_listen_lost_total", "Messages and events that a subscriber was too slow to get."},
    {"udpsrv_relay_messages_total", "Messages of clients sent on to other clients, or not."},
    {"udpsrv_streams_ended_total", "Stream clients that disconnected, or were too slow."},
    {"udpsrv_streams_refused_total", "Streams refused: no place, or their source is not allowed."},
};

enum { SAMPLES_COUNT = sizeof SAMPLES / sizeof *SAMPLES };

static const char *help_of(const char *metric)
{
    for (size_t i = 0; i < sizeof HELPS / sizeof *HELPS; i++)
        if (strcmp(HELPS[i].metric, metric) == 0)
            return HELPS[i].help;
    return "";
}

static size_t find_counter(const char *name)
{
    size_t i = 0;
    while (strcmp(stats_name(i), name) != 0)
        i++;
    return i;
}

static const char *format_name(const struct sample *sample, char name[COUNTER_FAMILIES_NAME_BYTES])
{
    if (sample->label == NULL)
        snprintf(name, COUNTER_FAMILIES_NAME_BYTES, "%s", sample->metric);
    else
        snprintf(name, COUNTER_FAMILIES_NAME_BYTES, "%s{%s=\"%s\"}", sample->metric, sample->label,
                 sample->value);
    return name;
}

void counter_families_add(struct text_buffer *text, const struct stats *stats)
{
    char name[COUNTER_FAMILIES_NAME_BYTES];
    const char *metric = "";
    for (const struct sample *sample = SAMPLES; sample < SAMPLES + SAMPLES_COUNT; sample++) {
        if (strcmp(sample->metric, metric) != 0)
            text_buffer_format(text, "# HELP %s %s\n# TYPE %s counter\n", sample->metric,
                               help_of(sample->metric), sample->metric);
        metric = sample->metric;
        text_buffer_format(text, "%s %" PRIu64 "\n", format_name(sample, name),
                           stats_value(stats, find_counter(sample->counter)));
    }
}

const char *counter_families_name(size_t i, char name[COUNTER_FAMILIES_NAME_BYTES])
{
    for (const struct sample *sample = SAMPLES; sample < SAMPLES + SAMPLES_COUNT; sample++)
        if (strcmp(sample->counter, stats_name(i)) == 0)
            return format_name(sample, name);
    return NULL;
}
