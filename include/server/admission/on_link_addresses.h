#ifndef SERVER_ADMISSION_ON_LINK_ADDRESSES_H
#define SERVER_ADMISSION_ON_LINK_ADDRESSES_H

#include "admission/access_list.h"

/* The list of on-link addresses: those of the networks that this host reaches without a gateway,
 * except the neighbours whose link-layer address the kernel knows. A datagram to an on-link address
 * may wait in the kernel for about 3 s for an answer to ARP or neighbour discovery. A real client
 * on a link is not in the list, since it resolves our address before it sends, and the kernel then
 * knows the client's. A forged source is in it. */

/* Makes the list from the host's interfaces, routes and neighbours: access_list_admits returns true
 * for an on-link address. *on_link is NULL if no address is on-link; the caller frees it. Returns 0
 * or -errno. */
int on_link_addresses_list(struct access_list **on_link);

#endif
