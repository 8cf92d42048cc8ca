#ifndef REDIS_REDIS_URL_H
#define REDIS_REDIS_URL_H

#include <stdint.h>

/* The address of a Redis: "redis://HOST[:PORT][/DB]", with an IPv6 address in brackets, or
 * "unix:/PATH". */

enum {
    REDIS_URL_HOST_BYTES = 256, /* of a name of DNS, with its NUL */
    REDIS_URL_PATH_BYTES = 108, /* of a Unix socket, with its NUL (unix(7)) */
    REDIS_URL_PORT = 6379,
    REDIS_URL_DB_MAX = 9999,
};

struct redis_url {
    char host[REDIS_URL_HOST_BYTES]; /* without brackets; "": path is used */
    char path[REDIS_URL_PATH_BYTES];
    uint16_t port;
    uint32_t db; /* 0 to REDIS_URL_DB_MAX */
};

/* Reads a URL. Returns NULL, or what is wrong with it and what to give instead: a static string for
 * the end of a message. A URL with a password is refused. */
const char *redis_url_parse(struct redis_url *url, const char *text);

#endif
