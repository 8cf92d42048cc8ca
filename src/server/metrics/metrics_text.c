#include "server/metrics/metrics_text.h"

#include "base/version.h"
#include "server/metrics/counter_families.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_S UINT64_C(1000000000)

static void add_head(struct text_buffer *text, const char *name, const char *type, const char *help)
{
    text_buffer_format(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void add_count(struct text_buffer *text, const char *name, const char *type,
                      const char *help, uint64_t value)
{
    add_head(text, name, type, help);
    text_buffer_format(text, "%s %" PRIu64 "\n", name, value);
}

static void add_gauge(struct text_buffer *text, const char *name, const char *help, uint64_t value)
{
    add_count(text, name, "gauge", help, value);
}

static void add_counter(struct text_buffer *text, const char *name, const char *help,
                        uint64_t value)
{
    add_count(text, name, "counter", help, value);
}

/* Adds a sample with a value in seconds; labels is "" or in braces. */
static void add_seconds(struct text_buffer *text, const char *name, const char *labels, uint64_t ns)
{
    text_buffer_format(text, "%s%s %" PRIu64 ".%09" PRIu64 "\n", name, labels, ns / NS_PER_S,
                       ns % NS_PER_S);
}

static void add_milliseconds(struct text_buffer *text, const char *name, const char *help,
                             uint64_t ms)
{
    add_head(text, name, "gauge", help);
    text_buffer_format(text, "%s %" PRIu64 ".%03" PRIu64 "\n", name, ms / 1000, ms % 1000);
}

/* A bound as the shortest decimal number of seconds: "0.0025", "1.0". */
static void add_bound(struct text_buffer *text, uint64_t ns)
{
    uint64_t fraction = ns % NS_PER_S;
    int digits = 9;
    for (; digits > 1 && fraction % 10 == 0; digits--)
        fraction /= 10;
    text_buffer_format(text, "%" PRIu64 ".%0*" PRIu64, ns / NS_PER_S, digits, fraction);
}

static void add_histogram(struct text_buffer *text, const char *name, const char *help,
                          const struct duration_histogram *histogram)
{
    char sum[64];
    uint64_t count = 0;
    add_head(text, name, "histogram", help);
    for (size_t i = 0; i < DURATION_HISTOGRAM_BOUNDS; i++) {
        count += histogram->counts[i];
        text_buffer_format(text, "%s_bucket{le=\"", name);
        add_bound(text, duration_histogram_bound_ns(i));
        text_buffer_format(text, "\"} %" PRIu64 "\n", count);
    }
    count += histogram->counts[DURATION_HISTOGRAM_BOUNDS];
    snprintf(sum, sizeof sum, "%s_sum", name);
    text_buffer_format(text, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, count);
    add_seconds(text, sum, "", histogram->sum_ns);
    text_buffer_format(text, "%s_count %" PRIu64 "\n", name, count);
}

/* ---- the server ---- */

static void add_server(struct text_buffer *text, const struct metrics_snapshot *snapshot)
{
    const struct metrics_source *source = snapshot->source;
    const struct config *config = source->config;
    bool has_names = source->names != NULL;
    add_head(text, "udpsrv_build_info", "gauge", "The version of the server, as a label.");
    text_buffer_format(text, "udpsrv_build_info{version=\"%s\"} 1\n", UDPSRV_VERSION);
    add_milliseconds(text, "udpsrv_start_time_seconds",
                     "When the server was started, in seconds since 1970 UTC.",
                     source->started_wall_ms);
    add_gauge(text, "udpsrv_workers", "Workers, each of which is a thread.", source->worker_count);
    add_gauge(text, "udpsrv_clients", "Clients registered now, those of streams included.",
              snapshot->clients);
    add_gauge(text, "udpsrv_clients_max", "The most clients at a time (clients.max).",
              config->clients.max);
    add_gauge(text, "udpsrv_names", "Names that clients have now.",
              has_names ? client_names_count(source->names) : 0);
    add_gauge(text, "udpsrv_names_max",
              "The most names at a time (clients.names-max); 0 under clients.names = off.",
              has_names ? config->clients.names_max : 0);
    add_gauge(text, "udpsrv_streams", "Clients that are connected by streams now.",
              snapshot->streams);
    add_gauge(text, "udpsrv_streams_max", "The most streams at a time (server.stream-max).",
              config->server.stream_max);
    add_gauge(text, "udpsrv_subscribers",
              "Sessions of operators that get messages or events as they come.",
              subscriptions_count(source->subscriptions));
}

static void add_listeners(struct text_buffer *text, const struct listeners *listeners)
{
    size_t missing = 0;
    for (size_t i = 0; i < listeners->count; i++)
        missing += listeners->list[i].missing;
    add_head(text, "udpsrv_listeners", "gauge",
             "Addresses that the server listens on; missing: its interface or address is.");
    text_buffer_format(text,
                       "udpsrv_listeners{state=\"open\"} %zu\n"
                       "udpsrv_listeners{state=\"missing\"} %zu\n",
                       listeners->count - missing, missing);
}

/* ---- broadcasts ---- */

/* The numbers of jobs by state, and the last confirmed one that has ended. */
struct job_numbers {
    uint64_t by_state[JOB_CANCELLED + 1];
    uint64_t last_id, confirmed, silent, plain;
};

static void count_job(void *state, const struct job_report *report)
{
    struct job_numbers *counts = state;
    bool has_ended = report->state == JOB_DONE || report->state == JOB_CANCELLED;
    counts->by_state[report->state]++;
    if (!has_ended || !report->is_confirmed || report->id < counts->last_id)
        return;
    counts->last_id = report->id;
    counts->confirmed = report->confirmed;
    counts->silent = report->silent;
    counts->plain = report->plain;
}

static void add_jobs(struct text_buffer *text, const struct jobs *jobs)
{
    struct job_numbers counts = {.last_id = 0};
    jobs_each(jobs, count_job, &counts);
    add_head(text, "udpsrv_jobs", "gauge", "Broadcast jobs that have not ended.");
    for (enum job_state state = JOB_WAITING; state <= JOB_CONFIRMING; state++)
        text_buffer_format(text, "udpsrv_jobs{state=\"%s\"} %" PRIu64 "\n", job_state_name(state),
                           counts.by_state[state]);
    add_head(text, "udpsrv_last_confirmed_job_clients", "gauge",
             "Clients of the last confirmed broadcast that has ended and is remembered.");
    text_buffer_format(text,
                       "udpsrv_last_confirmed_job_clients{result=\"confirmed\"} %" PRIu64 "\n"
                       "udpsrv_last_confirmed_job_clients{result=\"silent\"} %" PRIu64 "\n"
                       "udpsrv_last_confirmed_job_clients{result=\"plain\"} %" PRIu64 "\n",
                       counts.confirmed, counts.silent, counts.plain);
}

static void add_publishes(struct text_buffer *text, const struct publish_queue *publishes,
                          const struct publish_gap_counts *gaps)
{
    const struct publish_streams *streams = publish_queue_streams(publishes);
    const struct publish_counts counts = publish_queue_counts(publishes);
    uint64_t uncertain = 0;
    for (size_t i = 0; i < streams->count; i++)
        uncertain += streams->list[i].is_uncertain;
    add_gauge(text, "udpsrv_publish_streams", "Publish streams that are remembered.",
              streams->count);
    add_gauge(text, "udpsrv_publish_streams_uncertain",
              "Publish streams whose last broadcast an earlier process has begun, and not ended.",
              uncertain);
    add_gauge(text, "udpsrv_publish_waiting", "Broadcasts with a key that wait for their turn.",
              counts.waiting);
    add_counter(text, "udpsrv_publish_duplicates_total",
                "Broadcasts with a key that was not newer than the last one: nothing was sent.",
                counts.duplicates);
    add_counter(text, "udpsrv_publish_gaps_total",
                "Gaps of publish streams that were reported: entries removed before they were "
                "published, or another stream under the same name.",
                gaps->gaps);
    add_counter(text, "udpsrv_publish_missing_entries_total",
                "Entries of publish streams that are missing in these gaps, at least.",
                gaps->missing);
}

/* ---- workers and snapshots ---- */

static void add_workers(struct text_buffer *text, const struct metrics_snapshot *snapshot)
{
    const struct metrics_worker *workers = snapshot->workers;
    size_t count = snapshot->source->worker_count;
    char label[32];
    add_head(text, "udpsrv_worker_datagrams_received_total", "counter",
             "Datagrams, and messages of streams, that a worker has read.");
    for (size_t i = 0; i < count; i++)
        text_buffer_format(text,
                           "udpsrv_worker_datagrams_received_total{worker=\"%zu\"} %" PRIu64 "\n",
                           i, workers[i].stats.received);
    add_head(text, "udpsrv_worker_kernel_drops_total", "counter",
             "Datagrams lost in the kernel: a receive buffer of the worker was full.");
    for (size_t i = 0; i < count; i++)
        text_buffer_format(text, "udpsrv_worker_kernel_drops_total{worker=\"%zu\"} %" PRIu64 "\n",
                           i, workers[i].stats.kernel_drops);
    add_head(text, "udpsrv_worker_clients", "gauge", "Clients registered in a worker now.");
    for (size_t i = 0; i < count; i++)
        text_buffer_format(text, "udpsrv_worker_clients{worker=\"%zu\"} %" PRIu32 "\n", i,
                           workers[i].clients);
    add_head(text, "udpsrv_worker_cpu_seconds_total", "counter",
             "Processor time of a worker's thread, user and system.");
    for (size_t i = 0; i < count; i++) {
        snprintf(label, sizeof label, "{worker=\"%zu\"}", i);
        add_seconds(text, "udpsrv_worker_cpu_seconds_total", label, workers[i].cpu_ns);
    }
    add_histogram(text, "udpsrv_sweep_duration_seconds",
                  "Time that a worker worked for one removal of expired clients.",
                  &snapshot->sweeps);
}

static void add_snapshots(struct text_buffer *text, const struct state_snapshots *snapshots)
{
    struct state_snapshots_report report;
    if (snapshots == NULL)
        return;
    state_snapshots_report(snapshots, &report);
    add_histogram(text, "udpsrv_snapshot_duration_seconds",
                  "Time from the begin of a snapshot to its end on the disk (state.file).",
                  &report.durations);
    add_counter(text, "udpsrv_snapshots_failed_total", "Snapshots that could not be written.",
                report.failures);
    add_milliseconds(text, "udpsrv_snapshot_last_written_timestamp_seconds",
                     "When the last snapshot was written, in seconds since 1970 UTC; 0: never.",
                     report.written_wall_ms);
}

/* ---- the process ---- */

/* The names are those that the client libraries of Prometheus have. What cannot be read is left
 * out. */
static void add_process(struct text_buffer *text, const struct metrics_source *source,
                        const struct process_usage *usage)
{
    add_head(text, "process_cpu_seconds_total", "counter",
             "Processor time of the process, user and system.");
    add_seconds(text, "process_cpu_seconds_total", "", usage->cpu_ns);
    if (usage->resident_bytes > 0) {
        add_gauge(text, "process_resident_memory_bytes", "Memory that is in use now.",
                  usage->resident_bytes);
        add_gauge(text, "process_virtual_memory_bytes", "Memory that is reserved.",
                  usage->virtual_bytes);
    }
    if (usage->open_files > 0)
        add_gauge(text, "process_open_fds", "Open descriptors.", usage->open_files);
    if (usage->max_files > 0)
        add_gauge(text, "process_max_fds", "The limit of open descriptors.", usage->max_files);
    add_milliseconds(text, "process_start_time_seconds",
                     "When the process was started, in seconds since 1970 UTC.",
                     source->started_wall_ms);
}

void metrics_text_add(struct text_buffer *text, const struct metrics_snapshot *snapshot,
                      const struct process_usage *usage)
{
    add_server(text, snapshot);
    add_listeners(text, snapshot->source->listeners);
    counter_families_add(text, &snapshot->stats);
    add_jobs(text, snapshot->source->jobs);
    add_publishes(text, snapshot->source->publishes, &snapshot->source->gaps->total);
    add_workers(text, snapshot);
    add_snapshots(text, snapshot->source->snapshots);
    add_process(text, snapshot->source, usage);
}
