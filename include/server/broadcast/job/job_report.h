#ifndef SERVER_BROADCAST_JOB_JOB_REPORT_H
#define SERVER_BROADCAST_JOB_JOB_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is reported of one of the operator's broadcasts: its state and its counts, as a plain value,
 * and how they are written to the log and to control lines. */

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_CONFIRMING, JOB_DONE, JOB_CANCELLED };

/* The present state of a job. When it has ended, targets = sent + failed + skipped, and of a
 * confirmed one targets = confirmed + silent + plain + skipped. */
struct job_report {
    uint64_t id; /* from 1, in the order of submission */
    enum job_state state;
    uint64_t targets; /* recipients when it started: clients of every transport, and the multicast
                         group; with a selector: clients that matched it at their turn, until now */
    uint64_t sent;    /* copies that the kernel accepted */
    uint64_t failed;  /* copies that the kernel refused */
    uint64_t skipped; /* targets that got no copy: they left or expired before, or the job was
                         cancelled */
    uint64_t duration_ms; /* from its start to its end, or until now */
    size_t bytes;         /* of the payload */
    const char *selector; /* the text of its selector, "" if it has none; valid during the call */
    bool is_confirmed;    /* the following are only of a confirmed broadcast, otherwise 0 */
    uint64_t confirmed;   /* clients that got a frame and have confirmed it */
    uint64_t silent;      /* clients that got a frame and have not, also if the kernel refused it */
    uint64_t plain;       /* recipients that do not want frames: they got a plain copy */
    uint64_t rounds;      /* that have begun */
    uint64_t datagrams;   /* copies that the kernel accepted in all rounds; at least `sent` */
    bool has_lost_list;   /* an upgrade has not kept which clients have confirmed it */
};

/* Receives jobs, one a call. */
typedef void job_visit(void *state, const struct job_report *report);

/* Returns "waiting", "running", "confirming", "done" or "cancelled". */
const char *job_state_name(enum job_state state);

enum { JOB_CONFIRMATIONS_TEXT_BYTES = 5 * (12 + 20) };

/* Writes " confirmed=N silent=N plain=N rounds=N datagrams=N" to text; nothing if the job is not
 * confirmed. Returns text. */
const char *job_report_confirmations(const struct job_report *report,
                                     char text[JOB_CONFIRMATIONS_TEXT_BYTES]);

/* Logs the end of a job, at level info. */
void job_report_log_end(const struct job_report *report);

#endif
