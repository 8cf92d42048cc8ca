#ifndef ADDRESS_ADDR_H
#define ADDRESS_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* The longest text that addr_format writes, its NUL included: "[", 45 of INET6_ADDRSTRLEN, "%",
     * ten digits of a scope, "]:", five digits of a port. */
    ADDR_TEXT_BYTES = 72,
    /* The longest interface name, its NUL included (IF_NAMESIZE of <net/if.h>). */
    ADDR_ZONE_BYTES = 16,
};

enum addr_family {
    ADDR_NONE = 0, /* no address: an all-zero struct addr */
    ADDR_IPV4 = 4,
    ADDR_IPV6 = 6,
};

/* The address of an endpoint, a plain value. Two equal endpoints are equal in every member, so
 * unused bytes are zero: those of ip behind the fourth in IPv4, and scope wherever it has no
 * meaning. */
struct addr {
    uint8_t ip[16]; /* network order */
    uint32_t scope; /* IPv6 zone index (RFC 4007), 0 for none */
    uint16_t port;  /* host order */
    uint8_t family; /* enum addr_family */
};

/* Reads "1.2.3.4", "1.2.3.4:5", "::1", "[::1]", "[::1]:5", "[fe80::1%2]:5" or "[fe80::1%eth0]:5"
 * from text (NUL-terminated). A text without a port gets default_port. A numeric zone goes to
 * scope; a named one is copied to zone (ADDR_ZONE_BYTES) for the caller to resolve, and zone is ""
 * otherwise. zone may be NULL: then a named zone is an error. Only link-local IPv6 addresses and
 * multicast groups, "239.1.2.3%eth0:5" too, have a zone, and host names are not addresses. *addr is
 * of family ADDR_NONE if text is wrong. Returns NULL, or what is wrong with the text, a static
 * string that fits behind "bad address 'x': ". */
const char *addr_parse(struct addr *addr, char zone[ADDR_ZONE_BYTES], const char *text,
                       uint16_t default_port);

/* Whether a text that addr_parse takes could mean an IPv6 address and a port, too: "::1:3000" is an
 * address of eight groups, and what people write for port 3000 of ::1. Where it stands for an
 * endpoint, it is to be refused, with ADDR_TWO_MEANINGS. */
bool addr_has_two_meanings(const char *text);
#define ADDR_TWO_MEANINGS "does it end in a port? write [ADDRESS]:PORT, or [ADDRESS] alone"

/* Writes "1.2.3.4:5", "[::1]:5" or "[fe80::1%2]:5" (RFC 5952 text) to text and returns it. An
 * address of family ADDR_NONE is written as "-". */
const char *addr_format(const struct addr *addr, char text[ADDR_TEXT_BYTES]);

bool addr_equal(const struct addr *a, const struct addr *b);

/* A total order for lists that people read: IPv4 before IPv6, then by ip, scope and port.
 * Less than, equal to or greater than zero, as strcmp. */
int addr_compare(const struct addr *a, const struct addr *b);

/* Kinds of IP, whatever the port: 127.0.0.0/8 and ::1; 224.0.0.0/4 and ff00::/8; 0.0.0.0 and ::;
 * fe80::/10; groups that mean something within an interface or a link alone, ff01::/16 and
 * ff02::/16 (RFC 4291, section 2.7), whatever their flags. */
bool addr_is_loopback(const struct addr *addr);
bool addr_is_multicast(const struct addr *addr);
bool addr_is_wildcard(const struct addr *addr);
bool addr_is_link_local(const struct addr *addr);
bool addr_is_link_group(const struct addr *addr);

#endif
