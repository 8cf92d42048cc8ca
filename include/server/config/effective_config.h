#ifndef SERVER_CONFIG_EFFECTIVE_CONFIG_H
#define SERVER_CONFIG_EFFECTIVE_CONFIG_H

#include "config/config.h"

#include <stddef.h>

/* The configuration in effect: the one of the start and the one of the last reload, of which the
 * keys that need no restart are in use. Reference counted, because a long answer to `config` that
 * is written in slices may last longer than the next reload. Used by the main thread. */
struct effective_config {
    const struct config *started; /* the server's, which outlives all references */
    const struct config *loaded;  /* of the last reload; before it, the same as started */
    size_t references;
};

/* Returns the configuration of a start, with one reference; NULL if there is no memory. */
struct effective_config *effective_config_new(const struct config *started);

/* Takes over the configuration of a reload. Call it at most once for each effective_config. */
void effective_config_set_loaded(struct effective_config *effective, struct config *loaded);

/* Adds a reference. */
struct effective_config *effective_config_hold(struct effective_config *effective);

/* Removes a reference; the last one frees it. NULL is ignored. */
void effective_config_release(struct effective_config *effective);

#endif
