#ifndef CONFIG_CONFIG_ORIGINS_H
#define CONFIG_CONFIG_ORIGINS_H

#include "config/config.h"
#include "config/config_diagnostics.h"
#include "config/config_keys.h"

#include <stdbool.h>
#include <stddef.h>

/* Where each value of a configuration was given: in which file and line, or by which option. */

/* Whether a key was given, and where first. */
struct config_origin {
    bool given;
    struct config_location at;
};

/* The locations of the items of a list, in the same order. */
struct config_item_origins {
    struct config_location *list;
    size_t count;
};

struct config_origins {
    struct config_origin in_files[CONFIG_KEY_COUNT], in_options[CONFIG_KEY_COUNT]; /* by key */
    struct config_location listen[CONFIG_LISTEN_MAX]; /* of config->server.listen */
    struct config_item_origins allow, deny;           /* of config->admission's lists */
    bool has_file;                                    /* at least one file was read */
};

/* Frees the lists. origins may be all zero. */
void config_origins_free(struct config_origins *origins);

/* The origin of a key in files or in options. */
struct config_origin *config_origin_of(struct config_origin origins[CONFIG_KEY_COUNT],
                                       const struct config_key *key);

/* Records the location of an item that a list has gained. Returns false if there is no memory. */
bool config_origins_add(struct config_item_origins *origins, const struct config_location *at);

#endif
