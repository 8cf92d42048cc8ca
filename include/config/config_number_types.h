#ifndef CONFIG_CONFIG_NUMBER_TYPES_H
#define CONFIG_CONFIG_NUMBER_TYPES_H

#include "config/config_types.h"

/* The value types of numbers and enumerations, each stored as uint32_t. */

/* A plain number; a duration such as "10s", stored in milliseconds; a size such as "64k", stored in
 * bytes; an octal mode such as "0660". */
extern const struct config_type CONFIG_NUMBER, CONFIG_DURATION, CONFIG_SIZE, CONFIG_MODE;

/* A plain number, or "auto", which is stored as 0. The range of the key does not contain 0. */
extern const struct config_type CONFIG_NUMBER_OR_AUTO;

/* An enumeration, written as one of the words of its key. A value below key->min means unset. */
extern const struct config_type CONFIG_ENUM;

#endif
