#ifndef CONFIG_CONFIG_TYPES_H
#define CONFIG_CONFIG_TYPES_H

#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A key of the configuration, as config/config_keys lists them. */
struct config_key {
    const char *section;
    const char *name;
    const struct config_type *type;
    size_t offset;     /* of the value in struct config; unused by the lists */
    uint64_t min, max; /* of a whole number; max of a string's bytes; min of the first word */
    const char *const *words; /* of an enumeration, in the order of its values; ends in NULL */
    bool restart;             /* takes effect at a start alone */
};

enum { CONFIG_REASON_BYTES = 160 };

/* How the values of a key are read, counted and written. */
struct config_type {
    /* Takes the item of size bytes, behind which a NUL stands, as the value (of a list: one more).
     * 0, -ENOMEM, or -EINVAL with the reason written, to stand behind "bad value 'x': ". */
    int (*set)(const struct config_key *key, struct config *config, const char *item, size_t size,
               char reason[CONFIG_REASON_BYTES]);
    /* How many values there are to write: 0 when unset, more than 1 of a list alone. */
    size_t (*count)(const struct config_key *key, const struct config *config);
    /* Value i, allocated, as a file would have it; NULL when memory is short. */
    char *(*write)(const struct config_key *key, const struct config *config, size_t i);
    /* Empties a list; NULL for what is none. */
    void (*clear)(struct config *config);
    /* The notation of whole numbers, NULL for what is none; as text_size and text_format_size. */
    const char *(*parse)(const char *text, uint64_t *value);
    const char *(*format)(uint64_t value, char text[24]);
    bool binary; /* an item may hold NULs */
};

/* Whole numbers, each stored as uint32_t: plain; "10s", kept in milliseconds; "64k"; octal. */
extern const struct config_type CONFIG_NUMBER, CONFIG_DURATION, CONFIG_SIZE, CONFIG_MODE;
/* A plain number, or "auto", stored as 0: its range doesn't hold 0. */
extern const struct config_type CONFIG_NUMBER_OR_AUTO;
/* An enumeration; a value below key->min is unset. */
extern const struct config_type CONFIG_WORD;
/* An allocated string, NULL while unset. */
extern const struct config_type CONFIG_STRING;
/* server.listen and reply.message. */
extern const struct config_type CONFIG_LISTEN, CONFIG_MESSAGE;
/* A multicast group and its port: a struct config_listen. */
extern const struct config_type CONFIG_GROUP;
/* admission.allow and admission.deny: blocks of addresses, at the key's offset. */
extern const struct config_type CONFIG_ALLOW, CONFIG_DENY;

#endif
