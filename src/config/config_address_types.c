#include "config/config_address_types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Listen addresses. */

static bool is_ipv4_mapped(const struct addr *addr)
{
    static const uint8_t PREFIX[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291, section 2.5.5.2 */
    return addr->family == ADDR_IPV6 && memcmp(addr->ip, PREFIX, sizeof PREFIX) == 0;
}

/* Whether both would bind the same address and port. For port 0 the kernel chooses two ports. */
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
        return "not a multicast group (224.0.0.0 to 239.255.255.255, ff00::/8)";
    if (group->addr.port == 0)
        return "a multicast group needs a port, as in 239.1.2.3:3000";
    return NULL;
}

static const char *check_address(const struct config_listen *listen)
{
    if (addr_is_multicast(&listen->addr)) {
        if (listen->transport != TRANSPORT_UDP)
            return "a multicast group cannot be used with TCP";
        if (addr_is_link_scoped_group(&listen->addr) && !has_zone(listen))
            return "a link-local multicast group needs its interface, as in [ff02::1%eth0]:3000";
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

static const char *read_path(struct config_listen *listen, const char *path)
{
    const char *wrong = transport_check_path(path);
    if (!wrong)
        strcpy(listen->path, path);
    return wrong;
}

static const char *read_listen(struct config_listen *listen, const char *text)
{
    const char *rest = transport_split(text, &listen->transport);
    if (listen->transport == TRANSPORT_UNIX)
        return read_path(listen, rest);
    const char *wrong = addr_parse(&listen->addr, listen->zone, rest, CONFIG_PORT);
    return !wrong && addr_is_ambiguous(rest) ? ADDR_AMBIGUOUS : wrong;
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
        return config_refuse(reason, wrong);
    config->server.listen_given = true;
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
    return config_quote_item(text, strlen(text));
}

/* The address of the metrics: one, of TCP or a Unix socket. "tcp:" may be left out. */

static const char *read_metrics_listen(struct config_listen *listen, const char *text)
{
    const char *rest = transport_split(text, &listen->transport);
    if (listen->transport == TRANSPORT_UNIX)
        return read_path(listen, rest);
    listen->transport = TRANSPORT_TCP;
    const char *wrong = addr_parse(&listen->addr, NULL, rest, CONFIG_METRICS_PORT);
    if (!wrong && addr_is_ambiguous(rest))
        wrong = ADDR_AMBIGUOUS;
    if (!wrong && addr_is_multicast(&listen->addr))
        wrong = "a multicast group cannot be used with TCP";
    if (!wrong && is_ipv4_mapped(&listen->addr))
        wrong = "an IPv4-mapped address: write it as IPv4, such as 192.0.2.1:9300";
    if (!wrong && addr_is_link_local(&listen->addr))
        wrong = "a link-local address cannot be used here";
    return wrong;
}

static int set_metrics_listen(const struct config_key *key, struct config *config, const char *item,
                              size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)size;
    struct config_listen listen = {.transport = TRANSPORT_TCP};
    const char *wrong = read_metrics_listen(&listen, item);
    if (wrong)
        return config_refuse(reason, wrong);
    *(struct config_listen *)config_value_of(key, config) = listen;
    return 0;
}

static size_t count_metrics_listen(const struct config_key *key, const struct config *config)
{
    (void)key;
    return config_has_metrics(config);
}

static char *write_metrics_listen(const struct config_key *key, const struct config *config,
                                  size_t i)
{
    (void)i;
    char text[CONFIG_LISTEN_TEXT_BYTES];
    enum transport transport;
    config_listen_text(config_value_of(key, config), text);
    const char *shown = transport_split(text, &transport);
    if (transport == TRANSPORT_UNIX)
        shown = text;
    return config_quote_item(shown, strlen(shown));
}

/* Multicast groups. */

static int set_group(const struct config_key *key, struct config *config, const char *item,
                     size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)size;
    struct config_listen group = {.transport = TRANSPORT_UDP};
    const char *wrong = addr_parse(&group.addr, group.zone, item, 0);
    if (!wrong)
        wrong = check_group(&group);
    if (wrong)
        return config_refuse(reason, wrong);
    *(struct config_listen *)config_value_of(key, config) = group;
    return 0;
}

static size_t count_group(const struct config_key *key, const struct config *config)
{
    return ((const struct config_listen *)config_value_of(key, config))->addr.family != ADDR_NONE;
}

static char *write_group(const struct config_key *key, const struct config *config, size_t i)
{
    (void)i;
    char text[CONFIG_LISTEN_TEXT_BYTES];
    config_listen_text(config_value_of(key, config), text);
    return config_quote_item(text, strlen(text));
}

/* Address blocks. A block may be listed twice. */

static struct config_blocks *blocks_of(const struct config_key *key, const struct config *config)
{
    return config_value_of(key, config);
}

static int set_block(const struct config_key *key, struct config *config, const char *item,
                     size_t size, char reason[CONFIG_REASON_BYTES])
{
    (void)size;
    struct config_blocks *blocks = blocks_of(key, config);
    struct cidr block;
    const char *wrong = cidr_parse(&block, item);
    if (wrong)
        return config_refuse(reason, wrong);
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

#define BLOCKS .set = set_block, .count = count_blocks, .write = write_block

const struct config_type CONFIG_LISTEN = {
    .set = set_listen,
    .count = count_listen,
    .write = write_listen,
    .clear = config_clear_listen,
};

const struct config_type CONFIG_METRICS_LISTEN = {
    .set = set_metrics_listen,
    .count = count_metrics_listen,
    .write = write_metrics_listen,
};

const struct config_type CONFIG_MULTICAST_GROUP = {
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

const struct config_type CONFIG_METRICS_ALLOW = {
    BLOCKS,
    .clear = config_clear_metrics_allow,
};
