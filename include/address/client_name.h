#ifndef ADDRESS_CLIENT_NAME_H
#define ADDRESS_CLIENT_NAME_H

#include "address/addr.h"
#include "address/transport.h"

#include <stdint.h>

/* The name of a client of any transport in lists and commands: "192.0.2.1:4000",
 * "tcp:192.0.2.1:4000", "unix:#7". */
struct client_name {
    enum transport transport;
    struct addr addr; /* for TRANSPORT_UDP and TRANSPORT_TCP, else of family ADDR_NONE */
    uint32_t number;  /* for TRANSPORT_UNIX, from 1 */
};

/* Parses what client_name_format writes: an address with its port, or a number. zone and the result
 * are as in addr_parse. */
const char *client_name_parse(struct client_name *name, char zone[ADDR_ZONE_BYTES],
                              const char *text);

/* Writes a name to text and returns text. */
const char *client_name_format(const struct client_name *name, char text[TRANSPORT_TEXT_BYTES]);

/* A total order for sorted lists: UDP, TCP, Unix; then as addr_compare, then by number. Returns as
 * strcmp does. */
int client_name_compare(const struct client_name *a, const struct client_name *b);

#endif
