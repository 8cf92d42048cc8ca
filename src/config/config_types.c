/* The types of the configuration's values: how each is read, checked and written. */
#include "config/config_types.h"
#include "text/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(char reason[CONFIG_REASON_BYTES], const char *why)
{
    snprintf(reason, CONFIG_REASON_BYTES, "%s", why);
    return -EINVAL;
}

/* Allocates the item as a file would have it: quoted if it would be read otherwise without. */
static char *write_item(const void *item, size_t size)
{
    char *text = malloc(4 * size + 3);
    if (!text)
        return NULL;
    const char *bytes = item;
    size_t length = text_escape(text + 1, 4 * size + 2, item, size);
    bool plain = length == size && size > 0 && bytes[0] != ' ' && bytes[size - 1] != ' ' &&
                 !memchr(bytes, ',', size) && !memchr(bytes, '#', size) &&
                 !memchr(bytes, ';', size);
    if (plain) {
        memmove(text, text + 1, size + 1);
    } else {
        text[0] = '"';
        memcpy(text + 1 + length, "\"", 2);
    }
    return text;
}

static void *value_of(const struct config_key *key, const struct config *config)
{
    return (char *)config + key->offset;
}

/* Whole numbers. */

static uint32_t *number_of(const struct config_key *key, const struct config *config)
{
    return value_of(key, config);
}

static int set_number(const struct config_key *key, struct config *config, const char *item,
                      size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)size;
    uint64_t value;
    const char *wrong = key->type->parse(item, &value);
    /* A negative number is a number, and below every range. */
    bool negative = wrong && item[0] == '-' && !key->type->parse(item + 1, &value);
    if (wrong && !negative)
        return refuse(reason, wrong);
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
    return text_number(text, 0, UINT64_MAX, value);
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

/* On a command line a bare number would be seconds; in a file, guessing the unit is nobody's. */
static const char *parse_duration(const char *text, uint64_t *value)
{
    return text_duration(text, 0, value);
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

/* Enumerations, which have the size of a number. */

_Static_assert(sizeof(enum reply_mode) == sizeof(uint32_t) &&
                   sizeof(enum config_policy) == sizeof(uint32_t) &&
                   sizeof(enum config_relay) == sizeof(uint32_t) &&
                   sizeof(enum config_missing) == sizeof(uint32_t) &&
                   sizeof(enum config_log_level) == sizeof(uint32_t),
               "an enumeration is stored as a number");

static size_t count_words(const struct config_key *key)
{
    size_t count = 0;
    while (key->words[count])
        count++;
    return count;
}

static int set_word(const struct config_key *key, struct config *config, const char *item,
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
    const char *meant = text_nearest(item, key->words, count);
    if (meant)
        snprintf(reason + length, (size_t)(CONFIG_REASON_BYTES - length), " (did you mean '%s'?)",
                 meant);
    return -EINVAL;
}

static size_t count_word(const struct config_key *key, const struct config *config)
{
    return *number_of(key, config) >= key->min;
}

static char *write_word(const struct config_key *key, const struct config *config, size_t i)
{
    (void)i;
    return strdup(key->words[*number_of(key, config) - key->min]);
}

/* Strings. */

static char **string_of(const struct config_key *key, const struct config *config)
{
    return value_of(key, config);
}

static int set_string(const struct config_key *key, struct config *config, const char *item,
                      size_t size, char reason[CONFIG_REASON_BYTES])
{
    if (size == 0)
        return refuse(reason, "must not be empty");
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
    return write_item(string, strlen(string));
}

/* The list of addresses. */

static bool is_ipv4_mapped(const struct addr *addr)
{
    static const uint8_t PREFIX[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291, section 2.5.5.2 */
    return addr->family == ADDR_IPV6 && memcmp(addr->ip, PREFIX, sizeof PREFIX) == 0;
}

/* Whether both would bind the same endpoint; on port 0 the kernel gives each its own. */
static bool is_same_listen(const struct config_listen *a, const struct config_listen *b)
{
    if (a->transport != b->transport)
        return false;
    if (a->transport == TRANSPORT_UNIX)
        return strcmp(a->path, b->path) == 0;
    return addr_equal(&a->addr, &b->addr) && strcmp(a->zone, b->zone) == 0 && a->addr.port != 0;
}

static bool has_zone(const struct config_listen *listen)
{
    return listen->addr.scope != 0 || listen->zone[0] != '\0';
}

static const char *check_group(const struct config_listen *group)
{
    if (!addr_is_multicast(&group->addr))
        return "not a multicast group: those are 224.0.0.0 to 239.255.255.255, and ff00::/8";
    if (group->addr.port == 0)
        return "a group needs its port, as in 239.1.2.3:3000";
    return NULL;
}

static const char *check_address(const struct config_listen *listen)
{
    if (addr_is_multicast(&listen->addr)) {
        if (listen->transport != TRANSPORT_UDP)
            return "a multicast group has datagrams alone";
        if (addr_is_link_group(&listen->addr) && !has_zone(listen))
            return "a group of one link needs its interface, as in [ff02::1%eth0]:3000";
        return check_group(listen);
    }
    if (is_ipv4_mapped(&listen->addr))
        return "an IPv4-mapped address: write it as IPv4, such as 192.0.2.1:3000";
    if (addr_is_link_local(&listen->addr) && !has_zone(listen))
        return "a link-local address needs its interface, as in [fe80::1%eth0]:3000";
    return NULL;
}

static const char *check_listen(const struct config *config, const struct config_listen *listen)
{
    const char *wrong = listen->transport == TRANSPORT_UNIX ? NULL : check_address(listen);
    if (wrong)
        return wrong;
    for (size_t i = 0; i < config->server.listen_count; i++) {
        if (is_same_listen(listen, &config->server.listen[i]))
            return "listed twice";
    }
    if (config->server.listen_count >= CONFIG_LISTEN_MAX)
        return "more than 64 addresses";
    return NULL;
}

static const char *read_listen(struct config_listen *listen, const char *text)
{
    const char *rest = transport_split(text, &listen->transport);
    const char *wrong;
    if (listen->transport == TRANSPORT_UNIX) {
        wrong = transport_check_path(rest);
        if (!wrong)
            strcpy(listen->path, rest);
        return wrong;
    }
    wrong = addr_parse(&listen->addr, listen->zone, rest, CONFIG_PORT);
    return !wrong && addr_has_two_meanings(rest) ? ADDR_TWO_MEANINGS : wrong;
}

static int set_listen(const struct config_key *key, struct config *config, const char *item,
                      size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)key, (void)size;
    struct config_listen listen = {.transport = TRANSPORT_UDP};
    const char *wrong = read_listen(&listen, item);
    if (!wrong)
        wrong = check_listen(config, &listen);
    if (wrong)
        return refuse(reason, wrong);
    config->server.listen_stated = true;
    return config_add_listen(config, &listen) ? 0 : -ENOMEM;
}

static size_t count_listen(const struct config_key *key, const struct config *config)
{
    (void)key;
    return config->server.listen_count;
}

static char *write_listen(const struct config_key *key, const struct config *config, size_t i)
{
    (void)key;
    char text[CONFIG_LISTEN_TEXT_BYTES];
    config_listen_text(&config->server.listen[i], text);
    return write_item(text, strlen(text));
}

/* A multicast group. */

static int set_group(const struct config_key *key, struct config *config, const char *item,
                     size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)size;
    struct config_listen group = {.transport = TRANSPORT_UDP};
    const char *wrong = addr_parse(&group.addr, group.zone, item, 0);
    if (!wrong)
        wrong = check_group(&group);
    if (wrong)
        return refuse(reason, wrong);
    *(struct config_listen *)value_of(key, config) = group;
    return 0;
}

static size_t count_group(const struct config_key *key, const struct config *config)
{
    return ((const struct config_listen *)value_of(key, config))->addr.family != ADDR_NONE;
}

static char *write_group(const struct config_key *key, const struct config *config, size_t i)
{
    (void)i;
    char text[CONFIG_LISTEN_TEXT_BYTES];
    config_listen_text(value_of(key, config), text);
    return write_item(text, strlen(text));
}

/* The list of messages. */

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
    return write_item(config->reply.messages[i].bytes, config->reply.messages[i].size);
}

/* The lists of blocks. A block that is listed twice is listed. */

static struct config_blocks *blocks_of(const struct config_key *key, const struct config *config)
{
    return value_of(key, config);
}

static int set_block(const struct config_key *key, struct config *config, const char *item,
                     size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)size;
    struct config_blocks *blocks = blocks_of(key, config);
    struct cidr block;
    const char *wrong = cidr_parse(&block, item);
    if (wrong)
        return refuse(reason, wrong);
    if (blocks->count >= CONFIG_BLOCKS_MAX) {
        snprintf(reason, CONFIG_REASON_BYTES, "more than %d blocks", CONFIG_BLOCKS_MAX);
        return -EINVAL;
    }
    return config_add_block(blocks, &block) ? 0 : -ENOMEM;
}

static size_t count_blocks(const struct config_key *key, const struct config *config)
{
    return blocks_of(key, config)->count;
}

static char *write_block(const struct config_key *key, const struct config *config, size_t i)
{
    char text[CIDR_TEXT_BYTES];
    return strdup(cidr_format(&blocks_of(key, config)->list[i], text));
}

#define BLOCKS       .set = set_block, .count = count_blocks, .write = write_block
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
    .format = text_format_duration,
};
const struct config_type CONFIG_SIZE = {
    WHOLE_NUMBER,
    .parse = text_size,
    .format = text_format_size,
};
const struct config_type CONFIG_MODE = {
    WHOLE_NUMBER,
    .parse = parse_mode,
    .format = format_mode,
};
const struct config_type CONFIG_WORD = {
    .set = set_word,
    .count = count_word,
    .write = write_word,
};
const struct config_type CONFIG_STRING = {
    .set = set_string,
    .count = count_string,
    .write = write_string,
};
const struct config_type CONFIG_LISTEN = {
    .set = set_listen,
    .count = count_listen,
    .write = write_listen,
    .clear = config_clear_listen,
};
const struct config_type CONFIG_MESSAGE = {
    .set = set_message,
    .count = count_message,
    .write = write_message,
    .clear = config_clear_messages,
    .binary = true,
};
const struct config_type CONFIG_GROUP = {
    .set = set_group,
    .count = count_group,
    .write = write_group,
};
const struct config_type CONFIG_ALLOW = {
    BLOCKS,
    .clear = config_clear_allow,
};
const struct config_type CONFIG_DENY = {
    BLOCKS,
    .clear = config_clear_deny,
};
