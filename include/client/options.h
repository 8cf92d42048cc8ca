#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "admission/device_key.h"
#include "client/peer.h"
#include "client/server_frames.h"
#include "text/option_parser.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The command line of udpcli: options, defaults, --help. */

enum {
    CLIENT_PORT = 3000,
    CLIENT_TIMEOUT_MS = 2000,
    CLIENT_RETRIES = 2,
    CLIENT_GROUP_TTL = 1, /* the link: the default of the kernel for a group (ip(7)) */
    /* A longer time is a mistake, and this one cannot overflow when times are added. */
    CLIENT_DURATION_MAX_MS = 24 * 60 * 60 * 1000,
};

struct client_options {
    uint64_t timeout_ms;   /* 0: do not wait for replies */
    uint64_t keepalive_ms; /* 0: no keepalives */
    uint64_t retries;
    uint64_t count;
    bool json;
    bool hex;
    struct target target;
    struct peer_route route; /* to the target */
    const char *host;        /* the target as it was written */
    const char *message;     /* NULL: none given; with --hex it is decoded already */
    size_t message_size;
    struct server_frames_setting frames; /* hello, confirmations and name */
    const char *key_file;                /* of the key of the name; NULL: none */
    uint8_t key[DEVICE_KEY_BYTES];       /* frames.key; to be read from that file */
};

/* Returns the table of options, of *count rows. */
const struct option_row *client_options_rows(size_t *count);

/* Reads the command line; options refers to its strings, which may be changed. Returns -1 to run
 * the program; otherwise its exit status, after printing the help, the version or an error. */
int client_options_read(struct client_options *options, int argc, char **argv);

#endif
