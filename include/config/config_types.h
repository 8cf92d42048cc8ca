#ifndef CONFIG_CONFIG_TYPES_H
#define CONFIG_CONFIG_TYPES_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The interface of the value types of configuration keys: how a type parses, checks and writes the
 * values of a key. The types are in config_number_types, config_text_types and
 * config_address_types; the keys are in config_keys. */

/* A configuration key. */
struct config_key {
    const char *section;
    const char *name;
    const struct config_type *type;
    size_t offset; /* of the value in struct config; unused by most lists */
    /* The range of a number; the maximum bytes of a string; the value of an enumeration's first
     * word. */
    uint64_t min, max;
    const char *const *words; /* of an enumeration, in the order of its values; ends with NULL */
    bool restart;             /* a new value takes effect only at a restart, or at an upgrade */
    bool upgrade;             /* of these: an upgrade suffices */
};

enum { CONFIG_REASON_BYTES = 160 };

/* A value type. */
struct config_type {
    /* Sets the value to the item of size bytes, which a NUL byte follows; a list gets one more
     * value. Returns 0, -ENOMEM, or -EINVAL with the reason written, to follow "bad value 'x': ".
     */
    int (*set)(const struct config_key *key, struct config *config, const char *item, size_t size,
               char reason[CONFIG_REASON_BYTES]);
    /* The number of values: 0 if the key is unset; more than 1 only for a list. */
    size_t (*count)(const struct config_key *key, const struct config *config);
    /* Returns value i as a file would contain it; the caller frees it. NULL if there is no memory.
     */
    char *(*write)(const struct config_key *key, const struct config *config, size_t i);
    /* Empties a list; NULL for a type that is not a list. */
    void (*clear)(struct config *config);
    /* The notation of numbers, as size_parse and size_format have it (text/number_with_unit); NULL
     * for other types. */
    const char *(*parse)(const char *text, uint64_t *value);
    const char *(*format)(uint64_t value, char text[24]);
    bool binary; /* an item may contain NUL bytes */
};

/* The following are for the implementation of types. */

/* The location of a key's value in config. */
void *config_value_of(const struct config_key *key, const struct config *config);

/* Writes the reason and returns -EINVAL. */
int config_refuse(char reason[CONFIG_REASON_BYTES], const char *why);

/* Returns the item as a file would contain it, with quotes if it would be parsed differently
 * without them. The caller frees it. NULL if there is no memory. */
char *config_quote_item(const void *item, size_t size);

#endif
