#ifndef NET_SOCKET_NAME_LOOKUP_H
#define NET_SOCKET_NAME_LOOKUP_H

#include "address/addr.h"

#include <stdint.h>

/* Name lookup by the system's resolver (DNS, hosts file). */

/* Looks up a host name or a numeric address ("fe80::1%eth0" too, without brackets). Fills at most
 * max addresses, each with port and each only once, in the order in which they should be tried.
 * Returns their number, or a negative number for name_lookup_error. Blocks as long as the system's
 * resolver does. */
int name_lookup(const char *host, uint16_t port, struct addr *addrs, int max);
const char *name_lookup_error(int error);

#endif
