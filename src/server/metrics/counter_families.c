#include "server/metrics/counter_families.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct sample {
    const char *value;   /* of the label of its family; NULL: it has none */
    const char *counter; /* its name in base/stats; NULL ends the list */
};

static const struct family {
    const char *metric, *help;
    const char *label; /* NULL: the only sample has none */
    struct sample samples[STATS_OUTCOME_COUNT + 1];
} FAMILIES[] = {
    {"udpsrv_datagrams_received_total",
     "Datagrams, and messages of streams, that were read, by what became of each.",
     "outcome",
     {
#define STAT(name, meaning) {#name, #name},
         STATS_OUTCOMES(STAT)
#undef STAT
     }},
    {"udpsrv_kernel_drops_total",
     "Datagrams lost in the kernel: a receive buffer was full.",
     NULL,
     {{NULL, "kernel_drops"}}},
    {"udpsrv_clients_joined_total", "Clients registered.", NULL, {{NULL, "joined"}}},
    {"udpsrv_clients_removed_total",
     "Clients that send datagrams and were removed.",
     "reason",
     {{"left", "left"}, {"expired", "expired"}, {"kicked", "kicked"}, {"moved", "moved"}}},
    {"udpsrv_clients_refused_total",
     "Datagrams answered whose source was not registered: clients.max reached, or its prefix full.",
     "reason",
     {{"full", "refused_full"}, {"prefix", "refused_prefix"}}},
    {"udpsrv_cookies_refused_total",
     "Cookies that were wrong or had expired.",
     NULL,
     {{NULL, "bad_cookies"}}},
    {"udpsrv_names_refused_total",
     "Hellos whose name was refused or not answered.",
     "reason",
     {{"proof", "bad_names"}, {"full", "refused_names"}, {"late", "late_names"}}},
    {"udpsrv_dry_run_total",
     "What a limit of [admission] would have refused without dry-run.",
     "limit",
     {{"rate", "dry_limited"}, {"prefix", "dry_prefix"}}},
    {"udpsrv_broadcasts_total", "Broadcast jobs ended.", NULL, {{NULL, "broadcasts"}}},
    {"udpsrv_copies_total",
     "Copies of broadcasts that the kernel accepted or refused.",
     "result",
     {{"sent", "copies_sent"}, {"failed", "copies_failed"}}},
    {"udpsrv_direct_messages_total",
     "Messages to one client that were sent or could not be.",
     "result",
     {{"sent", "direct_sent"}, {"failed", "direct_failed"}}},
    {"udpsrv_listen_published_total",
     "Messages and events that a subscriber asked for.",
     "kind",
     {{"messages", "listen_messages"}, {"events", "listen_events"}}},
    {"udpsrv_listen_lost_total",
     "Messages and events that a subscriber was too slow to get.",
     NULL,
     {{NULL, "listen_lost"}}},
    {"udpsrv_relay_messages_total",
     "Messages of clients sent on to other clients, or not.",
     "result",
     {{"relayed", "relayed"}, {"limited", "relay_limited"}, {"dropped", "relay_dropped"}}},
    {"udpsrv_streams_ended_total",
     "Stream clients that disconnected, or were too slow.",
     "reason",
     {{"closed", "streams_closed"}, {"slow", "streams_slow"}}},
    {"udpsrv_streams_refused_total",
     "Streams refused: no place, or their source is not allowed.",
     "reason",
     {{"full", "streams_refused"}, {"denied", "streams_denied"}}},
    {"udpsrv_offload_decided_total",
     "Datagrams that the offload decided on, before the sockets: a part of those received.",
     "outcome",
     {{"replied", "offload_replied"}, {"silent", "offload_silent"}}},
    {"udpsrv_offload_passed_total",
     "Datagrams of clients of the offload that it passed on to the sockets.",
     "reason",
     {{"frame", "offload_passed_frame"},
      {"size", "offload_passed_size"},
      {"checksum", "offload_passed_checksum"},
      {"settings", "offload_passed_settings"},
      {"room", "offload_passed_room"},
      {"rate", "offload_passed_rate"}}},
    {"udpsrv_offload_copies_total",
     "Broadcast copies that left as frames, past the sockets.",
     NULL,
     {{NULL, "offload_copies"}}},
};

enum { FAMILY_COUNT = sizeof FAMILIES / sizeof FAMILIES[0] };

static size_t find_counter(const char *name)
{
    size_t i = 0;
    while (strcmp(stats_name(i), name) != 0)
        i++;
    return i;
}

static const char *format_name(const struct family *family, const struct sample *sample,
                               char name[COUNTER_FAMILIES_NAME_BYTES])
{
    if (family->label == NULL)
        snprintf(name, COUNTER_FAMILIES_NAME_BYTES, "%s", family->metric);
    else
        snprintf(name, COUNTER_FAMILIES_NAME_BYTES, "%s{%s=\"%s\"}", family->metric, family->label,
                 sample->value);
    return name;
}

void counter_families_add(struct text_buffer *text, const struct stats *stats)
{
    char name[COUNTER_FAMILIES_NAME_BYTES];
    for (const struct family *family = FAMILIES; family < FAMILIES + FAMILY_COUNT; family++) {
        text_buffer_format(text, "# HELP %s %s\n# TYPE %s counter\n", family->metric, family->help,
                           family->metric);
        for (const struct sample *sample = family->samples; sample->counter != NULL; sample++)
            text_buffer_format(text, "%s %" PRIu64 "\n", format_name(family, sample, name),
                               stats_value(stats, find_counter(sample->counter)));
    }
}

const char *counter_families_name(size_t i, char name[COUNTER_FAMILIES_NAME_BYTES])
{
    for (const struct family *family = FAMILIES; family < FAMILIES + FAMILY_COUNT; family++)
        for (const struct sample *sample = family->samples; sample->counter != NULL; sample++)
            if (strcmp(sample->counter, stats_name(i)) == 0)
                return format_name(family, sample, name);
    return NULL;
}
