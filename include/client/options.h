#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "base/option_parser.h"
#include "client/peer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLIENT_PORT = 3000,
    CLIENT_TIMEOUT_MS = 2000,
    CLIENT_RETRIES = 2,
    CLIENT_GROUP_TTL = 1, /* the link: what a group has unless asked for more (ip(7)) */
    /* Any longer wait is a mistake, and sums of them stay far from a wrap. */
    CLIENT_DURATION_MAX_MS = 24 * 60 * 60 * 1000,
};

/* What the command line asks for. */
struct client_options {
    uint64_t timeout_ms;   /* 0: wait for no reply */
    uint64_t keepalive_ms; /* 0: none */
    uint64_t retries;
    uint64_t count;
    bool json;
    bool hex;
    struct target target;
    struct peer_way way; /* there */
    const char *host;    /* the target as it was written */
    const char *message; /* NULL: none given; decoded already if it was hexadecimal */
    size_t message_size;
};

/* The table of options; *count rows. */
const struct option_row *client_options_rows(size_t *count);

/* Reads the command line, whose strings it keeps and may change. Returns -1 to go on; otherwise the
 * program's exit status, with help, version or a complaint printed. */
int client_options_read(struct client_options *options, int argc, char **argv);

#endif
