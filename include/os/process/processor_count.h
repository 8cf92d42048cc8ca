#ifndef OS_PROCESS_PROCESSOR_COUNT_H
#define OS_PROCESS_PROCESSOR_COUNT_H

#include <stdint.h>

/* The processors that this process may use, by its affinity and by the CPU quota of its control
 * groups. */

/* Returns how many processors the calling thread may use (sched_getaffinity(2)), at least 1. */
uint32_t processor_count(void);

/* The same, but not more than the CPU quota of its control groups in whole processors; at least 1.
 */
uint32_t processor_count_within_quota(void);

/* Returns the number of the nth processor that the calling thread may use, counted from 0; after
 * the last it starts again with the first. */
uint32_t processor_count_nth(uint32_t nth);

#endif
