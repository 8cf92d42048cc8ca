#include "client/session_report.h"

#include "client/hello_report.h"
#include "os/log/error_message.h"
#include "text/number_with_unit.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_BY_SIGNAL = 128 }; /* plus the signal: the exit status that a shell reports */

void session_report_error(struct session_report *report, int error)
{
    if (report->last_error == error)
        return;
    report->last_error = error;
    line_input_hide_for_error(report->input);
    print_error(peer_error_reason(error), peer_error_advice(error), "sending to %s",
                report->peer->name);
}

void session_report_timeout(struct session_report *report, uint32_t requests, uint32_t keepalives)
{
    char timeout[24], reason[64];
    bool reported = report->last_error == -ETIMEDOUT;
    if (requests == 0 && (keepalives == 0 || reported))
        return;
    report->last_error = -ETIMEDOUT;
    line_input_hide_for_error(report->input);
    snprintf(reason, sizeof reason, "no reply within %s",
             duration_format(report->options->timeout_ms, timeout));
    if (requests)
        print_error(reason, peer_error_advice(-ETIMEDOUT), "sending %" PRIu32 " line%s to %s",
                    requests, requests == 1 ? "" : "s", report->peer->name);
    else
        print_error(reason, "check that the service runs there and answers keepalives",
                    "sending a keepalive to %s", report->peer->name);
}

void session_report_rejected_line(struct session_report *report, const char *reason,
                                  const char *advice)
{
    report->failed_lines++;
    line_input_hide_for_error(report->input);
    print_error(reason, advice, "sending line %" PRIu64 " to %s", report->input->number,
                report->peer->name);
}

void session_report_input_error(struct session_report *report, int error)
{
    line_input_hide_for_error(report->input);
    print_error(strerror(-error), "give it a file, a pipe or a terminal", "reading standard input");
    report->failed_lines++;
}

/* Notes the outcome of a hello, -1: no answer. Returns whether it has to be reported. */
static bool note_hello(struct session_report *report, int status)
{
    bool reported = report->hello_failed && report->hello_status == status;
    if (report->options->frames.policy != HELLO_ASKED || reported)
        return false;
    report->hello_status = status;
    line_input_hide_for_error(report->input);
    return true;
}

void session_report_hello(struct session_report *report, const struct frame *answer)
{
    if (note_hello(report, answer->status))
        report->hello_failed = !hello_report_answer(report->options, report->peer->name, answer);
}

void session_report_silence(struct session_report *report, bool known)
{
    if (!note_hello(report, -1))
        return;
    hello_report_silence(report->options, report->peer->name, known);
    report->hello_failed = true;
}

int session_report_status(const struct session_report *report,
                          const struct pending_requests *requests, int signal)
{
    const struct client_options *options = report->options;
    if (report->input->terminal)
        return signal && signal != SIGINT ? EXIT_BY_SIGNAL + signal : 0;
    if (!pending_requests_all_answered(requests) || report->failed_lines) {
        char timeout[24], reason[128];
        uint64_t lines = requests->sent + report->failed_lines;
        snprintf(reason, sizeof reason, "%" PRIu64 " of %" PRIu64 " were answered (timeout %s)",
                 options->timeout_ms ? requests->answered : requests->sent, lines,
                 duration_format(options->timeout_ms, timeout));
        print_error(reason, peer_error_advice(-ETIMEDOUT), "sending %" PRIu64 " datagrams to %s",
                    lines, report->peer->name);
        return 1;
    }
    return (options->timeout_ms == 0 && report->last_error) || report->hello_failed;
}
