#ifndef SIM_CHECK_MODEL_PLACES_H
#define SIM_CHECK_MODEL_PLACES_H

#include "sim/check/model.h"

#include <stdbool.h>
#include <stdint.h>

/* The places in the registry, and the clients that may occupy them. Most sources of a long run are
 * gone, and each datagram of an unknown one may be compared to the rest, so those that may occupy a
 * place are listed, with some that do not any more. */

/* The registry is empty. */
void model_places_reset(void);

/* It may occupy a place from now on. */
void model_add_occupying(struct model_entry *entry);
/* Returns the next entry that may occupy a place in the registry, or NULL. *next is 0 at first. */
struct model_entry *model_next_occupying(uint32_t *next);

/* Whether there is certainly a place for an entry: in the registry, and in its prefix. */
struct settings;
bool model_has_place(const struct model_entry *entry, const struct settings *rules);

#endif
