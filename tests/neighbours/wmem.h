#ifndef NEIGHBOURS_WMEM_H
#define NEIGHBOURS_WMEM_H

#include "harness.h"

/* Changes net.core.wmem_max, the largest send buffer of a process without capabilities. It is a
 * setting of the whole host, so tests that change it are in the long_* suites. */

/* Sets it. Call it in the network namespace of the host. Skips the test if it cannot be set. */
void wmem_set(const char *bytes);
/* Restores it and calls harness_end. It is the .fini function of the suites that change it. */
void wmem_end(void);

/* The user (nobody) and the wrapper command of a server without capabilities. */
enum { WMEM_UNPRIVILEGED_UID = 65534 };
extern const char *const wmem_unprivileged_wrapper[];

#endif
