#include "config/config_listing.h"

#include "config/config_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct config_key *current(const struct config_listing *listing)
{
    return &config_keys()[listing->key];
}

/* Whether the key has a value that waits for a restart: 1, 0 or -ENOMEM. */
static int waits_for_restart(const struct config_listing *listing)
{
    if (!current(listing)->restart || listing->started == listing->loaded)
        return 0;
    int same = config_key_is_same(current(listing), listing->started, listing->loaded);
    return same < 0 ? same : !same;
}

/* Continues after the last item of a key: with its values that wait for a restart, or with the next
 * key. Returns 0 or -ENOMEM. */
static int end_values(struct config_listing *listing)
{
    int waits = listing->after_restart ? 0 : waits_for_restart(listing);
    if (waits < 0)
        return waits;
    listing->item = 0;
    listing->after_restart = waits;
    listing->key += !waits;
    return 0;
}

static bool is_control_socket(const struct config_key *key)
{
    return strcmp(key->section, "control") == 0 && strcmp(key->name, "socket") == 0;
}

static void set_missing(const struct config_listing *listing, struct config_entry *entry)
{
    const struct config_key *key = current(listing);
    entry->kind = key->type->clear ? CONFIG_ENTRY_EMPTY : CONFIG_ENTRY_UNSET;
    entry->value = "";
    if (is_control_socket(key) && !entry->after_restart && listing->built_in_socket) {
        entry->kind = CONFIG_ENTRY_BUILT_IN;
        entry->value = listing->built_in_socket;
    }
}

int config_listing_next(struct config_listing *listing, struct config_entry *entry)
{
    config_listing_free(listing);
    if (listing->key == CONFIG_KEY_COUNT)
        return 0;
    const struct config_key *key = current(listing);
    const struct config *config =
        key->restart && !listing->after_restart ? listing->started : listing->loaded;
    size_t count = key->type->count(key, config);
    *entry =
        (struct config_entry){.section = key->section,
                              .key = key->name,
                              .kind = key->type->clear ? CONFIG_ENTRY_ITEM : CONFIG_ENTRY_VALUE,
                              .after_restart = listing->after_restart};
    if (count > 0) {
        entry->value = listing->value = key->type->write(key, config, listing->item);
        if (!listing->value)
            return -ENOMEM;
    } else {
        set_missing(listing, entry);
    }
    if (++listing->item < count)
        return 1;
    int error = end_values(listing);
    return error ? error : 1;
}

void config_listing_free(struct config_listing *listing)
{
    free(listing->value);
    listing->value = NULL;
}

static const char *waiting_prefix(const struct config_entry *entry)
{
    const struct config_key *key = config_key_find(entry->section, entry->key);
    return key != NULL && key->upgrade ? "# after an upgrade: " : "# after a restart: ";
}

char *config_entry_text(const struct config_entry *entry, const char *section)
{
    bool is_setting = entry->kind == CONFIG_ENTRY_VALUE || entry->kind == CONFIG_ENTRY_ITEM;
    char head[64] = "", *text;
    if (!section || strcmp(section, entry->section) != 0)
        snprintf(head, sizeof head, "%s[%s]\n", section ? "\n" : "", entry->section);
    int length = asprintf(&text, "%s%s%s =%s%s%s\n", head,
                          entry->after_restart ? waiting_prefix(entry)
                          : is_setting         ? ""
                                               : "# ",
                          entry->key, *entry->value ? " " : "", entry->value,
                          entry->kind == CONFIG_ENTRY_BUILT_IN ? "  (built in)" : "");
    return length < 0 ? NULL : text;
}

/* ---- names ---- */

static const char *const NAMES[CONFIG_ENTRY_KINDS] = {
    [CONFIG_ENTRY_VALUE] = "restart-value",       [CONFIG_ENTRY_ITEM] = "restart-item",
    [CONFIG_ENTRY_UNSET] = "restart-unset",       [CONFIG_ENTRY_EMPTY] = "restart-empty",
    [CONFIG_ENTRY_BUILT_IN] = "restart-built-in",
};

enum { PREFIX_BYTES = sizeof "restart-" - 1 };

const char *config_entry_name(const struct config_entry *entry)
{
    return NAMES[entry->kind] + (entry->after_restart ? 0 : PREFIX_BYTES);
}

bool config_entry_set_name(struct config_entry *entry, const char *name)
{
    for (int kind = 0; kind < CONFIG_ENTRY_KINDS; kind++) {
        entry->kind = (enum config_entry_kind)kind;
        for (int after = 0; after < 2; after++) {
            entry->after_restart = after;
            if (strcmp(config_entry_name(entry), name) == 0)
                return true;
        }
    }
    return false;
}
