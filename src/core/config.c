/* The configuration's values: what they are without a file, and who owns them. */
#include "core/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool add_defaults(struct config *config)
{
    static const char *const LISTEN[] = {"127.0.0.1", "::1"};
    static const char *const MESSAGES[] = {"audi", "toyota", "bmw"};
    for (size_t i = 0; i < sizeof LISTEN / sizeof *LISTEN; i++) {
        struct config_listen listen;
        addr_parse(&listen.addr, listen.zone, LISTEN[i], CONFIG_PORT);
        if (!config_add_listen(config, &listen))
            return false;
    }
    for (size_t i = 0; i < sizeof MESSAGES / sizeof *MESSAGES; i++) {
        if (!config_add_message(config, MESSAGES[i], strlen(MESSAGES[i])))
            return false;
    }
    return true;
}

struct config *config_defaults(void)
{
    struct config *config = malloc(sizeof *config);
    if (!config)
        return NULL;
    *config = (struct config){
        .server = {.workers = 1,
                   .max_datagram_bytes = 2048,
                   .receive_buffer_bytes = 4 << 20,
                   .send_buffer_bytes = 128 << 10},
        .reply = {.mode = REPLY_ROTATE},
        .clients = {.max = 1000000, .ttl_ms = 60000, .sweep_ms = 1000},
        .broadcast = {.rate_pps = 0, .queue = 64},
        .admission = {.policy = POLICY_UNSTATED},
        .control = {.mode = 0660},
        .log = {LOG_LEVEL_INFO, LOG_FORMAT_TEXT, LOG_TARGET_STDERR},
    };
    if (!add_defaults(config)) {
        config_free(config);
        return NULL;
    }
    return config;
}

void config_free(struct config *config)
{
    if (!config)
        return;
    config_clear_listen(config);
    config_clear_messages(config);
    config_clear_allow(config);
    config_clear_deny(config);
    free(config->server.user);
    free(config->server.group);
    free(config->control.socket);
    free(config->control.group);
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

    uint8_t *copy = malloc(size + 1); /* not zero bytes, which may give NULL */
    if (!copy)
        return false;
    memcpy(copy, bytes, size);
    grown[count] = (struct message){.bytes = copy, .size = size};
    config->reply.message_count = count + 1;
    return true;
}

/* By doubling: the lists may be long. */
bool config_add_block(struct config_blocks *blocks, const struct cidr *block)
{
    if (blocks->count == blocks->room) {
        size_t room = blocks->room == 0 ? 16 : 2 * blocks->room;
        struct cidr *grown = realloc(blocks->list, room * sizeof *grown);
        if (!grown)
            return false;
        blocks->list = grown;
        blocks->room = room;
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

const char *config_listen_text(const struct config_listen *listen,
                               char text[CONFIG_LISTEN_TEXT_BYTES])
{
    addr_format(&listen->addr, text);
    char *bracket = listen->zone[0] ? strchr(text, ']') : NULL;
    if (bracket) {
        char tail[ADDR_TEXT_BYTES];
        strcpy(tail, bracket);
        snprintf(bracket, (size_t)(text + CONFIG_LISTEN_TEXT_BYTES - bracket), "%%%s%s",
                 listen->zone, tail);
    }
    return text;
}
