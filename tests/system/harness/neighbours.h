#ifndef SYSTEM_NEIGHBOURS_H
#define SYSTEM_NEIGHBOURS_H

#include "harness.h"

/* A host of ours and a neighbour: two network namespaces and one link between them, whose far end
 * is called far. */
struct neighbours {
    int here; /* for netns_switch */
    int there;
};

/* Makes the neighbour of the namespace that the thread is in, and stays there; skips the test where
 * that can't be done. near names our end of the link; the setups are shell commands, run at each
 * end before it is up. */
void add_neighbour(struct neighbours *both, const char *near, const char *near_setup,
                   const char *far_setup);

/* udp_open in one of the two; and a shell command there. */
int udp_open_in(int netns, const struct neighbours *both, const char *local);
void netns_shell_in(int netns, const struct neighbours *both, const char *command);

/* An address as the neighbour sees it: a zone is the name of its end of the link there. */
struct endpoint seen_from(const struct neighbours *both, const char *host, uint16_t port);

#endif
