#ifndef CTL_WATCH_LOSS_COUNTERS_H
#define CTL_WATCH_LOSS_COUNTERS_H

#include <stdbool.h>

/* Returns whether the counter of that name counts losses: its name begins with drop_ or refused_,
 * or ends in _drops, _dropped, _failed, _limited, _refused, _slow or _lost. */
bool loss_counters_include(const char *name);

#endif
