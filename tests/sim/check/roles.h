#ifndef SIM_CHECK_ROLES_H
#define SIM_CHECK_ROLES_H

#include "server/workers/worker_state.h"

/* What each descriptor of the server is for, read once in each start and after each upgrade, when
 * the workers are about to run. */

enum role { ROLE_NONE, ROLE_RECEIVER, ROLE_REPLY, ROLE_COPY, ROLE_CHALLENGE, ROLE_MULTICAST };

struct role_of_socket {
    enum role role;
    int listener; /* its number in the server */
    int worker;
};

/* Reads them of the process that serves. */
void roles_read(void);
/* The process that they were read of, -1: of none. */
int roles_process(void);
/* The server has ended. */
void roles_reset(void);
struct role_of_socket role_of(int socket);
/* Whether all workers have sockets for a listener. */
bool roles_is_unicast(int listener);

/* The workers, and how many there are; 0 before they are started. */
size_t roles_worker_count(void);
const struct worker *roles_worker(size_t i);

/* The names of clients; NULL under names = off. */
const struct client_names *roles_names(void);

#endif
