#ifndef CONFIG_CONFIG_KEYS_H
#define CONFIG_CONFIG_KEYS_H

#include "config/config_types.h"

#include <stdbool.h>
#include <stddef.h>

enum { CONFIG_KEY_COUNT = 36 };

/* The one table of CONFIG_KEY_COUNT keys, by which files are read, values printed, misspelt names
 * corrected and restarts called for; in the order of the sample configuration. */
const struct config_key *config_keys(void);

/* The row of a key; NULL if there is none. */
const struct config_key *config_key_find(const char *section, const char *name);

/* The name of a section as the table has it; NULL if there is none. */
const char *config_section_find(const char *name);

/* What someone who misspelt a section, or a key of a known section, most likely meant, or NULL. */
const char *config_section_nearest(const char *name);
const char *config_key_nearest(const char *section, const char *name);

enum { CONFIG_OWNERS_BYTES = 64 };

/* Writes the sections that have a key of that name, as "[server] and [control]"; false if none has.
 */
bool config_key_owners(const char *name, char owners[CONFIG_OWNERS_BYTES]);

/* Gives a key its value, or a list one more, by the set of its type, which see. */
int config_key_set(const struct config_key *key, struct config *config, const char *item,
                   size_t size, char reason[CONFIG_REASON_BYTES]);

/* Calls visit for each key, in the order of the table, with the value in effect as it would be
 * written in a file (a list key once for each item; NULL for a key that is unset). False if memory
 * ran out. */
typedef void config_visit(void *state, const char *section, const char *key, const char *value);
bool config_each(const struct config *config, config_visit *visit, void *state);

/* Calls visit, with value NULL, for each key whose effective value differs between the two and that
 * takes effect at a start alone: all of [server], clients.max, all of [control]. False if memory
 * ran out. */
bool config_each_restart(const struct config *from, const struct config *to, config_visit *visit,
                         void *state);

#endif
