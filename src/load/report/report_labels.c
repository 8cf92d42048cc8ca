#include "load/report/report_labels.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void report_labels_counts(const struct load_counts *counts,
                          struct report_labels_count rows[REPORT_LABELS_COUNTS])
{
    const struct report_labels_count all[REPORT_LABELS_COUNTS] = {
        {"sent", "sent", "requests that the kernel took", counts->sent},
        {"replied", "replied", "answered in time, as expected", counts->replied},
        {"wrong", "wrong", "answered in time, but by none of the expected replies", counts->wrong},
        {"lost", "lost", "not answered within the timeout", counts->lost},
        {"late", "late", "replies to requests that already counted as lost", counts->late},
        {"duplicate", "duplicate", "replies to requests that were answered already",
         counts->duplicate},
        {"unsolicited", "unsolicited", "datagrams to clients that waited for none",
         counts->unsolicited},
        {"send_errors", "send errors", "requests that the kernel refused; not in sent",
         counts->send_errors},
        {"own_drops", "own drops", "dropped at the sender's own sockets, not by the server",
         counts->own_drops},
        {"challenged", "challenged", "challenges, each answered by the request with a cookie",
         counts->challenged},
        {"refused", "refused",
         "ICMP errors: no service listens on that port, or a firewall refuses", counts->refused},
    };
    memcpy(rows, all, sizeof all);
}

void report_labels_latency(const struct histogram *histogram,
                           struct report_labels_latency rows[REPORT_LABELS_LATENCY])
{
    static const struct {
        const char *key, *label;
        uint32_t ppm;
    } percentiles[] = {
        {"p50", "p50", 500000}, {"p90", "p90", 900000},    {"p95", "p95", 950000},
        {"p99", "p99", 990000}, {"p999", "p99.9", 999000}, {"p9999", "p99.99", 999900},
    };

    rows[0] =
        (struct report_labels_latency){"min", "min", histogram->count > 0 ? histogram->min : 0};
    rows[1] = (struct report_labels_latency){"mean", "mean", histogram_mean(histogram)};
    for (size_t i = 0; i < REPORT_LABELS_LATENCY - 3; i++)
        rows[2 + i] =
            (struct report_labels_latency){percentiles[i].key, percentiles[i].label,
                                           histogram_percentile(histogram, percentiles[i].ppm)};
    rows[REPORT_LABELS_LATENCY - 1] = (struct report_labels_latency){"max", "max", histogram->max};
}

const char *report_labels_message(const char *message, char text[REPORT_LABELS_MESSAGE_BYTES])
{
    if (snprintf(text, REPORT_LABELS_MESSAGE_BYTES, "%s", message) >= REPORT_LABELS_MESSAGE_BYTES)
        strcpy(text + REPORT_LABELS_MESSAGE_BYTES - sizeof "...", "...");
    return text;
}

const char *report_labels_limit(const struct load_find_max *find_max,
                                char text[REPORT_LABELS_LIMIT_BYTES])
{
    switch (find_max->limit) {
    case LOAD_LIMIT_SERVICE:
        snprintf(text, REPORT_LABELS_LIMIT_BYTES, "too much was lost or wrong at %" PRIu32 "/s",
                 find_max->failed);
        break;
    case LOAD_LIMIT_SENDER:
        if (find_max->sender_max)
            snprintf(text, REPORT_LABELS_LIMIT_BYTES,
                     "the sender sends no more than %" PRIu32 "/s; the service may take more",
                     find_max->sender_max);
        else
            snprintf(text, REPORT_LABELS_LIMIT_BYTES,
                     "the sender fell behind at %" PRIu32 "/s; the service may take more",
                     find_max->failed);
        break;
    case LOAD_LIMIT_SCHEDULE:
        snprintf(text, REPORT_LABELS_LIMIT_BYTES, "no higher rate can be requested");
        break;
    case LOAD_LIMIT_STOPPED:
        snprintf(text, REPORT_LABELS_LIMIT_BYTES,
                 "the search was stopped; the service may take more");
        break;
    }
    return text;
}

const char *report_labels_fanout_targets(const struct load_fanout *fanout)
{
    if (fanout->targets > fanout->expected)
        return "the server has other clients, too, and their copies delay these: let them expire, "
               "and repeat";
    if (fanout->targets < fanout->expected)
        return "the server has fewer clients than it answered: check whether --control names its "
               "own socket, and whether udpctl stats counts refused_full";
    return NULL;
}

void report_labels_confirm(const struct load_confirm *confirm,
                           struct report_labels_count rows[REPORT_LABELS_CONFIRM])
{
    const struct report_labels_count all[REPORT_LABELS_CONFIRM] = {
        {"clients", "clients", "whose hello was answered", confirm->clients},
        {"confirmed", "confirmed", "sent a confirmation that was not dropped", confirm->confirmed},
        {"silent", "silent", "the others", confirm->silent},
        {"seen_twice", "seen twice", "messages that a client would have shown twice",
         confirm->seen_twice},
        {"frames", "frames", "copies in frames that arrived", confirm->frames},
        {"frames_dropped", "frames dropped", "of them, by --drop", confirm->frames_dropped},
        {"frames_repeated", "frames repeated", "of them, received again", confirm->frames_repeated},
        {"confirmations", "confirmations", "that were due", confirm->confirmations},
        {"confirmations_dropped", "confirms dropped", "of them, by --drop",
         confirm->confirmations_dropped},
        {"confirmations_failed", "confirms failed", "of them, refused by the kernel",
         confirm->confirmations_failed},
        {"server_confirmed", "server: confirmed", "clients, as the server reports",
         confirm->server_confirmed},
        {"server_silent", "server: silent", "clients, as the server reports",
         confirm->server_silent},
        {"plain", "server: plain", "clients that got a plain copy", confirm->plain},
        {"rounds", "server: rounds", "the most that a broadcast took", confirm->rounds},
        {"datagrams", "server: datagrams", "that the server sent", confirm->datagrams},
    };
    memcpy(rows, all, sizeof all);
}

void report_labels_confirm_times(const struct load_confirm *confirm,
                                 struct report_labels_latency rows[REPORT_LABELS_CONFIRM_TIMES])
{
    const struct report_labels_latency all[REPORT_LABELS_CONFIRM_TIMES] = {
        {"median", "median", confirm->median_ns},
        {"p99", "p99", confirm->p99_ns},
        {"last", "last", confirm->last_ns},
    };
    memcpy(rows, all, sizeof all);
}
