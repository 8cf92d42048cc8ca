#include "config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void config_free(struct config *config)
{
    if (!config)
        return;
    config_clear_listen(config);
    config_clear_messages(config);
    config_clear_allow(config);
    config_clear_deny(config);
    config_clear_metrics_allow(config);
    free(config->server.user);
    free(config->server.group);
    free(config->broadcast.multicast_interface);
    free(config->clients.names_key_file);
    free(config->state.file);
    free(config->control.socket);
    free(config->control.group);
    free(config->control.observer_socket);
    free(config->control.observer_group);
    free(config);
}

bool config_add_listen(struct config *config, const struct config_listen *listen)
{
    size_t count = config->server.listen_count;
    struct config_listen *grown = realloc(config->server.listen, (count + 1) * sizeof *grown);
    if (!grown)
        return false;
    grown[count] = *listen;
    config->server.listen = grown;
    config->server.listen_count = count + 1;
    return true;
}

bool config_add_message(struct config *config, const void *bytes, size_t size)
{
    size_t count = config->reply.message_count;
    struct message *grown = realloc(config->reply.messages, (count + 1) * sizeof *grown);
    if (!grown)
        return false;
    config->reply.messages = grown;

    uint8_t *copy = malloc(size + 1); /* malloc may return NULL for 0 bytes */
    if (!copy)
        return false;
    memcpy(copy, bytes, size);
    grown[count] = (struct message){.bytes = copy, .size = size};
    config->reply.message_count = count + 1;
    return true;
}

/* The list grows by doubling, since it may be long. */
bool config_add_block(struct config_blocks *blocks, const struct cidr *block)
{
    if (blocks->count == blocks->max) {
        size_t max = blocks->max == 0 ? 16 : 2 * blocks->max;
        struct cidr *grown = realloc(blocks->list, max * sizeof *grown);
        if (!grown)
            return false;
        blocks->list = grown;
        blocks->max = max;
    }
    blocks->list[blocks->count++] = *block;
    return true;
}

void config_clear_listen(struct config *config)
{
    free(config->server.listen);
    config->server.listen = NULL;
    config->server.listen_count = 0;
}

void config_clear_messages(struct config *config)
{
    for (size_t i = 0; i < config->reply.message_count; i++)
        free((void *)config->reply.messages[i].bytes);
    free(config->reply.messages);
    config->reply.messages = NULL;
    config->reply.message_count = 0;
}

static void clear_blocks(struct config_blocks *blocks)
{
    free(blocks->list);
    *blocks = (struct config_blocks){.list = NULL};
}

void config_clear_allow(struct config *config)
{
    clear_blocks(&config->admission.allow);
}

void config_clear_deny(struct config *config)
{
    clear_blocks(&config->admission.deny);
}

void config_clear_metrics_allow(struct config *config)
{
    clear_blocks(&config->metrics.allow);
}

void config_clear_interfaces(struct config *config)
{
    config->offload.interface_count = 0;
}

bool config_control_is_off(const struct config *config)
{
    return config->control.socket != NULL &&
           strcmp(config->control.socket, CONFIG_CONTROL_OFF) == 0;
}

bool config_has_observers(const struct config *config)
{
    return config->control.observer_socket != NULL &&
           strcmp(config->control.observer_socket, CONFIG_CONTROL_OFF) != 0;
}

bool config_has_metrics(const struct config *config)
{
    return config->metrics.listen.transport != TRANSPORT_UDP;
}

const char *config_listen_text(const struct config_listen *listen,
                               char text[CONFIG_LISTEN_TEXT_BYTES])
{
    if (listen->transport == TRANSPORT_UNIX) {
        snprintf(text, CONFIG_LISTEN_TEXT_BYTES, "unix:%s", listen->path);
        return text;
    }
    char address[ADDR_TEXT_BYTES], zone[1 + ADDR_ZONE_BYTES] = "";
    addr_format(&listen->addr, address);
    /* The zone precedes the closing bracket of IPv6, or the port of IPv4. */
    const char *rest = strchr(address, listen->addr.family == ADDR_IPV6 ? ']' : ':');
    if (rest == NULL)
        rest = address + strlen(address);
    if (listen->zone[0] != '\0')
        snprintf(zone, sizeof zone, "%%%s", listen->zone);
    else if (listen->addr.family == ADDR_IPV4 && listen->addr.scope != 0)
        snprintf(zone, sizeof zone, "%%%u", listen->addr.scope);
    snprintf(text, CONFIG_LISTEN_TEXT_BYTES, "%s%.*s%s%s",
             listen->transport == TRANSPORT_TCP ? "tcp:" : "", (int)(rest - address), address, zone,
             rest);
    return text;
}
