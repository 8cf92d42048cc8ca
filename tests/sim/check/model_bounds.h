#ifndef SIM_CHECK_MODEL_BOUNDS_H
#define SIM_CHECK_MODEL_BOUNDS_H

#include "sim/check/model.h"

#include <stdbool.h>
#include <stdint.h>

/* The numbers of clients that must be, and that may be, in the registry of each worker. They are
 * asked for at each idle moment, so they are counted anew only when they may have changed. */

struct model_bounds {
    uint32_t at_least[MODEL_WORKERS_MAX], at_most[MODEL_WORKERS_MAX];
};
const struct model_bounds *model_bounds(void);

/* The times of any entry have changed. */
void model_bounds_changed(void);

/* How an entry counts. A datagram after which it counts as before leaves the numbers as they are.
 */
struct bounded {
    int worker;
    bool is_sure, occupies;
};
struct bounded model_bounds_of(const struct model_entry *entry);
void model_bounds_keep(const struct model_entry *entry, struct bounded before);

#endif
