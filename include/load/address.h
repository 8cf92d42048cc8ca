#ifndef LOAD_ADDRESS_H
#define LOAD_ADDRESS_H

#include "load/options.h"

enum { ADDRESS_ERROR_BYTES = 600 };

/* Looks the addresses of a measurement up: that of the service, and the zones of --source. A name
 * that has several addresses of the family asked for is measured at the first one that answers:
 * each is sent a request in turn, and may take its timeout, or PROBE_MAX_NS, to answer. Where none
 * does, it is the first one that doesn't refuse. A signal ends the process meanwhile. 0 or -1 with
 * a sentence in error. */
int address_find(struct load_options *options, struct addr *target,
                 char error[ADDRESS_ERROR_BYTES]);

#endif
