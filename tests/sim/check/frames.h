#ifndef SIM_CHECK_FRAMES_H
#define SIM_CHECK_FRAMES_H

#include "sim/check/model.h"
#include "sim/check/observe.h"

#include <stdint.h>

/* The oracle of the copies that leave as Ethernet frames: each goes to a registered client, back by
 * the link on which the last datagram came that the program in the kernel has noted of it, and from
 * the address that this was sent to. A client whose later datagrams come by another interface or to
 * another address gets no frame, and one of which the program does not see them gets none from at
 * most FRAMES_NOTED_MS after it has noted one.
 * That each client gets one copy by either way is checked in check/copies. */

enum { FRAMES_NOTED_MS = 1000 };

/* The program has noted the link of a datagram of that client. */
void frames_noted(struct model_entry *entry, const struct packet *packet);
/* A datagram to local has certainly renewed the client by a socket. The scope of local is the
 * interface by which it came, and the family is ADDR_NONE if the socket does not report that. */
void frames_renewed(struct model_entry *entry, const struct addr *local);
/* The client has certainly left, or had expired before the datagram that is received now. */
void frames_ended(struct model_entry *entry);

/* A frame has left. Returns the client that it is for. */
struct model_entry *frames_check(const struct observed_frame *frame);

/* How many have left in this start. */
uint64_t frames_count(void);

/* The server has ended. */
void frames_reset(void);

#endif
