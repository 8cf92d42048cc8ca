#include "server/metrics/status_json.h"

#include "base/version.h"
#include "os/process/child_process.h"
#include "os/process/clock.h"

#include <inttypes.h>
#include <string.h>

/* Adds a member and the comma after it. */
static void add_number(struct text_buffer *text, const char *name, uint64_t value)
{
    text_buffer_format(text, "\"%s\":%" PRIu64 ",", name, value);
}

static void add_text(struct text_buffer *text, const char *name, const char *value)
{
    text_buffer_format(text, "\"%s\":", name);
    text_buffer_add_json(text, value, strlen(value));
    text_buffer_add(text, ",");
}

static void begin(struct text_buffer *text, const char *name, const char *bracket)
{
    text_buffer_format(text, "\"%s\":%s", name, bracket);
}

/* Replaces the comma after the last member, if there is one. */
static void end(struct text_buffer *text, const char *bracket)
{
    if (text->size > 0 && text->bytes[text->size - 1] == ',')
        text->size--;
    text_buffer_add(text, bracket);
}

static void add_status(struct text_buffer *text, const struct metrics_snapshot *snapshot,
                       uint64_t uptime_ms)
{
    begin(text, "status", "{");
    add_number(text, "clients", snapshot->clients);
    add_number(text, "max", snapshot->source->config->clients.max);
    add_number(text, "uptime_s", uptime_ms / 1000);
    add_number(text, "workers", snapshot->source->worker_count);
    add_text(text, "version", UDPSRV_VERSION);
    add_number(text, "pid", (uint64_t)child_process_own_id());
    end(text, "},");
}

static void add_stats(struct text_buffer *text, const struct metrics_snapshot *snapshot)
{
    begin(text, "stats", "{");
    for (size_t i = 0; i < STATS_COUNT; i++)
        add_number(text, stats_name(i), stats_value(&snapshot->stats, i));
    add_number(text, "clients", snapshot->clients);
    end(text, "},");
}

static void add_confirmations(struct text_buffer *text, const struct job_report *report)
{
    if (!report->is_confirmed)
        return;
    add_number(text, "confirmed", report->confirmed);
    add_number(text, "silent", report->silent);
    add_number(text, "plain", report->plain);
    add_number(text, "rounds", report->rounds);
    add_number(text, "datagrams", report->datagrams);
}

static void add_job(void *state, const struct job_report *report)
{
    struct text_buffer *text = state;
    text_buffer_add(text, "{");
    add_number(text, "id", report->id);
    add_text(text, "state", job_state_name(report->state));
    add_number(text, "targets", report->targets);
    add_number(text, "sent", report->sent);
    add_number(text, "failed", report->failed);
    add_number(text, "skipped", report->skipped);
    add_number(text, "duration_ms", report->duration_ms);
    add_number(text, "bytes", report->bytes);
    add_text(text, "selector", report->selector);
    add_confirmations(text, report);
    end(text, "},");
}

static void add_listeners(struct text_buffer *text, const struct listeners *listeners)
{
    begin(text, "listeners", "[");
    for (size_t i = 0; i < listeners->count; i++) {
        text_buffer_add(text, "{");
        add_text(text, "address", listeners->list[i].text);
        add_text(text, "state", listeners->list[i].missing ? "missing" : "open");
        end(text, "},");
    }
    end(text, "],");
}

static void add_workers(struct text_buffer *text, const struct metrics_snapshot *snapshot)
{
    begin(text, "workers", "[");
    for (size_t i = 0; i < snapshot->source->worker_count; i++) {
        const struct metrics_worker *worker = &snapshot->workers[i];
        text_buffer_add(text, "{");
        add_number(text, "worker", i);
        add_number(text, "clients", worker->clients);
        add_number(text, "received", worker->stats.received);
        add_number(text, "kernel_drops", worker->stats.kernel_drops);
        add_number(text, "cpu_ms", worker->cpu_ns / 1000000);
        end(text, "},");
    }
    end(text, "],");
}

void status_json_add(struct text_buffer *text, const struct metrics_snapshot *snapshot)
{
    const struct metrics_source *source = snapshot->source;
    const struct config *config = source->config;
    uint64_t uptime_ms = clock_now_ms() - source->started_ms;
    text_buffer_add(text, "{");
    add_text(text, "health", "serving");
    add_number(text, "started_ms", source->started_wall_ms);
    add_number(text, "uptime_ms", uptime_ms);
    add_status(text, snapshot, uptime_ms);
    add_stats(text, snapshot);
    begin(text, "jobs", "[");
    jobs_each(source->jobs, add_job, text);
    end(text, "],");
    add_number(text, "streams", snapshot->streams);
    add_number(text, "streams_max", config->server.stream_max);
    add_number(text, "names", source->names != NULL ? client_names_count(source->names) : 0);
    add_number(text, "names_max", source->names != NULL ? config->clients.names_max : 0);
    add_number(text, "subscribers", subscriptions_count(source->subscriptions));
    add_listeners(text, source->listeners);
    add_workers(text, snapshot);
    end(text, "}\n");
}
