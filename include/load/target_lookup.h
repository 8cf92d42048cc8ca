#ifndef LOAD_TARGET_LOOKUP_H
#define LOAD_TARGET_LOOKUP_H

#include "load/options.h"

enum { TARGET_LOOKUP_ERROR_BYTES = 600 };

/* Looks the addresses of a measurement up: that of the service, and the zones of --source. A name
 * that has several addresses of the family asked for is measured at the first one that answers:
 * each is sent a request in turn, and may take its timeout, or PROBE_MAX_NS, to answer. Where none
 * does, it is the first one that doesn't refuse. A signal ends the process meanwhile. 0 or -1 with
 * a sentence in error. */
int target_lookup_find(struct load_options *options, struct addr *target,
                       char error[TARGET_LOOKUP_ERROR_BYTES]);

#endif
