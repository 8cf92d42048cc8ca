#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "address/addr.h"
#include "address/cidr.h"
#include "address/transport.h"
#include "wire/reply_rotation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The configuration: its values, its defaults, and the ownership of its strings and lists. */

enum {
    CONFIG_PORT = 3000,         /* of a listen address without a port */
    CONFIG_METRICS_PORT = 9300, /* of metrics.listen without a port */
    CONFIG_LISTEN_MAX = 64,     /* listeners; a client's entry has eight bits for the listener */
    CONFIG_WORKERS_AUTO = 0,  /* server.workers: one for each processor that the process may use */
    CONFIG_WORKERS_MAX = 256, /* server.workers: more than the processors of most machines */
    CONFIG_MESSAGES_MAX = 4096, /* messages of the rotation */
    /* The longest UDP payload over IPv4: 65535 - 20 - 8 (RFC 768, RFC 791). */
    CONFIG_MESSAGE_BYTES_MAX = 65507,
    /* How long a broadcast may wait for confirmations, which its command states. */
    CONFIG_WITHIN_MIN_MS = 1000,
    CONFIG_WITHIN_MAX_MS = 3600000,
    CONFIG_CLIENTS_MAX = 100000000, /* clients.max */
    CONFIG_QUEUE_MAX = 65536,       /* broadcast.queue */
    CONFIG_RELAY_RATE_MAX = 1000000,
    CONFIG_STREAMS_MAX = 100000, /* server.stream-max */
    CONFIG_BLOCKS_MAX = 100000,  /* of admission.allow and of deny, each: ACCESS_LIST_BLOCKS_MAX */
    CONFIG_INTERFACES_MAX = 16,  /* offload.interface: OFFLOAD_INTERFACES_MAX */
    CONFIG_OFFLOAD_MAX_AUTO = 0, /* offload.max: that of clients.max */
    CONFIG_RATE_MAX = 1000000,   /* admission.rate and burst: RATE_LIMITER_RATE_MAX */
    /* The default of admission.per-prefix with the policy cookie. Carriers put thousands of phones
     * behind one /24 (NAT), and one prefix fills at most a sixteenth of the default clients.max. */
    CONFIG_PER_PREFIX_COOKIE = 65536,
};

enum config_policy {
    POLICY_UNSET,  /* not stated: permitted only for listeners on loopback */
    POLICY_OPEN,   /* every source address is trusted */
    POLICY_COOKIE, /* a source address is trusted after it has returned a cookie */
};

/* What the server does at its start if an address or interface to listen on does not exist. */
enum config_missing {
    MISSING_FAIL,
    MISSING_WAIT, /* the listener is opened when the address appears */
};

/* What a message is on a stream of bytes. */
enum config_framing {
    FRAMING_LINE,  /* a line, without its end */
    FRAMING_CHUNK, /* what one read brings */
};

/* Whether clients may give themselves names, by hellos. */
enum config_names {
    NAMES_OFF,
    NAMES_TRUSTED, /* a registered client gets the name that it asks for */
    NAMES_KEYED,   /* a client proves that it has the key of the name's device */
};

/* A list of address blocks. */
struct config_blocks {
    struct cidr *list;
    size_t count, max; /* in use, allocated */
};

/* Whether a client's datagrams are relayed to other clients. */
enum config_relay {
    RELAY_OFF,
    RELAY_OTHERS, /* to every live client except the sender */
    RELAY_ALL,    /* to every live client, the sender included */
};

/* Whether a program in the kernel answers registered clients (XDP), and where it is attached. */
enum config_offload {
    CONFIG_OFFLOAD_OFF,
    CONFIG_OFFLOAD_AUTO,    /* in the driver, else in the generic path, else nowhere */
    CONFIG_OFFLOAD_NATIVE,  /* in the driver, or the server does not start */
    CONFIG_OFFLOAD_GENERIC, /* in the kernel's generic path, or the server does not start */
};

enum config_log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum config_log_format { LOG_FORMAT_TEXT, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };
enum config_log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG };

/* An address to listen on, or to send to. zone is the interface name in "[fe80::1%eth0]:3000" or
 * "239.1.2.3%eth0:3000", which is resolved at the start; if it is "", addr.scope is the interface's
 * index (for IPv4, too) or 0. A Unix socket has a path, and an addr of family ADDR_NONE. */
struct config_listen {
    enum transport transport;
    struct addr addr;
    char zone[ADDR_ZONE_BYTES];
    char path[TRANSPORT_PATH_BYTES];
};

/* The values in effect. config_free frees the strings and lists. */
struct config {
    struct {
        struct config_listen *listen;
        size_t listen_count;
        bool listen_given; /* false: the two default addresses, of which one family may be
                              unavailable */
        uint32_t workers;  /* or CONFIG_WORKERS_AUTO */
        char *user;        /* NULL: the user that started the process */
        char *group;       /* NULL: the group of that user */
        uint32_t max_datagram_bytes;
        uint32_t receive_buffer_bytes;
        uint32_t send_buffer_bytes;
        uint32_t stream_max;
        uint32_t stream_buffer_bytes;
        uint32_t stream_idle_ms;
        enum config_framing stream_framing;
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
        enum config_names names;
        uint32_t names_max;
        char *names_key_file; /* NULL: none */
    } clients;
    struct {
        uint32_t rate_pps; /* copies a second; 0: no limit */
        uint32_t queue;    /* the maximum number of waiting jobs */
        enum config_relay relay;
        uint32_t relay_rate_pps;        /* of one client; 0: no limit */
        struct config_listen multicast; /* family ADDR_NONE: unset */
        uint32_t multicast_ttl;
        char *multicast_interface; /* NULL: by the routes */
    } broadcast;
    struct {
        enum config_policy policy;
        struct config_blocks allow, deny;
        uint32_t per_prefix; /* maximum number of clients of an IPv4 /24 or IPv6 /64; 0: no limit */
        uint32_t rate_pps;   /* datagrams a second from an address; 0: no limit */
        uint32_t burst;      /* datagrams at once; see config_burst */
        uint32_t dry_run;    /* 1: what exceeds a limit is only counted */
    } admission;
    struct {
        char *socket; /* NULL: the default path, which depends on the user; or
                         CONFIG_CONTROL_OFF */
        uint32_t mode;
        char *group;           /* NULL: the group of the process */
        char *observer_socket; /* NULL or CONFIG_CONTROL_OFF: none */
        uint32_t observer_mode;
        char *observer_group; /* as group */
    } control;
    struct {
        char *file;           /* NULL: clients are forgotten at a restart */
        uint32_t interval_ms; /* between two snapshots */
        uint32_t max_age_ms;  /* of a file that is used */
    } state;
    struct {
        struct config_listen listen; /* TRANSPORT_UDP: unset, no metrics are served */
        struct config_blocks allow;  /* empty: every source */
    } metrics;
    struct {
        char interfaces[CONFIG_INTERFACES_MAX][ADDR_ZONE_BYTES];
        size_t interface_count;
        enum config_offload mode;
        uint32_t max; /* or CONFIG_OFFLOAD_MAX_AUTO; see config_offload_max */
    } offload;
    struct {
        enum config_log_level level;
        enum config_log_format format;
        enum config_log_target target;
    } log;
};

/* Frees a configuration; NULL is ignored. */
void config_free(struct config *config);

/* Append a copy to a list. The caller checks CONFIG_LISTEN_MAX, CONFIG_MESSAGES_MAX and
 * CONFIG_BLOCKS_MAX. Return false if there is no memory. */
bool config_add_listen(struct config *config, const struct config_listen *listen);
bool config_add_message(struct config *config, const void *bytes, size_t size);
bool config_add_block(struct config_blocks *blocks, const struct cidr *block);

/* Empty the lists. */
void config_clear_listen(struct config *config);
void config_clear_messages(struct config *config);
void config_clear_allow(struct config *config);
void config_clear_deny(struct config *config);
void config_clear_metrics_allow(struct config *config);
void config_clear_interfaces(struct config *config);

/* The value of control.socket and control.observer-socket for no such socket. (A file of that name
 * is "./off".) */
#define CONFIG_CONTROL_OFF "off"
/* Whether control.socket is "off". */
bool config_control_is_off(const struct config *config);
/* Whether control.observer-socket is a path. */
bool config_has_observers(const struct config *config);

/* Whether metrics.listen is set. */
bool config_has_metrics(const struct config *config);

/* Space for the longest address with its zone, and for the longest path. */
enum { CONFIG_LISTEN_TEXT_BYTES = TRANSPORT_TEXT_BYTES + ADDR_ZONE_BYTES };

/* Writes the address as a file would contain it, "[fe80::1%eth0]:3000", "tcp:127.0.0.1:3000" or
 * "unix:/path", and returns text. */
const char *config_listen_text(const struct config_listen *listen,
                               char text[CONFIG_LISTEN_TEXT_BYTES]);

#endif
