#ifndef SIM_CHECK_SAVED_SNAPSHOTS_H
#define SIM_CHECK_SAVED_SNAPSHOTS_H

#include "base/stats.h"
#include "sim/check/model.h"
#include "sim/check/saved_bounds.h"
#include "sim/world/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The snapshots that the state file has had, by the model: for check/saved. */

enum { SAVED_NO_RECORD = -1 }; /* an index of records */

/* What is known of a complete snapshot. */
struct saved_snapshot {
    bool is_there;
    bool is_damaged; /* since it was written */
    struct saved_times times;
    struct saved_record *records;
    size_t count;
    int32_t
        holders[MODEL_NAMES]; /* the records that certainly have these names, or SAVED_NO_RECORD */
    enum chance proven;       /* each client has proven its address */
    bool is_keyed;            /* and its name by this key */
    uint8_t names_key[sizeof setup.names_key];
    uint64_t job;             /* the highest id that is certainly not given again */
    struct stats least, most; /* the counters at its begin and its end */
    uint64_t streams;         /* the most that were connected */
    uint64_t registered;      /* at the begin, those whose ttl has passed included */
    bool is_final; /* of an orderly stop: then the counters are those of the final report */
    bool has_report;
};

/* The one in the state file. */
extern struct saved_snapshot saved_whole;

/* One is begun, by an orderly stop or not; it is complete, or given up. job: the last one that was
 * given an id. */
void saved_snapshot_begin(bool is_final, uint64_t job);
void saved_snapshot_commit(void);
void saved_snapshot_give_up(void);
/* There is no state file any more. */
void saved_snapshot_forget(void);

/* The counters of all workers, and how many clients have a place in their registries. */
void saved_sum_counters(struct stats *sum);
uint32_t saved_count_registered(void);
/* Returns how many streams are connected, or were when the workers ended: the rest of all clients
 * that have joined. */
uint64_t saved_count_streams(const struct stats *sum, uint64_t registered);

#endif
