#ifndef SIM_CHECK_OFFLOADED_H
#define SIM_CHECK_OFFLOADED_H

#include "address/addr.h"
#include "base/stats.h"
#include "sim/check/model.h"
#include "sim/net/udp.h"

#include <stdbool.h>
#include <stdint.h>

/* The oracle of the offload: the program in the kernel answers only for clients that are
 * registered, by the interface that they came by, and what it has answered is counted once. */

/* The listener at an address that a client sends to; there must be one. */
int offloaded_listener(const struct addr *local);

/* The program has answered a packet of that client: the last datagram of it by a socket came by the
 * same interface. */
void offloaded_check_interface(const struct model_entry *entry, const struct packet *packet);

/* The program has answered a datagram, by a reply or by none. */
void offloaded_counted(bool has_reply);

/* What the program has answered, and the workers have not counted yet, in this start: they read its
 * counters now and then. sum: what they have counted. */
struct offloaded_counts {
    uint64_t replied, silenced;
};
struct offloaded_counts offloaded_uncounted(const struct stats *sum);

/* The answer to the command `offload`, which was sent at asked_ms, names each interface once. */
void offloaded_check_answer(const char *bytes, uint64_t asked_ms);

/* While no thread can run: the tables have registered clients only, and the interfaces as they are,
 * unless the server could not read them. */
void offloaded_check_idle(void);

/* The server has ended. */
void offloaded_reset(void);

#endif
