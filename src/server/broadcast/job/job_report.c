#include "server/broadcast/job/job_report.h"

#include "os/log/log.h"

#include <inttypes.h>
#include <stdio.h>

const char *job_state_name(enum job_state state)
{
    static const char *const names[] = {"waiting", "running", "confirming", "done", "cancelled"};
    return names[state];
}

const char *job_report_confirmations(const struct job_report *report,
                                     char text[JOB_CONFIRMATIONS_TEXT_BYTES])
{
    text[0] = '\0';
    if (report->is_confirmed)
        snprintf(text, JOB_CONFIRMATIONS_TEXT_BYTES,
                 " confirmed=%" PRIu64 " silent=%" PRIu64 " plain=%" PRIu64 " rounds=%" PRIu64
                 " datagrams=%" PRIu64,
                 report->confirmed, report->silent, report->plain, report->rounds,
                 report->datagrams);
    return text;
}

void job_report_log_end(const struct job_report *report)
{
    enum { NUMBERS = 12 };
    const uint64_t values[NUMBERS] = {report->id,          report->bytes,     report->targets,
                                      report->sent,        report->failed,    report->skipped,
                                      report->duration_ms, report->confirmed, report->silent,
                                      report->plain,       report->rounds,    report->datagrams};
    char n[NUMBERS][24];
    const char *has_selector = report->selector[0] != '\0' ? "selector" : NULL;
    for (size_t i = 0; i < NUMBERS; i++)
        snprintf(n[i], sizeof n[i], "%" PRIu64, values[i]);
    if (report->is_confirmed)
        log_event(LOG_LEVEL_INFO, "a broadcast ended", "job", n[0], "state",
                  job_state_name(report->state), "bytes", n[1], "targets", n[2], "sent", n[3],
                  "failed", n[4], "skipped", n[5], "duration_ms", n[6], "confirmed", n[7], "silent",
                  n[8], "plain", n[9], "rounds", n[10], "datagrams", n[11], has_selector,
                  report->selector, NULL);
    else
        log_event(LOG_LEVEL_INFO, "a broadcast ended", "job", n[0], "state",
                  job_state_name(report->state), "bytes", n[1], "targets", n[2], "sent", n[3],
                  "failed", n[4], "skipped", n[5], "duration_ms", n[6], has_selector,
                  report->selector, NULL);
}
