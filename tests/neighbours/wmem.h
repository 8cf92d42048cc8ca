#ifndef NEIGHBOURS_WMEM_H
#define NEIGHBOURS_WMEM_H

#include "harness.h"

/* net.core.wmem_max, the largest send buffer that the kernel gives to who has no capability. It is
 * one for the whole host, so a test that changes it is no brief one. */

/* Sets it; to be called in the host's own namespace. Skips the test where that can't be done. */
void wmem_set(const char *bytes);
/* Puts back what it was; for the end of each test, as harness_end, which it calls. */
void wmem_end(void);

/* A server that has no capability: its owner, and what it is run under. */
enum { WMEM_NOBODY = 65534 };
extern const char *const wmem_as_nobody[];

#endif
