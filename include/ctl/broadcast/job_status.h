#ifndef CTL_BROADCAST_JOB_STATUS_H
#define CTL_BROADCAST_JOB_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A broadcast as `jobs` tells of it, and how far it has come. */

enum {
    JOB_STATUS_STATE_BYTES = 16,
    JOB_STATUS_TIME_BYTES = 24, /* of a time as text: the seconds of 2^64 ms have 17 digits */
};

struct job_status {
    uint64_t id;
    char state[JOB_STATUS_STATE_BYTES]; /* printable ASCII */
    uint64_t targets, sent, failed, skipped, duration_ms, bytes;
};

/* Reads the value of a line `job`. Returns NULL, or what is wrong with it. It may be changed. */
const char *job_status_read(struct job_status *job, char *value);

bool job_status_is(const struct job_status *job, const char *state);

/* Whether it waits or runs. */
bool job_status_is_open(const struct job_status *job);

/* How far a job that runs or has ended is, from 0 to 1000. */
unsigned job_status_permille(const struct job_status *job);

/* Copies a second, on the average since it runs. */
uint64_t job_status_rate_pps(const struct job_status *job);

/* Milliseconds until it ends if it goes on as it did; false: nobody can tell yet. */
bool job_status_left_ms(const struct job_status *job, uint64_t *left_ms);

/* Rounded up to seconds: "0:07", "12:34", "1:02:03". Returns text. */
const char *job_status_time(uint64_t ms, char text[JOB_STATUS_TIME_BYTES]);

#endif
