#ifndef SERVER_ADMISSION_ON_LINK_ADDRESSES_H
#define SERVER_ADMISSION_ON_LINK_ADDRESSES_H

#include "admission/access_list.h"

/* Which addresses count as on-link: those of the networks that this host reaches without a gateway,
 * but for the neighbours that the kernel knows to answer (ARP, ND). A datagram to an on-link
 * address may wait some 3 s in the kernel for an answer to ARP or ND. A real client on a link is
 * not in the list: it resolves our address before it sends, so the kernel knows it from then on. A
 * forged source is. */

/* Makes the list from the host's interfaces, routes and neighbours: access_list_admits returns
 * whether an address is on-link. *on_link is NULL where no address is; the caller frees it. Returns
 * 0 or -errno. */
int on_link_addresses_list(struct access_list **on_link);

#endif
