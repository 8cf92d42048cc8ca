#ifndef SERVER_DATAGRAM_ON_LINK_ADDRESSES_H
#define SERVER_DATAGRAM_ON_LINK_ADDRESSES_H

#include "admission/access_list.h"

/* The addresses to which a challenge may wait in the kernel: those of our links, without the
 * neighbours that are known to answer. A client on a link of ours asks for our address before it
 * sends, and is known from then on; a forged source is not. */

/* Makes the list from the host's interfaces and neighbours as they are now: access_list_admits says
 * whether an address is in it. *on_link is NULL where no address is, and the caller's to free. 0 or
 * -errno.
 */
int on_link_addresses_list(struct access_list **on_link);

#endif
