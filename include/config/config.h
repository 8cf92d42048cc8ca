#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "address/addr.h"
#include "address/cidr.h"
#include "address/transport.h"
#include "wire/reply_rotation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CONFIG_PORT = 3000,         /* of a listen address that names none */
    CONFIG_LISTEN_MAX = 64,     /* listeners; a client's entry has eight bits for its own */
    CONFIG_WORKERS_AUTO = 0,    /* server.workers: as many as processors that we may use */
    CONFIG_WORKERS_MAX = 256,   /* server.workers: more processors than most machines have */
    CONFIG_MESSAGES_MAX = 4096, /* messages of the rotation */
    /* The longest UDP payload over IPv4: 65535 - 20 - 8 (RFC 768, RFC 791). */
    CONFIG_MESSAGE_BYTES_MAX = 65507,
    CONFIG_CLIENTS_MAX = 100000000, /* clients.max */
    CONFIG_QUEUE_MAX = 65536,       /* broadcast.queue */
    CONFIG_RELAY_RATE_MAX = 1000000,
    CONFIG_STREAMS_MAX = 100000, /* server.stream-max */
    CONFIG_BLOCKS_MAX = 100000, /* blocks of admission.allow, and of deny: ACCESS_LIST_BLOCKS_MAX */
    CONFIG_RATE_MAX = 1000000,  /* admission.rate and burst: RATE_LIMITER_RATE_MAX */
    /* The default of admission.per-prefix under cookie: carriers put thousands of phones behind one
     * /24, and a sixteenth of the default clients.max is still no registry's end. */
    CONFIG_PER_PREFIX_COOKIE = 65536,
};

enum config_policy {
    POLICY_UNSTATED, /* no policy line: good for listeners on loopback alone */
    POLICY_OPEN,     /* a source address is believed as it stands */
    POLICY_COOKIE,   /* it is believed once it has shown that it receives */
};

/* What becomes of a start while an address or interface to listen on is not there. */
enum config_missing {
    MISSING_FAIL,
    MISSING_WAIT, /* it is served once it is there */
};

/* Blocks of addresses. */
struct config_blocks {
    struct cidr *list;
    size_t count, room;
};

/* What becomes of what a client says, beside its answer. */
enum config_relay {
    RELAY_OFF,
    RELAY_OTHERS, /* every live client but itself gets it */
    RELAY_ALL,    /* itself, too */
};

enum config_log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum config_log_format { LOG_FORMAT_TEXT, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
enum config_log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG };

/* An address to listen on, or to send to; zone is the interface name of "[fe80::1%eth0]:3000" or
 * "239.1.2.3%eth0:3000", to be resolved at start, or "" (then addr.scope says it, of IPv4, too). A
 * Unix socket has a path and an addr of family ADDR_NONE. */
struct config_listen {
    enum transport transport;
    struct addr addr;
    char zone[ADDR_ZONE_BYTES];
    char path[TRANSPORT_PATH_BYTES];
};

/* The whole configuration, effective values. Owned strings and lists go with config_free. */
struct config {
    struct {
        struct config_listen *listen;
        size_t listen_count;
        bool listen_stated; /* false: the built-in pair, of which one family may be missing */
        uint32_t workers;   /* or CONFIG_WORKERS_AUTO */
        char *user;         /* NULL: keep the one that started us */
        char *group;        /* NULL: the user's own */
        uint32_t max_datagram_bytes;
        uint32_t receive_buffer_bytes;
        uint32_t send_buffer_bytes;
        uint32_t stream_max;
        uint32_t stream_buffer_bytes;
        uint32_t stream_idle_ms;
        enum config_missing missing_address;
    } server;
    struct {
        enum reply_mode mode;
        struct message *messages;
        size_t message_count;
    } reply;
    struct {
        uint32_t max;
        uint32_t ttl_ms;
        uint32_t sweep_ms;
    } clients;
    struct {
        uint32_t rate_pps; /* copies a second, 0: no pace */
        uint32_t queue;    /* jobs that may wait */
        enum config_relay relay;
        uint32_t relay_rate_pps;        /* of one client, 0: no limit */
        struct config_listen multicast; /* of family ADDR_NONE: none */
        uint32_t multicast_ttl;
        char *multicast_interface; /* NULL: as the routes say */
    } broadcast;
    struct {
        enum config_policy policy;
        struct config_blocks allow, deny;
        uint32_t per_prefix; /* clients of an IPv4 /24 or an IPv6 /64, 0: no cap */
        uint32_t rate_pps;   /* datagrams a second of an address, 0: no limit */
        uint32_t burst;      /* of them at once, 0: as many as the rate gives in a second */
        uint32_t dry_run;    /* 1: limits only count */
    } admission;
    struct {
        char *socket; /* NULL: the built-in place, which depends on who runs us; or
                         CONFIG_CONTROL_OFF */
        uint32_t mode;
        char *group; /* NULL: the process's own */
    } control;
    struct {
        enum config_log_level level;
        enum config_log_format format;
        enum config_log_target target;
    } log;
};

/* The built-in defaults. NULL when memory is short. */
struct config *config_defaults(void);
void config_free(struct config *config);

/* Append a copy, within CONFIG_LISTEN_MAX, CONFIG_MESSAGES_MAX and
 * CONFIG_BLOCKS_MAX. False when memory is short. */
bool config_add_listen(struct config *config, const struct config_listen *listen);
bool config_add_message(struct config *config, const void *bytes, size_t size);
bool config_add_block(struct config_blocks *blocks, const struct cidr *block);

/* Empty the lists. */
void config_clear_listen(struct config *config);
void config_clear_messages(struct config *config);
void config_clear_allow(struct config *config);
void config_clear_deny(struct config *config);

/* Whether there is to be no operator's socket. A file of that name is "./off". */
#define CONFIG_CONTROL_OFF "off"
bool config_control_is_off(const struct config *config);

/* How many of the addresses to listen on other hosts can reach: with any, a policy must be stated.
 * *first is the first of them, untouched if there is none. */
size_t config_exposed(const struct config *config, size_t *first);

/* The longest of an address with its zone, and of a path. */
enum { CONFIG_LISTEN_TEXT_BYTES = TRANSPORT_TEXT_BYTES + ADDR_ZONE_BYTES };

/* Writes the address as a configuration has it, "[fe80::1%eth0]:3000", "tcp:127.0.0.1:3000" or
 * "unix:/path", and returns text. */
const char *config_listen_text(const struct config_listen *listen,
                               char text[CONFIG_LISTEN_TEXT_BYTES]);

#endif
