#include "config/config_defaults.h"

#include "config/config_keys.h"

#include <stdlib.h>
#include <string.h>

static bool add_defaults(struct config *config)
{
    static const char *const LISTEN[] = {"127.0.0.1", "::1"};
    static const char *const MESSAGES[] = {"audi", "toyota", "bmw"};
    for (size_t i = 0; i < sizeof LISTEN / sizeof *LISTEN; i++) {
        struct config_listen listen = {.transport = TRANSPORT_UDP};
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
                   .send_buffer_bytes = 128 << 10,
                   .stream_max = 1024,
                   .stream_buffer_bytes = 256 << 10,
                   .stream_idle_ms = 600000,
                   .stream_framing = FRAMING_LINE,
                   .missing_address = MISSING_FAIL},
        .reply = {.mode = REPLY_ROTATE},
        .clients = {.max = 1000000, .ttl_ms = 60000, .sweep_ms = 1000, .names_max = 100000},
        .broadcast = {.rate_pps = 0,
                      .queue = 64,
                      .relay = RELAY_OFF,
                      .relay_rate_pps = 10,
                      .multicast_ttl = 1},
        .admission = {.policy = POLICY_UNSET},
        .control = {.mode = 0660, .observer_mode = 0660},
        .state = {.interval_ms = 60000, .max_age_ms = 3600000},
        .offload = {.mode = CONFIG_OFFLOAD_OFF, .max = CONFIG_OFFLOAD_MAX_AUTO},
        .log = {LOG_LEVEL_INFO, LOG_FORMAT_TEXT, LOG_TARGET_STDERR},
    };
    if (!add_defaults(config)) {
        config_free(config);
        return NULL;
    }
    return config;
}

void config_set_dependent_defaults(struct config *config, struct config_origins *origins)
{
    const struct config_key *key = config_key_find("admission", "per-prefix");
    if (!config_origin_of(origins->in_files, key)->given &&
        config->admission.policy == POLICY_COOKIE)
        config->admission.per_prefix = CONFIG_PER_PREFIX_COOKIE;
}

uint32_t config_burst(const struct config *config)
{
    return config->admission.burst != 0 ? config->admission.burst : config->admission.rate_pps;
}

uint32_t config_offload_max(const struct config *config)
{
    uint32_t max = config->offload.max;
    return max != CONFIG_OFFLOAD_MAX_AUTO && max < config->clients.max ? max : config->clients.max;
}
