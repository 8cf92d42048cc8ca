#include "config/config_number_types.h"
#include "text/nearest_word.h"
#include "text/number_with_unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t *number_of(const struct config_key *key, const struct config *config)
{
    return config_value_of(key, config);
}

static int set_number(const struct config_key *key, struct config *config, const char *item,
                      size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)size;
    uint64_t value;
    const char *wrong = key->type->parse(item, &value);
    /* A negative number is reported as out of range, not as malformed. */
    bool negative = wrong && item[0] == '-' && !key->type->parse(item + 1, &value);
    if (wrong && !negative)
        return config_refuse(reason, wrong);
    if (negative || value < key->min || value > key->max) {
        char min[24], max[24];
        snprintf(reason, CONFIG_REASON_BYTES, "must be from %s to %s",
                 key->type->format(key->min, min), key->type->format(key->max, max));
        return -EINVAL;
    }
    *number_of(key, config) = (uint32_t)value;
    return 0;
}

static size_t count_one(const struct config_key *key, const struct config *config)
{
    (void)key, (void)config;
    return 1;
}

static char *write_number(const struct config_key *key, const struct config *config, size_t i)
{
    (void)i;
    char text[24];
    return strdup(key->type->format(*number_of(key, config), text));
}

static const char *parse_number(const char *text, uint64_t *value)
{
    return number_parse(text, 0, UINT64_MAX, value);
}

static const char *format_number(uint64_t value, char text[24])
{
    snprintf(text, 24, "%llu", (unsigned long long)value);
    return text;
}

static const char AUTO[] = "auto";

static int set_number_or_auto(const struct config_key *key, struct config *config, const char *item,
                              size_t size, char reason[CONFIG_REASON_BYTES])
{
    if (strcmp(item, AUTO) == 0) {
        *number_of(key, config) = 0;
        return 0;
    }
    int error = set_number(key, config, item, size, reason);
    if (error)
        snprintf(reason, CONFIG_REASON_BYTES, "must be %s, or a number from %llu to %llu", AUTO,
                 (unsigned long long)key->min, (unsigned long long)key->max);
    return error;
}

static char *write_number_or_auto(const struct config_key *key, const struct config *config,
                                  size_t i)
{
    return *number_of(key, config) == 0 ? strdup(AUTO) : write_number(key, config, i);
}

/* A file must state the unit; on a command line a plain number means seconds. */
static const char *parse_duration(const char *text, uint64_t *value)
{
    return duration_parse(text, 0, value);
}

static const char *parse_mode(const char *text, uint64_t *value)
{
    size_t length = strlen(text);
    if (length < 3 || length > 4 || strspn(text, "01234567") != length)
        return "not an octal mode, such as 0660";
    *value = 0;
    for (; *text; text++)
        *value = *value * 8 + (uint64_t)(*text - '0');
    return NULL;
}

static const char *format_mode(uint64_t value, char text[24])
{
    snprintf(text, 24, "%04llo", (unsigned long long)value);
    return text;
}

/* Enumerations are stored as numbers. */

_Static_assert(sizeof(enum reply_mode) == sizeof(uint32_t) &&
                   sizeof(enum config_policy) == sizeof(uint32_t) &&
                   sizeof(enum config_relay) == sizeof(uint32_t) &&
                   sizeof(enum config_missing) == sizeof(uint32_t) &&
                   sizeof(enum config_framing) == sizeof(uint32_t) &&
                   sizeof(enum config_offload) == sizeof(uint32_t) &&
                   sizeof(enum config_log_level) == sizeof(uint32_t),
               "an enumeration has the size of a number");

static size_t count_words(const struct config_key *key)
{
    size_t count = 0;
    while (key->words[count])
        count++;
    return count;
}

static int set_enum(const struct config_key *key, struct config *config, const char *item,
                    size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)size;
    size_t count = count_words(key);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(item, key->words[i]) == 0) {
            *number_of(key, config) = (uint32_t)(key->min + i);
            return 0;
        }
    }

    int length = snprintf(reason, CONFIG_REASON_BYTES, "must be ");
    for (size_t i = 0; i < count; i++)
        length += snprintf(reason + length, (size_t)(CONFIG_REASON_BYTES - length), "%s%s",
                           i == 0          ? ""
                           : i + 1 < count ? ", "
                                           : " or ",
                           key->words[i]);
    const char *meant = nearest_word(item, key->words, count);
    if (meant)
        snprintf(reason + length, (size_t)(CONFIG_REASON_BYTES - length), " (did you mean '%s'?)",
                 meant);
    return -EINVAL;
}

static size_t count_enum(const struct config_key *key, const struct config *config)
{
    return *number_of(key, config) >= key->min;
}

static char *write_enum(const struct config_key *key, const struct config *config, size_t i)
{
    (void)i;
    return strdup(key->words[*number_of(key, config) - key->min]);
}

#define WHOLE_NUMBER .set = set_number, .count = count_one, .write = write_number

const struct config_type CONFIG_NUMBER = {
    WHOLE_NUMBER,
    .parse = parse_number,
    .format = format_number,
};

const struct config_type CONFIG_NUMBER_OR_AUTO = {
    .set = set_number_or_auto,
    .count = count_one,
    .write = write_number_or_auto,
    .parse = parse_number,
    .format = format_number,
};

const struct config_type CONFIG_DURATION = {
    WHOLE_NUMBER,
    .parse = parse_duration,
    .format = duration_format,
};

const struct config_type CONFIG_SIZE = {
    WHOLE_NUMBER,
    .parse = size_parse,
    .format = size_format,
};

const struct config_type CONFIG_MODE = {
    WHOLE_NUMBER,
    .parse = parse_mode,
    .format = format_mode,
};

const struct config_type CONFIG_ENUM = {
    .set = set_enum,
    .count = count_enum,
    .write = write_enum,
};
