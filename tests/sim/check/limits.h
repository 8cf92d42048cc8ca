#ifndef SIM_CHECK_LIMITS_H
#define SIM_CHECK_LIMITS_H

#include "address/addr.h"

/* The oracle of admission.rate: an address gets no more answers than its rate and burst allow. It
 * holds until the first reload, since a reload may change the limits. */

/* An answer to a datagram of that source is queued. */
void limits_answer(const struct addr *source);
/* The server has ended. */
void limits_reset(void);

#endif
