#ifndef ADDRESS_CIDR_H
#define ADDRESS_CIDR_H

#include "address/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Address blocks such as 192.0.2.0/24 (CIDR, RFC 4632; RFC 4291 section 2.3): parsing, formatting,
 * comparing. A plain value. Two equal blocks have equal bytes: the address bits after the prefix
 * are zero, and so are the bytes of ip after the fourth in IPv4. */
struct cidr {
    uint8_t ip[16]; /* network order */
    uint8_t family; /* enum addr_family */
    uint8_t bits;   /* the prefix length: 0 to 32, or 0 to 128 */
};

enum {
    /* The longest text that cidr_format writes, its NUL included: 45 of INET6_ADDRSTRLEN, "/128".
     */
    CIDR_TEXT_BYTES = 52,
};

/* Parses "192.0.2.0/24", "2001:db8::/32", or an address without a length, which is a block of one
 * address. It is an error if bits after the prefix are set, since the text is then ambiguous; and
 * if all addresses of the block are IPv4-mapped IPv6 addresses, which no source has, because our
 * sockets are IPV6_V6ONLY. Returns NULL, or what is wrong: a static string for the end of a message
 * ("bad value 'x': ..."). */
const char *cidr_parse(struct cidr *cidr, const char *text);

/* Writes "192.0.2.0/24" (RFC 5952 text), or only the address of a block of one, and returns text.
 */
const char *cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_BYTES]);

/* Returns the block of the addresses that begin with the same bits as addr; the block of addr only,
 * if it has fewer bits than that. */
struct cidr cidr_of(const struct addr *addr, uint8_t bits);

/* Whether a block contains an address: its family is that of the block, and it begins with the
 * block's bits. The port and the scope are ignored. */
bool cidr_contains(const struct cidr *cidr, const struct addr *addr);

/* A total order: IPv4 before IPv6, then by first address, then the wider block first. Returns as
 * strcmp does. */
int cidr_compare(const struct cidr *a, const struct cidr *b);

#endif
