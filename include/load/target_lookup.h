#ifndef LOAD_TARGET_LOOKUP_H
#define LOAD_TARGET_LOOKUP_H

#include "load/options.h"

enum { TARGET_LOOKUP_ERROR_BYTES = 600 };

/* Looks up the address of the service and the interfaces (zones) of --source. If the name has
 * several addresses of the requested family, the first one that answers is chosen: each is sent a
 * request in turn and must answer within the timeout, or within 2 s if that is shorter. If none
 * answers, the first one that does not refuse is chosen. A signal ends the process during the
 * lookup. Returns 0, or -1 with a message in error. */
int target_lookup_find(struct load_options *options, struct addr *target,
                       char error[TARGET_LOOKUP_ERROR_BYTES]);

#endif
