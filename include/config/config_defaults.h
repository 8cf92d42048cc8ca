#ifndef CONFIG_CONFIG_DEFAULTS_H
#define CONFIG_CONFIG_DEFAULTS_H

#include "config/config.h"
#include "config/config_origins.h"

/* The built-in defaults of all keys. */

/* Returns a new configuration with the defaults, which config_free frees, or NULL if there is no
 * memory. */
struct config *config_defaults(void);

/* Sets the keys whose default depends on another key, unless a file sets them. */
void config_set_dependent_defaults(struct config *config, struct config_origins *origins);

/* Returns admission.burst in datagrams; if it is 0, as many as admission.rate allows in a second.
 */
uint32_t config_burst(const struct config *config);

/* Returns offload.max in clients: at most clients.max, which is also its default. */
uint32_t config_offload_max(const struct config *config);

#endif
