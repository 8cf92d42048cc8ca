#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H

#include "core/config.h"
#include "server/service.h"

#include <stddef.h>

/* The addresses that the service listens on, and a socket for each. */
struct listener {
    struct addr bound; /* the address really bound, port 0 resolved */
    char text[ADDR_TEXT_BYTES];
    int socket;
};

struct listeners {
    struct listener list[CONFIG_LISTEN_MAX];
    size_t count;
    struct service_ports ports; /* of all of them */
};

/* Opens what [server] listen says, all or nothing, and logs why where it can't. The built-in pair
 * does without the one whose family the host lacks, and logs that. 0 or -errno. */
int listeners_open(struct listeners *listeners, const struct config *config);

void listeners_close(struct listeners *listeners);

#endif
