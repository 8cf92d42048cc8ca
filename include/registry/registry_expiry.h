#ifndef REGISTRY_REGISTRY_EXPIRY_H
#define REGISTRY_REGISTRY_EXPIRY_H

#include "address/addr.h"
#include "registry/client_info.h"

#include <stdbool.h>
#include <stdint.h>

struct registry;

/* Removal of clients from the registry: on request, all at once, and by the sweep, which removes
 * the expired ones. */

/* Sets what receives each client that a sweep is about to remove; it must not change the registry.
 * Without it (call is NULL) a sweep does not read what it would pass. */
void registry_set_expiry_callback(struct registry *registry,
                                  const struct client_callback *callback);

/* Removes a client, expired or not. Returns false if it is not registered. */
bool registry_remove(struct registry *registry, uint8_t listener, const struct addr *source);

/* Makes all clients expire now: none is found or walked until it joins again. The next sweep frees
 * their entries and counts them as expired. Visits every client in this one call. */
void registry_expire_all(struct registry *registry, uint64_t now_ms);

/* Removes expired clients, at most budget of them, and adds their number to *expired. A cluster of
 * eight slots in which no client has expired counts as one. Returns true if the sweep has not
 * ended; another call with the same now_ms or a later one continues it. When it returns false, all
 * clients are removed that had expired when the sweep began. */
bool registry_sweep(struct registry *registry, uint64_t now_ms, uint32_t budget, uint64_t *expired);

#endif
