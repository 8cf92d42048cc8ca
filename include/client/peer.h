#ifndef CLIENT_PEER_H
#define CLIENT_PEER_H

#include "core/target.h"

enum { PEERS_MAX = 16 };

/* The addresses of a target, in the order to try. */
struct peers {
    struct addr addrs[PEERS_MAX];
    int count;
    int next; /* the first that is untried */
};

/* Looks the target up; family is an enum addr_family, ADDR_NONE for either. Returns NULL, or what
 * is wrong, a text that the next look-up may overwrite. */
const char *peers_find(struct peers *peers, const struct target *target, int family);

/* One of them, connected. */
struct peer {
    struct addr addr;
    char name[ADDR_TEXT_BYTES];
    int socket;
};

/* Connects to the first untried address that there is a way to. 0 or -errno of the last (-ENOENT:
 * none was left). The caller closes the socket. */
int peer_connect(struct peer *peer, struct peers *peers);

/* What an error of connecting, sending or receiving (-errno; -ETIMEDOUT: nothing came back) means,
 * and what to do about it. Static strings. */
const char *peer_why(int error);
const char *peer_next(int error);

#endif
