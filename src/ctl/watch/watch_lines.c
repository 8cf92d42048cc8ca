/* `watch` on a pipe: a line for each look. */
#include "ctl/watch/watch_lines.h"

#include "ctl/output/json.h"

#include <inttypes.h>
#include <string.h>

void watch_lines_text(FILE *out, const struct watch_data *view, const char *time)
{
    fputs(time, out);
    if (!view->there) {
        fprintf(out, "  away  %s\n", view->trouble);
        return;
    }
    fprintf(out, "  clients %" PRIu64 "/%" PRIu64 "  received %.1f/s  replied %.1f/s",
            view->clients, view->max, watch_data_rate(view, "received"),
            watch_data_rate(view, "replied"));
    for (size_t i = 0; i < view->rates.count; i++)
        if (rate_is_bad(&view->rates.list[i]) && view->rates.list[i].per_s > 0)
            fprintf(out, "  %s %.1f/s", view->rates.list[i].name, view->rates.list[i].per_s);
    for (size_t i = 0; i < view->job_count; i++) {
        unsigned permille = job_status_permille(&view->jobs[i]);
        if (job_status_is(&view->jobs[i], "running"))
            fprintf(out, "  job %" PRIu64 " %u.%u%%", view->jobs[i].id, permille / 10,
                    permille % 10);
    }
    putc('\n', out);
}

/* "name":{"counter":figure,…}: how fast the counters move, or how far they have come. */
static void print_counters(FILE *out, const struct watch_data *view, const char *name, bool rates)
{
    fprintf(out, ",\"%s\":{", name);
    const char *comma = "";
    for (size_t i = 0; i < view->rates.count; i++) {
        const struct rate *rate = &view->rates.list[i];
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

static void print_jobs(FILE *out, const struct watch_data *view)
{
    const char *comma = "";
    fputs(",\"jobs\":[", out);
    for (size_t i = 0; i < view->job_count; i++) {
        const struct job_status *job = &view->jobs[i];
        if (!job_status_is_open(job))
            continue;
        fprintf(out, "%s{\"id\":%" PRIu64 ",\"state\":", comma, job->id);
        json_string(out, job->state);
        fprintf(out,
                ",\"targets\":%" PRIu64 ",\"sent\":%" PRIu64 ",\"failed\":%" PRIu64
                ",\"skipped\":%" PRIu64 ",\"duration_ms\":%" PRIu64 "}",
                job->targets, job->sent, job->failed, job->skipped, job->duration_ms);
        comma = ",";
    }
    putc(']', out);
}

void watch_lines_json(FILE *out, const struct watch_data *view, const char *time)
{
    fputs("{\"time\":", out);
    json_string(out, time);
    if (view->there) {
        fprintf(out, ",\"clients\":%" PRIu64 ",\"max\":%" PRIu64 ",\"uptime_s\":%" PRIu64,
                view->clients, view->max, view->uptime_s);
        print_counters(out, view, "per_s", true);
        print_counters(out, view, "total", false);
        print_jobs(out, view);
    } else {
        fputs(",\"error\":", out);
        json_string(out, view->trouble);
    }
    fputs("}\n", out);
}
