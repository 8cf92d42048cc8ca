#ifndef CONFIG_CONFIG_ADDRESS_TYPES_H
#define CONFIG_CONFIG_ADDRESS_TYPES_H

#include "config/config_types.h"

/* The value types of addresses: listen addresses, multicast groups and address blocks. */

/* The list server.listen. */
extern const struct config_type CONFIG_LISTEN;

/* The address of metrics.listen, TCP or a Unix socket: a struct config_listen. */
extern const struct config_type CONFIG_METRICS_LISTEN;

/* A multicast group with its port: a struct config_listen. */
extern const struct config_type CONFIG_MULTICAST_GROUP;

/* The lists admission.allow and admission.deny: a struct config_blocks. */
extern const struct config_type CONFIG_ALLOW, CONFIG_DENY;

/* The list metrics.allow, likewise. */
extern const struct config_type CONFIG_METRICS_ALLOW;

#endif
