#ifndef ADDRESS_TRANSPORT_H
#define ADDRESS_TRANSPORT_H

#include "address/addr.h"

#include <stddef.h>
#include <stdint.h>

/* How a client comes to us, and what it is called. */
enum transport {
    TRANSPORT_UDP,  /* "192.0.2.1:4000", datagrams */
    TRANSPORT_TCP,  /* "tcp:192.0.2.1:4000", lines over TCP */
    TRANSPORT_UNIX, /* "unix:/path" for a listener, "unix:#7" for its seventh client: lines, too */
};

enum {
    /* The longest path of a Unix socket, its NUL included: sun_path of unix(7). */
    TRANSPORT_PATH_BYTES = 108,
    TRANSPORT_TEXT_BYTES = 5 + TRANSPORT_PATH_BYTES, /* the longest name of a listener */
};

/* Takes "tcp:" or "unix:" off the text; without either it is UDP. Returns what is left. */
const char *transport_split(const char *text, enum transport *transport);

/* A client of any kind. */
struct client_name {
    enum transport transport;
    struct addr addr; /* of TRANSPORT_UDP and _TCP, else of family ADDR_NONE */
    uint32_t number;  /* of TRANSPORT_UNIX, from 1 */
};

/* Reads what client_name_format writes: an address of UDP or TCP with its port, or a number. As
 * addr_parse, zone too. */
const char *client_name_parse(struct client_name *name, char zone[ADDR_ZONE_BYTES],
                              const char *text);

/* Writes it to text (TRANSPORT_TEXT_BYTES) and returns it. */
const char *client_name_format(const struct client_name *name, char text[TRANSPORT_TEXT_BYTES]);

/* A total order for lists that people read: UDP, TCP, Unix; then as addr_compare, then by number.
 */
int client_name_compare(const struct client_name *a, const struct client_name *b);

/* What is wrong with the path of a Unix socket, as addr_parse says it, or NULL: it is absolute,
 * fits, and holds neither blanks nor control characters, so that it can stand in a list. */
const char *transport_check_path(const char *path);

#endif
