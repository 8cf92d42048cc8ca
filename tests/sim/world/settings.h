#ifndef SIM_WORLD_SETTINGS_H
#define SIM_WORLD_SETTINGS_H

#include "address/addr.h"
#include "sim/core/device_mac.h"
#include "sim/net/host.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The drawn configuration, as the simulator understands it, and its text. */

enum { LISTENERS_DRAWN_MAX = 8, BLOCKS_DRAWN_MAX = 20, GENERATIONS_MAX = 256 };

enum listen_kind { LISTEN_UDP, LISTEN_GROUP, LISTEN_TCP, LISTEN_UNIX };

struct drawn_listener {
    enum listen_kind kind;
    struct addr addr;
    const char *text;         /* as in the file */
    enum host_interface zone; /* that it names; HOST_LO: none */
    const char *path;         /* of a Unix socket */
    int number;               /* in the server: the unicast ones come first */
};

/* A group by name or number; without a text none is configured. */
struct drawn_group {
    const char *text;
    gid_t gid;
};

/* The section [offload]. */
struct drawn_offload {
    unsigned mode; /* enum config_offload */
    const char *interfaces[3];
    size_t count;
    uint32_t max; /* 0: auto */
};

/* What needs a restart. */
struct setup {
    struct drawn_listener listeners[LISTENERS_DRAWN_MAX];
    size_t listener_count;
    uint32_t workers, max_datagram, receive_buffer, send_buffer;
    uint32_t stream_max, stream_buffer, stream_idle_ms;
    bool has_chunks; /* of streams, which otherwise have lines */
    uint32_t clients_max;
    bool waits_for_addresses, has_user, has_multicast, control_off, default_control, includes;
    bool has_observers;  /* a socket of their own */
    uint32_t names_max;  /* clients may name themselves; 0: names = off */
    bool has_keys;       /* and have to prove their names, with the key of the file */
    uint32_t hello_each; /* of so many requests one is followed by a hello; if they have names */
    uint8_t names_key[DEVICE_KEY_FILE_BYTES];
    uint32_t control_mode, observer_mode, multicast_ttl;
    struct drawn_group control_group, observer_group;
    bool has_state; /* state.file */
    struct drawn_offload offload;
    struct drawn_listener metrics; /* metrics.listen; without a text none is configured */
    struct addr multicast;
    enum host_interface multicast_zone; /* HOST_LO: by the routes */
};

struct block {
    struct addr addr;
    unsigned bits;
    bool allow;
};

enum drawn_mode { MODE_ROTATE, MODE_ECHO, MODE_NONE };
enum drawn_relay { DRAWN_RELAY_OFF, DRAWN_RELAY_OTHERS, DRAWN_RELAY_ALL };

/* What a reload applies. */
struct settings {
    enum drawn_mode mode;
    unsigned generation; /* of mode and messages: changes if one of them does */
    unsigned message_count;
    uint32_t ttl_ms, sweep_ms;
    uint32_t copies_pps, queue;
    enum drawn_relay relay;
    uint32_t relay_pps;
    bool cookie;
    struct block blocks[BLOCKS_DRAWN_MAX];
    size_t block_count;
    uint32_t per_prefix, rate_pps, burst;
    bool dry_run;
    uint32_t snapshot_ms, state_age_ms;         /* state.interval and state.max-age */
    unsigned metrics_allow;                     /* a bit for each block of world/metrics_settings */
    unsigned log_level, log_format, log_target; /* enum config_log_level, ... */
};
/* The values of these in the file. */
extern const char *const settings_log_levels[], *const settings_log_formats[],
                                                    *const settings_log_targets[];

/* Roughly how many clients a run has. */
enum client_count { CLIENTS_TENS, CLIENTS_HUNDRED, CLIENTS_HUNDREDS, CLIENTS_THOUSANDS };
extern enum client_count settings_clients;

extern struct setup setup;

/* The settings in effect. During a reload either of the two may be, in each worker. */
extern struct settings settings, next_settings;
extern bool settings_change;        /* a reload is in progress */
extern bool settings_may_relay;     /* messages may have been relayed at any time */
extern uint32_t settings_queue_max; /* the greatest broadcast.queue of this start */

/* Draws how many clients there are, for all starts of a run. */
void settings_draw_clients(void);

/* Draws both: for the first start, and for a later one with another configuration. */
void settings_draw(void);
/* Changes some of both for a later start: a listener less, another policy, names or clients.max. */
void settings_vary(void);
/* Draws the settings of a reload. */
void settings_draw_next(void);
/* The reload has ended. */
void settings_end_change(bool applied);
/* The server has ended. */
void settings_reset(void);
/* How often settings were applied in this start. */
unsigned settings_applied(void);
/* When they were the last time; 0: never. */
uint64_t settings_applied_ms(void);

#define SETTINGS_PATH       "/etc/udpsrv.conf"
#define SETTINGS_STATE_PATH "/var/lib/udpsrv/state"

/* Writes the file of the next settings, with an error in it if broken. */
void settings_write(const struct settings *written, bool broken);

/* What the file says since then: what a process that starts now reads. */
struct settings_file {
    struct setup setup;
    struct settings settings;
    bool is_broken;
};
extern struct settings_file settings_file;

/* Whether a reload has read other values of keys that need a restart than those of the process. */
bool settings_wait_for_restart(void);
/* A successor serves that has read the file when it was this. */
void settings_taken_over(const struct settings_file *read);

/* The paths of the control socket and of the observers' socket. */
const char *settings_control_path(void);
const char *settings_observer_path(void);

/* How many address blocks the file of these settings has: with more_blocks also many of addresses
 * that no client has, so that an answer to `config` takes several slices. */
size_t settings_block_count(const struct settings *written);

/* Whether these settings deny a source, by the longest block. */
bool settings_deny(const struct settings *rules, const struct addr *source);

#endif
