#ifndef ADDRESS_CIDR_H
#define ADDRESS_CIDR_H

#include "address/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A block of addresses: all whose first bits are the same (CIDR, RFC 4632; RFC 4291 section 2.3). A
 * plain value, equal to another in every byte or not at all: the bits behind the first are zero,
 * and so are the bytes of ip behind the fourth in IPv4. */
struct cidr {
    uint8_t ip[16]; /* network order */
    uint8_t family; /* enum addr_family */
    uint8_t bits;   /* 0 to 32, or 0 to 128 */
};

enum {
    /* The longest text that cidr_format writes, its NUL included: 45 of INET6_ADDRSTRLEN, "/128".
     */
    CIDR_TEXT_BYTES = 52,
};

/* Reads "192.0.2.0/24", "2001:db8::/32", or an address alone, which is a block of one. A text whose
 * address has bits set behind the first is wrong, since it says two things; so is one of
 * IPv4-mapped IPv6 addresses, which no source has (our sockets are IPV6_V6ONLY). Returns NULL, or
 * what is wrong, a static string that fits behind "bad value 'x': ". */
const char *cidr_parse(struct cidr *cidr, const char *text);

/* Writes "192.0.2.0/24" (RFC 5952 text) and returns it; a block of one without its "/32". */
const char *cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_BYTES]);

/* The block of the first bits of an address; of all its bits if it has fewer. */
struct cidr cidr_of(const struct addr *addr, uint8_t bits);

/* A total order: IPv4 before IPv6, then by first address, and a block before those within it. As
 * strcmp. */
int cidr_compare(const struct cidr *a, const struct cidr *b);

#endif
