#ifndef ADDRESS_ADDR_H
#define ADDRESS_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IPv4 and IPv6 addresses with a port: parsing, formatting, comparing, and their kinds. */

enum {
    /* The longest text that addr_format writes, its NUL included: "[", 45 of INET6_ADDRSTRLEN, "%",
     * ten digits of a scope, "]:", five digits of a port. */
    ADDR_TEXT_BYTES = 72,
    /* The longest interface name, its NUL included (IF_NAMESIZE of <net/if.h>). */
    ADDR_ZONE_BYTES = 16,
};

enum addr_family {
    ADDR_NONE = 0, /* no address; the whole struct addr is zero */
    ADDR_IPV4 = 4,
    ADDR_IPV6 = 6,
};

/* The address of an endpoint, a plain value. Equal endpoints are equal in every member, so unused
 * members are zero: in IPv4 the bytes of ip after the fourth, and scope if the address has no zone.
 */
struct addr {
    uint8_t ip[16]; /* network order */
    uint32_t scope; /* IPv6 zone index (RFC 4007), 0 for none */
    uint16_t port;  /* host order */
    uint8_t family; /* enum addr_family */
};

/* Parses "1.2.3.4", "1.2.3.4:5", "::1", "[::1]", "[::1]:5", "[fe80::1%2]:5" or "[fe80::1%eth0]:5"
 * (NUL-terminated). An address without a port gets default_port. A numeric zone is stored in scope.
 * A zone that is an interface name is copied to zone, for the caller to resolve; otherwise zone is
 * "". If zone is NULL, such a name is an error. Only link-local IPv6 addresses and multicast groups
 * ("239.1.2.3%eth0:5" too) may have a zone. Host names are not parsed. Returns NULL, or what is
 * wrong, a static string for the end of a message ("bad address 'x': ..."); *addr is then of family
 * ADDR_NONE. */
const char *addr_parse(struct addr *addr, char zone[ADDR_ZONE_BYTES], const char *text,
                       uint16_t default_port);

/* Whether a text that addr_parse accepts could also be meant as an IPv6 address and a port:
 * "::1:3000" is a valid address, and people write it for port 3000 of ::1. A caller that parses an
 * endpoint refuses it with the message ADDR_AMBIGUOUS. */
bool addr_is_ambiguous(const char *text);
#define ADDR_AMBIGUOUS "it may end in a port: write [ADDRESS]:PORT or [ADDRESS]"

/* Writes "1.2.3.4:5", "[::1]:5" or "[fe80::1%2]:5" (RFC 5952 text), or "-" for family ADDR_NONE.
 * Returns text. */
const char *addr_format(const struct addr *addr, char text[ADDR_TEXT_BYTES]);

/* Whether both are the same endpoint: family, ip, scope and port. */
bool addr_equal(const struct addr *a, const struct addr *b);

/* A total order for sorted lists: IPv4 before IPv6, then by ip, scope and port. Returns as strcmp
 * does. */
int addr_compare(const struct addr *a, const struct addr *b);

/* Whether an address is of a kind. Loopback: 127.0.0.0/8, ::1. Multicast: 224.0.0.0/4, ff00::/8.
 * Wildcard: 0.0.0.0, ::. Link-local: fe80::/10. Link-scoped group: ff01::/16 and ff02::/16 with any
 * flags, the groups of an interface or a link (RFC 4291, section 2.7). */
bool addr_is_loopback(const struct addr *addr);
bool addr_is_multicast(const struct addr *addr);
bool addr_is_wildcard(const struct addr *addr);
bool addr_is_link_local(const struct addr *addr);
bool addr_is_link_scoped_group(const struct addr *addr);

#endif
