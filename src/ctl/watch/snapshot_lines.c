#include "ctl/watch/snapshot_lines.h"
#include "ctl/watch/loss_counters.h"

#include "ctl/output/json.h"

#include <inttypes.h>
#include <string.h>

void snapshot_lines_text(FILE *out, const struct server_snapshot *snapshot, const char *time)
{
    fputs(time, out);
    if (!snapshot->is_up) {
        fprintf(out, "  away  %s\n", snapshot->error);
        return;
    }
    fprintf(out, "  clients %" PRIu64 "/%" PRIu64 "  received %.1f/s  replied %.1f/s",
            snapshot->clients, snapshot->max, server_snapshot_rate(snapshot, "received"),
            server_snapshot_rate(snapshot, "replied"));
    if (server_snapshot_had_subscribers(snapshot))
        fprintf(out, "  messages %.1f/s  events %.1f/s",
                server_snapshot_rate(snapshot, "listen_messages"),
                server_snapshot_rate(snapshot, "listen_events"));
    for (size_t i = 0; i < snapshot->rates.count; i++)
        if (loss_counters_include(snapshot->rates.list[i].name) &&
            snapshot->rates.list[i].per_s > 0)
            fprintf(out, "  %s %.1f/s", snapshot->rates.list[i].name,
                    snapshot->rates.list[i].per_s);
    for (size_t i = 0; i < snapshot->job_count; i++) {
        const struct job_status *job = &snapshot->jobs[i];
        unsigned permille = job_status_permille(job);
        if (job_status_is_confirming(job)) {
            permille = job_status_confirmed_permille(job);
            fprintf(out, "  job %" PRIu64 " %u.%u%% confirmed", job->id, permille / 10,
                    permille % 10);
            continue;
        }
        if (!job_status_is(job, "running"))
            continue;
        if (job_status_has_targets(job))
            fprintf(out, "  job %" PRIu64 " %u.%u%%", job->id, permille / 10, permille % 10);
        else
            fprintf(out, "  job %" PRIu64 " %" PRIu64 " sent", job->id, job->sent);
    }
    putc('\n', out);
}

/* Prints "name":{"counter":value,...}, the values being rates or totals. */
static void print_counters(FILE *out, const struct server_snapshot *snapshot, const char *name,
                           bool rates)
{
    fprintf(out, ",\"%s\":{", name);
    const char *comma = "";
    for (size_t i = 0; i < snapshot->rates.count; i++) {
        const struct counter_rate *rate = &snapshot->rates.list[i];
        fputs(comma, out);
        json_string(out, rate->name);
        if (rates)
            fprintf(out, ":%.1f", rate->per_s);
        else
            fprintf(out, ":%" PRIu64, rate->value);
        comma = ",";
    }
    putc('}', out);
}

static void print_jobs(FILE *out, const struct server_snapshot *snapshot)
{
    const char *comma = "";
    fputs(",\"jobs\":[", out);
    for (size_t i = 0; i < snapshot->job_count; i++) {
        const struct job_status *job = &snapshot->jobs[i];
        if (!job_status_is_open(job))
            continue;
        fprintf(out, "%s{\"id\":%" PRIu64 ",\"state\":", comma, job->id);
        json_string(out, job->state);
        fprintf(out,
                ",\"targets\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"failed\":%" PRIu64
                ",\"skipped\":%" PRIu64 ",\"duration_ms\":%" PRIu64 ",\"selector\":",
                job->targets, job->sent, job->failed, job->skipped, job->duration_ms);
        json_string(out, job->selector);
        if (job->is_confirmed)
            fprintf(out,
                    ",\"confirmed\":%" PRIu64 ",\"silent\":%" PRIu64 ",\"plain\":%" PRIu64
                    ",\"rounds\":%" PRIu64 ",\"datagrams\":%" PRIu64,
                    job->confirmed, job->silent, job->plain, job->rounds, job->datagrams);
        putc('}', out);
        comma = ",";
    }
    putc(']', out);
}

void snapshot_lines_json(FILE *out, const struct server_snapshot *snapshot, const char *time)
{
    fputs("{\"time\":", out);
    json_string(out, time);
    if (snapshot->is_up) {
        fprintf(out, ",\"clients\":%" PRIu64 ",\"max\":%" PRIu64 ",\"uptime_s\":%" PRIu64,
                snapshot->clients, snapshot->max, snapshot->uptime_s);
        print_counters(out, snapshot, "per_s", true);
        print_counters(out, snapshot, "total", false);
        print_jobs(out, snapshot);
    } else {
        fputs(",\"error\":", out);
        json_string(out, snapshot->error);
    }
    fputs("}\n", out);
}
