#ifndef SIM_CHECK_LIMITS_H
#define SIM_CHECK_LIMITS_H

#include "sim/check/model.h"

/* The oracles of admission.rate, that an address and a prefix get no more answers than their rate
 * and burst allow, and of admission.per-prefix. They hold until the first reload, since a reload
 * may change the limits. */

/* An answer to a datagram of that source is queued. */
void limits_answer(const struct addr *source);
/* The source was found in the registry after a datagram. */
void limits_registered(const struct model_entry *entry);
/* The server has ended. */
void limits_reset(void);

#endif
