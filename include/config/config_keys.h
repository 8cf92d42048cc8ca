#ifndef CONFIG_CONFIG_KEYS_H
#define CONFIG_CONFIG_KEYS_H

#include "config/config_types.h"

#include <stdbool.h>
#include <stddef.h>

/* The table of all configuration keys, with their sections, types, ranges and whether they need a
 * restart. Parsing files, listing values, suggesting a name for a misspelt one and finding the
 * changes that need a restart all use it. */

enum { CONFIG_KEY_COUNT = 51 };

/* The CONFIG_KEY_COUNT keys, in the order of the sample configuration. */
const struct config_key *config_keys(void);

/* A key by its name, or NULL. */
const struct config_key *config_key_find(const char *section, const char *name);

/* The name of a section as a string of the table, or NULL. */
const char *config_section_find(const char *name);

/* The section, or the key of an existing section, whose name is nearest to a misspelt one; NULL if
 * none is near. */
const char *config_section_nearest(const char *name);
const char *config_key_nearest(const char *section, const char *name);

enum { CONFIG_SECTIONS_BYTES = 64 };

/* Writes the sections that have a key of that name, as "[server] and [control]". Returns false if
 * there are none. */
bool config_key_sections(const char *name, char sections[CONFIG_SECTIONS_BYTES]);

/* Sets the value of a key, or adds a value to a list. Parameters and result are those of
 * config_type.set. */
int config_key_set(const struct config_key *key, struct config *config, const char *item,
                   size_t size, char reason[CONFIG_REASON_BYTES]);

/* Whether a key has the same value in both configurations: 1, 0, or -ENOMEM. */
int config_key_is_same(const struct config_key *key, const struct config *from,
                       const struct config *to);

/* Calls callback for each key that takes effect only at a restart or an upgrade (all of [server],
 * clients.max, broadcast.multicast*, all of [control], state.file, metrics.listen, all of
 * [offload]) and whose value differs between the two configurations. Returns false if there is no
 * memory. */
typedef void config_key_callback(void *state, const struct config_key *key);
bool config_for_each_restart_key(const struct config *from, const struct config *to,
                                 config_key_callback *callback, void *state);

#endif
