#ifndef ADDRESS_TARGET_H
#define ADDRESS_TARGET_H

#include "address/addr.h"
#include "address/transport.h"

#include <stdint.h>

/* The destination of a client program as the user writes it (HOST:PORT, tcp:HOST:PORT, unix:PATH):
 * parsing. */

enum {
    /* The longest host name, its NUL included: 253 characters (RFC 1035, section 2.3.4). */
    TARGET_HOST_BYTES = 254,
};

struct target {
    enum transport transport;
    struct addr addr;                /* of family ADDR_NONE: host is a name to look up */
    char zone[ADDR_ZONE_BYTES];      /* the interface name of "[fe80::1%eth0]", or "" */
    char host[TARGET_HOST_BYTES];    /* a name, or "" */
    uint16_t port;                   /* of the host name */
    char path[TRANSPORT_PATH_BYTES]; /* of TRANSPORT_UNIX, for which the others are unused */
};

/* Parses "HOST[:PORT]", where HOST is a host name or an address as in addr_parse. Returns NULL, or
 * what is wrong: a static string for the end of a message ("bad address 'x': ..."). */
const char *target_parse(struct target *target, const char *text, uint16_t default_port);

/* Parses what target_parse does, "tcp:HOST[:PORT]" or "unix:PATH". Returns as target_parse does. */
const char *target_parse_any(struct target *target, const char *text, uint16_t default_port);

/* Parses "GROUP:PORT", a multicast group and its port. The interface of "[ff02::1%eth0]:3000" is
 * stored in zone. Returns as target_parse does. */
const char *target_parse_group(struct target *target, const char *text);

#endif
