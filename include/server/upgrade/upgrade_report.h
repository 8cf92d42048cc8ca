#ifndef SERVER_UPGRADE_UPGRADE_REPORT_H
#define SERVER_UPGRADE_UPGRADE_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The result of an upgrade. The texts are valid until the callback returns. */
struct upgrade_report {
    bool is_done;        /* the successor serves */
    pid_t from, to;      /* if done: the processes */
    const char *version; /* if done: of the successor */
    uint64_t pause_us;   /* if done: the time in which neither of them received */
    const char *reason;  /* if not done: why this process goes on; */
    bool is_lost;        /* or neither does: the successor has ended after it had taken over */
};
typedef void upgrade_callback(void *state, const struct upgrade_report *report);

#endif
