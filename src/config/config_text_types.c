#include "config/config_text_types.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **string_of(const struct config_key *key, const struct config *config)
{
    return config_value_of(key, config);
}

static int set_string(const struct config_key *key, struct config *config, const char *item,
                      size_t size, char reason[CONFIG_REASON_BYTES])
{
    if (size == 0)
        return config_refuse(reason, "must not be empty");
    if (size > key->max) {
        snprintf(reason, CONFIG_REASON_BYTES, "longer than %u bytes", (unsigned)key->max);
        return -EINVAL;
    }
    char *copy = strdup(item), **string = string_of(key, config);
    if (!copy)
        return -ENOMEM;
    free(*string);
    *string = copy;
    return 0;
}

static size_t count_string(const struct config_key *key, const struct config *config)
{
    return *string_of(key, config) != NULL;
}

static char *write_string(const struct config_key *key, const struct config *config, size_t i)
{
    (void)i;
    const char *string = *string_of(key, config);
    return config_quote_item(string, strlen(string));
}

/* Messages. */

static int set_message(const struct config_key *key, struct config *config, const char *item,
                       size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)key;
    if (size > CONFIG_MESSAGE_BYTES_MAX) {
        snprintf(reason, CONFIG_REASON_BYTES, "%zu bytes; a datagram holds at most %d", size,
                 CONFIG_MESSAGE_BYTES_MAX);
        return -EINVAL;
    }
    if (config->reply.message_count >= CONFIG_MESSAGES_MAX) {
        snprintf(reason, CONFIG_REASON_BYTES, "more than %d messages", CONFIG_MESSAGES_MAX);
        return -EINVAL;
    }
    return config_add_message(config, item, size) ? 0 : -ENOMEM;
}

static size_t count_message(const struct config_key *key, const struct config *config)
{
    (void)key;
    return config->reply.message_count;
}

static char *write_message(const struct config_key *key, const struct config *config, size_t i)
{
    (void)key;
    return config_quote_item(config->reply.messages[i].bytes, config->reply.messages[i].size);
}

const struct config_type CONFIG_STRING = {
    .set = set_string,
    .count = count_string,
    .write = write_string,
};

const struct config_type CONFIG_MESSAGE = {
    .set = set_message,
    .count = count_message,
    .write = write_message,
    .clear = config_clear_messages,
    .binary = true,
};
