#ifndef SIM_CHECK_RESTORING_H
#define SIM_CHECK_RESTORING_H

#include "sim/net/udp.h"
#include "sim/world/settings.h"

#include <stdbool.h>
#include <stdint.h>

/* The oracle of missing-address: what is missing at the start, or is deleted and made again, is
 * served within two seconds after it appears (udpsrv.conf(5)). */

/* The server is ready. */
void restoring_begin(void);
/* The host was suspended until now. */
void restoring_delayed(void);
/* The server was asked to stop, or has ended. */
void restoring_end(void);

/* Whether the server must know of what changed at that time. */
bool restoring_is_due(uint64_t changed_ms);

/* No socket takes a datagram that has arrived. */
void restoring_check_lost(const struct packet *packet);
/* No socket listens for streams there. */
void restoring_check_stream(const struct drawn_listener *listener);
/* A broadcast can't reach the multicast group. */
void restoring_check_multicast(void);

/* Whether something that the configuration names does not exist. */
bool restoring_is_missing(void);

#endif
