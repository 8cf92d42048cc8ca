#ifndef ADDRESS_TARGET_H
#define ADDRESS_TARGET_H

#include "address/transport.h"

#include <stdint.h>

enum {
    /* The longest host name, its NUL included: 253 characters (RFC 1035, section 2.3.4). */
    TARGET_HOST_BYTES = 254,
};

/* Where to send, as the user wrote it. */
struct target {
    enum transport transport;
    struct addr addr;                /* of family ADDR_NONE: host is a name to be looked up */
    char zone[ADDR_ZONE_BYTES];      /* the interface name of "[fe80::1%eth0]", or "" */
    char host[TARGET_HOST_BYTES];    /* a name, or "" */
    uint16_t port;                   /* of the name */
    char path[TRANSPORT_PATH_BYTES]; /* of TRANSPORT_UNIX, which has nothing of the others */
};

/* Reads "HOST[:PORT]": an address as addr_parse has it, or a host name. Returns NULL, or what is
 * wrong, a static string that fits behind "bad address 'x': ". */
const char *target_parse(struct target *target, const char *text, uint16_t default_port);

/* The same, and "tcp:HOST[:PORT]" and "unix:PATH". */
const char *target_parse_any(struct target *target, const char *text, uint16_t default_port);

/* Reads "GROUP:PORT", a multicast group and its port; "[ff02::1%eth0]:3000" has its interface in
 * zone. As target_parse. */
const char *target_parse_group(struct target *target, const char *text);

#endif
