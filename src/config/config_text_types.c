#include "config/config_text_types.h"

#include <errno.h>
#include <stdbool.h>
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

/* Names of interfaces. */

/* The kernel accepts no other names (dev_valid_name in net/core/dev.c). */
static bool is_interface_name(const char *name, size_t size)
{
    return size > 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
           strcspn(name, "/: \t\n\v\f\r") == size;
}

static int set_interface(const struct config_key *key, struct config *config, const char *item,
                         size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)key;
    size_t count = config->offload.interface_count;
    if (size >= ADDR_ZONE_BYTES) {
        snprintf(reason, CONFIG_REASON_BYTES, "longer than %d bytes", ADDR_ZONE_BYTES - 1);
        return -EINVAL;
    }
    if (!is_interface_name(item, size))
        return config_refuse(reason, "not the name of an interface, such as eth0");
    for (size_t i = 0; i < count; i++) {
        if (strcmp(config->offload.interfaces[i], item) == 0)
            return config_refuse(reason, "listed twice");
    }
    if (count >= CONFIG_INTERFACES_MAX) {
        snprintf(reason, CONFIG_REASON_BYTES, "more than %d interfaces", CONFIG_INTERFACES_MAX);
        return -EINVAL;
    }
    strcpy(config->offload.interfaces[count], item);
    config->offload.interface_count = count + 1;
    return 0;
}

static size_t count_interface(const struct config_key *key, const struct config *config)
{
    (void)key;
    return config->offload.interface_count;
}

static char *write_interface(const struct config_key *key, const struct config *config, size_t i)
{
    (void)key;
    const char *name = config->offload.interfaces[i];
    return config_quote_item(name, strlen(name));
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

const struct config_type CONFIG_INTERFACE = {
    .set = set_interface,
    .count = count_interface,
    .write = write_interface,
    .clear = config_clear_interfaces,
};
