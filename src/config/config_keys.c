#include "config/config_keys.h"
#include "config/config_address_types.h"
#include "config/config_number_types.h"
#include "config/config_text_types.h"
#include "text/nearest_word.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The words of enumerations, in the order of their values. */
static const char *const REPLY_MODES[] = {"rotate", "echo", "none", NULL};
static const char *const RELAYS[] = {"off", "others", "all", NULL};
static const char *const MISSING[] = {"fail", "wait", NULL};
static const char *const FRAMINGS[] = {"line", "chunk", NULL};
static const char *const NAMES[] = {"off", "trusted", "keyed", NULL};
static const char *const POLICIES[] = {"open", "cookie", NULL};
static const char *const SWITCH[] = {"off", "on", NULL};
static const char *const OFFLOADS[] = {"off", "auto", "native", "generic", NULL};
static const char *const LOG_LEVELS[] = {"error", "warning", "info", "debug", NULL};
static const char *const LOG_FORMATS[] = {"text", "logfmt", "json", NULL};
static const char *const LOG_TARGETS[] = {"stderr", "syslog", NULL};

enum {
    NAME_BYTES_MAX = 255,   /* of a user or a group: LOGIN_NAME_MAX of Linux without the NUL */
    PATH_BYTES_MAX = 4095,  /* of a file: PATH_MAX of Linux without the NUL */
    SOCKET_BYTES_MAX = 107, /* of a Unix socket's path: sun_path of unix(7) without the NUL */
    /* The kernel reports a socket as writable when its buffer is half empty, and allows the
     * fragments of one datagram to take up to twice the buffer. With this minimum the longest
     * datagram fits whenever the socket is writable, in fragments of any size from 548 bytes on. */
    SEND_BUFFER_BYTES_MIN = 64 << 10,
};

#define AT(member)       .offset = offsetof(struct config, member)
#define RANGE(low, high) .min = (low), .max = (high)
#define RESTART          .restart = true
#define UPGRADE          .restart = true, .upgrade = true
#define RELOAD           .restart = false

static const struct config_key KEYS[] = {
    {"server", "listen", &CONFIG_LISTEN, UPGRADE},
    {"server", "missing-address", &CONFIG_ENUM, AT(server.missing_address), .words = MISSING,
     UPGRADE},
    {"server", "workers", &CONFIG_NUMBER_OR_AUTO, AT(server.workers), RANGE(1, CONFIG_WORKERS_MAX),
     UPGRADE},
    {"server", "user", &CONFIG_STRING, AT(server.user), RANGE(1, NAME_BYTES_MAX), RESTART},
    {"server", "group", &CONFIG_STRING, AT(server.group), RANGE(1, NAME_BYTES_MAX), RESTART},
    {"server", "max-datagram", &CONFIG_SIZE, AT(server.max_datagram_bytes),
     RANGE(1, CONFIG_MESSAGE_BYTES_MAX), UPGRADE},
    {"server", "receive-buffer", &CONFIG_SIZE, AT(server.receive_buffer_bytes),
     RANGE(4 << 10, 1 << 30), UPGRADE},
    {"server", "send-buffer", &CONFIG_SIZE, AT(server.send_buffer_bytes),
     RANGE(SEND_BUFFER_BYTES_MIN, 1 << 30), UPGRADE},
    {"server", "stream-max", &CONFIG_NUMBER, AT(server.stream_max), RANGE(1, CONFIG_STREAMS_MAX),
     UPGRADE},
    {"server", "stream-buffer", &CONFIG_SIZE, AT(server.stream_buffer_bytes),
     RANGE(4 << 10, 64 << 20), UPGRADE},
    {"server", "stream-idle", &CONFIG_DURATION, AT(server.stream_idle_ms), RANGE(1000, UINT32_MAX),
     UPGRADE},
    {"server", "stream-framing", &CONFIG_ENUM, AT(server.stream_framing), .words = FRAMINGS,
     UPGRADE},
    {"reply", "mode", &CONFIG_ENUM, AT(reply.mode), .words = REPLY_MODES, RELOAD},
    {"reply", "message", &CONFIG_MESSAGE, RELOAD},
    {"clients", "max", &CONFIG_NUMBER, AT(clients.max), RANGE(1, CONFIG_CLIENTS_MAX), UPGRADE},
    {"clients", "ttl", &CONFIG_DURATION, AT(clients.ttl_ms), RANGE(1, UINT32_MAX), RELOAD},
    {"clients", "sweep", &CONFIG_DURATION, AT(clients.sweep_ms), RANGE(10, 3600000), RELOAD},
    {"clients", "names", &CONFIG_ENUM, AT(clients.names), .words = NAMES, UPGRADE},
    {"clients", "names-max", &CONFIG_NUMBER, AT(clients.names_max), RANGE(1, CONFIG_CLIENTS_MAX),
     UPGRADE},
    {"clients", "names-key-file", &CONFIG_STRING, AT(clients.names_key_file),
     RANGE(1, PATH_BYTES_MAX), UPGRADE},
    {"broadcast", "rate", &CONFIG_NUMBER, AT(broadcast.rate_pps), RANGE(0, UINT32_MAX), RELOAD},
    {"broadcast", "queue", &CONFIG_NUMBER, AT(broadcast.queue), RANGE(1, CONFIG_QUEUE_MAX), RELOAD},
    {"broadcast", "relay", &CONFIG_ENUM, AT(broadcast.relay), .words = RELAYS, RELOAD},
    {"broadcast", "relay-rate", &CONFIG_NUMBER, AT(broadcast.relay_rate_pps),
     RANGE(0, CONFIG_RELAY_RATE_MAX), RELOAD},
    {"broadcast", "multicast", &CONFIG_MULTICAST_GROUP, AT(broadcast.multicast), UPGRADE},
    {"broadcast", "multicast-ttl", &CONFIG_NUMBER, AT(broadcast.multicast_ttl), RANGE(0, 255),
     UPGRADE},
    {"broadcast", "multicast-interface", &CONFIG_STRING, AT(broadcast.multicast_interface),
     RANGE(1, ADDR_ZONE_BYTES - 1), UPGRADE},
    {"admission", "policy", &CONFIG_ENUM, AT(admission.policy), .min = POLICY_OPEN,
     .words = POLICIES, RELOAD},
    {"admission", "allow", &CONFIG_ALLOW, AT(admission.allow), RELOAD},
    {"admission", "deny", &CONFIG_DENY, AT(admission.deny), RELOAD},
    {"admission", "per-prefix", &CONFIG_NUMBER, AT(admission.per_prefix),
     RANGE(0, CONFIG_CLIENTS_MAX), RELOAD},
    {"admission", "rate", &CONFIG_NUMBER, AT(admission.rate_pps), RANGE(0, CONFIG_RATE_MAX),
     RELOAD},
    {"admission", "burst", &CONFIG_NUMBER, AT(admission.burst), RANGE(0, CONFIG_RATE_MAX), RELOAD},
    {"admission", "dry-run", &CONFIG_ENUM, AT(admission.dry_run), .words = SWITCH, RELOAD},
    {"control", "socket", &CONFIG_STRING, AT(control.socket), RANGE(1, SOCKET_BYTES_MAX), UPGRADE},
    {"control", "mode", &CONFIG_MODE, AT(control.mode), RANGE(0, 0777), RESTART},
    {"control", "group", &CONFIG_STRING, AT(control.group), RANGE(1, NAME_BYTES_MAX), RESTART},
    {"control", "observer-socket", &CONFIG_STRING, AT(control.observer_socket),
     RANGE(1, SOCKET_BYTES_MAX), UPGRADE},
    {"control", "observer-mode", &CONFIG_MODE, AT(control.observer_mode), RANGE(0, 0777), RESTART},
    {"control", "observer-group", &CONFIG_STRING, AT(control.observer_group),
     RANGE(1, NAME_BYTES_MAX), RESTART},
    {"state", "file", &CONFIG_STRING, AT(state.file), RANGE(1, PATH_BYTES_MAX), UPGRADE},
    {"state", "interval", &CONFIG_DURATION, AT(state.interval_ms), RANGE(1000, 86400000), RELOAD},
    {"state", "max-age", &CONFIG_DURATION, AT(state.max_age_ms), RANGE(1000, UINT32_MAX), RELOAD},
    {"metrics", "listen", &CONFIG_METRICS_LISTEN, AT(metrics.listen), UPGRADE},
    {"metrics", "allow", &CONFIG_METRICS_ALLOW, AT(metrics.allow), RELOAD},
    {"offload", "interface", &CONFIG_INTERFACE, RESTART},
    {"offload", "mode", &CONFIG_ENUM, AT(offload.mode), .words = OFFLOADS, RESTART},
    {"offload", "max", &CONFIG_NUMBER_OR_AUTO, AT(offload.max), RANGE(1, CONFIG_CLIENTS_MAX),
     RESTART},
    {"log", "level", &CONFIG_ENUM, AT(log.level), .words = LOG_LEVELS, RELOAD},
    {"log", "format", &CONFIG_ENUM, AT(log.format), .words = LOG_FORMATS, RELOAD},
    {"log", "target", &CONFIG_ENUM, AT(log.target), .words = LOG_TARGETS, RELOAD},
};
_Static_assert(sizeof KEYS / sizeof *KEYS == CONFIG_KEY_COUNT,
               "CONFIG_KEY_COUNT is the number of keys");

const struct config_key *config_keys(void)
{
    return KEYS;
}

const struct config_key *config_key_find(const char *section, const char *name)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (strcmp(KEYS[i].section, section) == 0 && strcmp(KEYS[i].name, name) == 0)
            return &KEYS[i];
    }
    return NULL;
}

const char *config_section_find(const char *name)
{
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (strcmp(KEYS[i].section, name) == 0)
            return KEYS[i].section;
    }
    return NULL;
}

const char *config_section_nearest(const char *name)
{
    const char *sections[CONFIG_KEY_COUNT];
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++)
        sections[i] = KEYS[i].section;
    return nearest_word(name, sections, CONFIG_KEY_COUNT);
}

const char *config_key_nearest(const char *section, const char *name)
{
    const char *names[CONFIG_KEY_COUNT + 1] = {"include"};
    size_t count = 1;
    for (size_t i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (strcmp(KEYS[i].section, section) == 0)
            names[count++] = KEYS[i].name;
    }
    return nearest_word(name, names, count);
}

bool config_key_sections(const char *name, char sections[CONFIG_SECTIONS_BYTES])
{
    size_t length = 0;
    for (size_t i = 0; i < CONFIG_KEY_COUNT && length < CONFIG_SECTIONS_BYTES; i++) {
        if (strcmp(KEYS[i].name, name) == 0)
            length += (size_t)snprintf(sections + length, CONFIG_SECTIONS_BYTES - length, "%s[%s]",
                                       length > 0 ? " and " : "", KEYS[i].section);
    }
    return length > 0;
}

int config_key_set(const struct config_key *key, struct config *config, const char *item,
                   size_t size, char reason[CONFIG_REASON_BYTES])
{
    if (!key->type->binary && memchr(item, '\0', size)) {
        snprintf(reason, CONFIG_REASON_BYTES, "contains a NUL byte");
        return -EINVAL;
    }
    return key->type->set(key, config, item, size, reason);
}

/* Returns 1 if value i is the same in both, 0 if it differs, or -ENOMEM. */
static int is_same_value(const struct config_key *key, const struct config *from,
                         const struct config *to, size_t i)
{
    char *a = key->type->write(key, from, i), *b = key->type->write(key, to, i);
    int same = a && b ? strcmp(a, b) == 0 : -ENOMEM;
    free(a);
    free(b);
    return same;
}

int config_key_is_same(const struct config_key *key, const struct config *from,
                       const struct config *to)
{
    size_t count = key->type->count(key, from);
    int same = count == key->type->count(key, to);
    for (size_t i = 0; same > 0 && i < count; i++)
        same = is_same_value(key, from, to, i);
    return same;
}

bool config_for_each_restart_key(const struct config *from, const struct config *to,
                                 config_key_callback *callback, void *state)
{
    for (const struct config_key *key = KEYS; key < KEYS + CONFIG_KEY_COUNT; key++) {
        int same = key->restart ? config_key_is_same(key, from, to) : 1;
        if (same < 0)
            return false;
        if (!same)
            callback(state, key);
    }
    return true;
}
