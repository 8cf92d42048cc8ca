#ifndef CONFIG_CONFIG_LISTING_H
#define CONFIG_CONFIG_LISTING_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>

/* The list of all keys with their values, as a file would contain them: for udpsrv -T, and for
 * `udpctl config`, which also lists the values that wait for a restart. An entry is the line of
 * a file; the list is made entry by entry, so that a long one can be written in slices. */

enum config_entry_kind {
    CONFIG_ENTRY_VALUE,    /* of a key that is no list */
    CONFIG_ENTRY_ITEM,     /* an item of a list */
    CONFIG_ENTRY_UNSET,    /* a key that is no list has no value */
    CONFIG_ENTRY_EMPTY,    /* a list has no item */
    CONFIG_ENTRY_BUILT_IN, /* a key has no value, so that one that is built in is in effect */
    CONFIG_ENTRY_KINDS
};

struct config_entry {
    const char *section, *key;
    enum config_entry_kind kind;
    bool after_restart; /* not in effect: a reload has read it, and it waits for a restart or
                           upgrade */
    const char *value;  /* as a file would contain it; "" for UNSET and EMPTY */
};

/* A list, and the position in it. */
struct config_listing {
    /* The values in effect: keys that need a restart are those of `started`, all others those of
     * `loaded`, which a reload has read; both are the same before the first reload. The caller's;
     * they outlive the list. */
    const struct config *started, *loaded;
    const char *built_in_socket; /* the path in effect if control.socket has no value */
    /* Private; all zero at the beginning. */
    size_t key, item;
    bool after_restart;
    char *value;
};

/* Gets the next entry: the keys are in the order of the sample configuration, and the values that
 * wait for a restart follow those in effect. Its section and key are strings of the table of keys,
 * and its value is valid until the next call. Returns 1, 0 at the end of the list, or -ENOMEM. */
int config_listing_next(struct config_listing *listing, struct config_entry *entry);

/* Frees what the list holds, at any position. */
void config_listing_free(struct config_listing *listing);

/* Returns the entry as the text of a file: its line, after the line of its section unless that is
 * `section`, the section of the previous entry (NULL: the entry is the first). A value that is
 * built in or not in effect is a comment, so that the whole text is a valid file with the values in
 * effect. The caller frees the text. NULL if there is no memory. */
char *config_entry_text(const struct config_entry *entry, const char *section);

/* The name of an entry's kind for the control socket: "value", "restart-value", "item", ... */
const char *config_entry_name(const struct config_entry *entry);

/* Sets kind and after_restart of an entry to those that config_entry_name calls by this name.
 * Returns false if the name is not one of these. */
bool config_entry_set_name(struct config_entry *entry, const char *name);

#endif
