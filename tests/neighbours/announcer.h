#ifndef NEIGHBOURS_ANNOUNCER_H
#define NEIGHBOURS_ANNOUNCER_H

#include "neighbours.h"

/* Asks for a server's link address as each host of its link does before it sends the first
 * datagram: by ARP, or by neighbour discovery. The answer is for the kernel, which ignores it; but
 * from the question the server learns who asks. Clients in one namespace share its table of
 * neighbours, so that only the first of them would ask. */
struct announcer {
    int socket;
    int link; /* its number */
    struct endpoint target;
};

/* For hosts on the far end of the link; target is the server's address. Skips the test where no
 * such socket may be made. */
void announcer_open(struct announcer *announcer, const struct neighbours *both,
                    const struct endpoint *target);
void announcer_close(const struct announcer *announcer);
/* Asks on behalf of a host; may be called by any thread. False if that was not sent. */
bool announcer_ask(const struct announcer *announcer, const struct endpoint *host);

#endif
