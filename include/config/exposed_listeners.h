#ifndef CONFIG_EXPOSED_LISTENERS_H
#define CONFIG_EXPOSED_LISTENERS_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

/* Returns the number of listen addresses that other hosts can reach, all except Unix sockets and
 * loopback; if there are any, an admission policy is required. *first is the index of the first
 * one, unchanged if there are none. */
size_t exposed_listeners_count(const struct config *config, size_t *first);

/* Whether other hosts can reach metrics.listen; if so, metrics.allow is required. */
bool exposed_listeners_has_metrics(const struct config *config);

#endif
