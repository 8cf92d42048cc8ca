#ifndef CONFIG_CONFIG_CONSISTENCY_H
#define CONFIG_CONFIG_CONSISTENCY_H

#include "config/config.h"
#include "config/config_diagnostics.h"
#include "config/config_origins.h"

/* Checks of a whole configuration that no single line can decide: an address that other hosts can
 * reach needs an admission policy, a link-local multicast group needs its interface, no block may
 * be both allowed and denied, observers need a socket of their own, and an offload needs
 * interfaces. Adds errors to diagnostics. */
void config_consistency_check(const struct config *config, struct config_origins *origins,
                              struct config_diagnostics *diagnostics);

#endif
