#ifndef SYSTEM_NEIGHBOURS_H
#define SYSTEM_NEIGHBOURS_H

#include "harness.h"

/* A host and its neighbour: two network namespaces and one link between them. The neighbour's
 * interface is called far. */
struct neighbours {
    int here; /* for netns_switch */
    int there;
};

/* Makes a neighbour of the namespace of the thread, which stays in its namespace. Skips the test if
 * that is not possible. near is the name of the interface here. The setups are shell commands that
 * run in each namespace before its interface is up. */
void add_neighbour(struct neighbours *both, const char *near, const char *near_setup,
                   const char *far_setup);

/* Call udp_open and netns_shell in one of the two namespaces. */
int udp_open_in(int netns, const struct neighbours *both, const char *local);
void netns_shell_in(int netns, const struct neighbours *both, const char *command);

/* Returns an address as the neighbour sees it: a zone is the name of an interface there. */
struct endpoint neighbour_endpoint(const struct neighbours *both, const char *host, uint16_t port);

#endif
