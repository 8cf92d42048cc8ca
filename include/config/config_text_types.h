#ifndef CONFIG_CONFIG_TEXT_TYPES_H
#define CONFIG_CONFIG_TEXT_TYPES_H

#include "config/config_types.h"

/* The value types of strings, of reply messages and of interface names. */

/* An allocated string; NULL means unset. */
extern const struct config_type CONFIG_STRING;

/* The list reply.message. A message may contain any bytes. */
extern const struct config_type CONFIG_MESSAGE;

/* The list offload.interface: names that the kernel accepts for an interface, no two of them equal.
 */
extern const struct config_type CONFIG_INTERFACE;

#endif
