#ifndef CTL_BROADCAST_JOB_STATUS_H
#define CTL_BROADCAST_JOB_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The status of a broadcast job, from the answer to `jobs`: progress, rate and remaining time. */

enum {
    JOB_STATUS_STATE_BYTES = 16,
    JOB_STATUS_SELECTOR_BYTES = 1280, /* more than the longest: 16 blocks, a listener, a time */
    JOB_STATUS_TIME_BYTES = 24,       /* of a time as text: 2^64 ms have 17 digits of seconds */
};

struct job_status {
    uint64_t id;
    char state[JOB_STATUS_STATE_BYTES]; /* printable ASCII */
    uint64_t targets, sent, failed, skipped, duration_ms, bytes;
    char selector[JOB_STATUS_SELECTOR_BYTES]; /* printable ASCII; "": it is for all clients */
    bool is_confirmed;                        /* clients confirm it; the rest is 0 otherwise */
    uint64_t confirmed, silent, plain, rounds, datagrams;
};

/* Parses the value of a line `job`, which it changes. Returns NULL, or what is wrong with the
 * value, a static string. */
const char *job_status_read(struct job_status *job, char *value);

/* Whether the job has that state, such as "running". */
bool job_status_is(const struct job_status *job, const char *state);

/* Whether the job has not ended: it waits, runs, or waits for confirmations. */
bool job_status_is_open(const struct job_status *job);

/* Whether all clients have got their first copy of a job that clients confirm, which goes on until
 * they have. */
bool job_status_is_confirming(const struct job_status *job);

/* Returns the share of the clients that have confirmed, of those that can, from 0 to 1000. */
unsigned job_status_confirmed_permille(const struct job_status *job);

/* Whether the number of targets is known: those of a selector are counted while it runs. */
bool job_status_has_targets(const struct job_status *job);

/* Returns the progress of a job that runs or has ended, from 0 to 1000; meaningless if its
 * targets are not known. */
unsigned job_status_permille(const struct job_status *job);

/* Returns the copies per second, the average since the job started to run. */
uint64_t job_status_rate_pps(const struct job_status *job);

/* Estimates how many milliseconds remain, from the average rate. Returns false if it is unknown. */
bool job_status_remaining_ms(const struct job_status *job, uint64_t *remaining_ms);

/* Formats a time, rounded up to seconds: "0:07", "12:34", "1:02:03". Returns text. */
const char *job_status_format_time(uint64_t ms, char text[JOB_STATUS_TIME_BYTES]);

#endif
