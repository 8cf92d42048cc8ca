#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H

#include "core/config.h"
#include "server/service.h"

#include <stddef.h>

/* The addresses that the service listens on, and for each of them a socket for each worker. */
struct listener {
    struct addr bound; /* the address really bound, port 0 resolved */
    char text[ADDR_TEXT_BYTES];
    int *sockets; /* by worker */
};

struct listeners {
    struct listener list[CONFIG_LISTEN_MAX];
    size_t count;
    size_t worker_count;
    struct service_ports ports; /* of all of them */
};

/* Opens what [server] listen says for so many workers (at least 1), all or nothing, and logs why
 * where it can't. The built-in pair does without the one whose family the host lacks, and logs
 * that. One worker's sockets hear from now on; those of several are deaf until listeners_hear. 0 or
 * -errno. */
int listeners_open(struct listeners *listeners, const struct config *config, size_t worker_count);

/* Has all of them receive. 0 or -errno. */
int listeners_hear(const struct listeners *listeners);

void listeners_close(struct listeners *listeners);

#endif
