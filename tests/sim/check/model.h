#ifndef SIM_CHECK_MODEL_H
#define SIM_CHECK_MODEL_H

#include "address/addr.h"
#include "net/message/datagram_batch.h"
#include "sim/check/model_frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A model of the registry: for each listener and source, until when it must be registered and until
 * when it may be, by the datagrams that the server has received. It shares no code with the product
 * and knows nothing of shards, slots or wheels. */

enum {
    MODEL_ENTRIES_MAX = 1 << 15,
    MODEL_COOKIES = 4,
    MODEL_WORKERS_MAX = 16,
    MODEL_NAMES = 5,   /* lamp-0 to lamp-3, and all others together */
    MODEL_SLOP_MS = 3, /* between the reception of a datagram and its decision */
};

/* How certain something is. */
enum chance { NO, MAYBE, YES };

struct model_entry {
    struct addr source;
    int listener, worker;                  /* worker: of the last datagram; -1: none yet */
    uint32_t number;                       /* from 1, in the order of their first datagrams */
    uint64_t sure_since_ms, sure_until_ms; /* it must be registered in this time */
    uint64_t may_since_ms, may_until_ms;   /* it may be */
    uint64_t registered_ms;                /* by the last datagram that may have registered it */
    uint64_t renewed_ms;                   /* by the last one that certainly did, or renewed it */
    uint64_t kept_until_ms;                /* it may still occupy a place: may_until and a sweep */

    struct {
        uint8_t bytes[16];
        uint64_t first_ms, issued_ms; /* first and last */
    } cookies[MODEL_COOKIES];         /* that were sent to it */
    unsigned cookie_count;
    enum chance frames;               /* it has asked for messages as frames since it joined */
    uint64_t frames_since_ms;         /* when a hello has changed that */
    uint64_t claimed_ms[MODEL_NAMES]; /* when it last claimed that name, and may get it; 0: never */
    uint64_t former_until_ms; /* a keyed name may have moved away from its address; 0: none */
    uint64_t unanswered_ms[MODEL_NAMES]; /* its first claim that may still be answered; 0: none */
    uint64_t contested_until_ms; /* another client has claimed its name: it may be removed */
    bool proven;                 /* ever, or none was demanded */
    bool has_cookie;             /* it has sent a cookie that may be valid */
    uint64_t earlier_ms; /* a datagram of it was received that had waited for another worker */
    uint64_t bytes_in, bytes_out; /* until then, with headers */
    uint64_t copies;              /* a bit for each operator's broadcast of which it got a copy */
    bool is_listed;               /* by check/model_places */
    bool is_restored;             /* from the state file, in this start */
    uint32_t received_by; /* index of the interface by which the last datagram came that a socket
                             received and that has renewed it; 0: that is not certain */

    struct model_link {
        uint32_t birth; /* of the interface; 0: there is none */
        uint8_t ethernet[6];
        struct addr local; /* that it was sent to */
        uint64_t seen_ms;
    } link; /* by which the last datagram came that the offload has noted: check/frames */

    uint64_t received_least, received_most;  /* datagrams since it joined */
    int64_t joined_least_ms, joined_most_ms; /* below 0: before the run */
    struct {
        uint64_t until_least_ms, until_most_ms, last_least_ms, received_least, received_most;
        int64_t joined_least_ms;
        enum chance frames;
        struct addr local; /* that it sent to, by the registry at the begin */
        bool has_local;
    } saved; /* since the begin of a snapshot: check/saved_bounds */
};

/* The server has ended: its registry is empty at its next start. */
void model_reset(void);

/* Finds or makes the entry of a source; NULL from find: there is none. */
struct model_entry *model_find(int listener, const struct addr *source);
struct model_entry *model_get(int listener, const struct addr *source);
/* All entries, by number from 1 to the count. */
uint32_t model_count(void);
struct model_entry *model_entry(uint32_t number);

/* Whether it must or may be registered now. */
bool model_is_sure(const struct model_entry *entry);
bool model_is_possible(const struct model_entry *entry);
/* Whether it may occupy a place now: it may be registered, or be still to be swept. */
bool model_occupies(const struct model_entry *entry);

/* A datagram was received; is_earlier: maybe by a worker that does not have its client. */
struct model_entry *model_receive(int listener, int worker, const struct datagram *datagram,
                                  bool is_earlier);
/* The offload has answered one. */
struct model_entry *model_offloaded(int listener, int worker, const struct addr *source,
                                    size_t size);
/* Whether a cookie proves the source: for certain in its first minute. */
enum chance model_proves(const struct model_entry *entry, const uint8_t cookie[16]);
/* A challenge with that cookie was sent to it. */
void model_challenged(struct model_entry *entry, const uint8_t *cookie);
/* The operator removes a source: until model_kicked nothing is certain about it. Returns false if
 * too many commands are not answered. */
bool model_kick(const struct addr *source);
void model_kicked(const struct addr *source);

/* The operator removes all sources that match a selection: until model_kicked_some nothing is
 * certain about them. Returns a number, or 0 if too many commands are not answered. */
struct selection;
uint32_t model_kick_some(const struct selection *selection);
/* The command was carried out, or refused (done: false); or its session has ended, and it may still
 * be carried out. */
void model_kicked_some(uint32_t number, bool done);
void model_kick_lost(uint32_t number);

/* The host was suspended from that time until now: the sweep and the replacement of cookie secrets
 * are late. */
void model_clock_leapt(uint64_t before_ms);

/* Settings change or have changed: the times of all entries are adapted. */
void model_settings_change(void);

/* A successor serves, with other workers or another clients.max: each client is registered at the
 * worker that its source names, if there is a place for it. */
void model_taken_over(void);

/* Settings have changed at that time or later, and addresses are to be proven from now on: the
 * clients from before are not registered any more. */
void model_expire_unproven(uint64_t since_ms);

/* Whether a datagram is too long; whether its source is no address of one host; whether it may be,
 * or is, dropped as one of the server's own. */
bool model_is_oversize(const uint8_t *bytes, size_t size, bool truncated);
enum chance model_is_wrong_source(const struct addr *source);
bool model_may_be_own_source(const struct model_entry *entry);
bool model_is_own_source(const struct model_entry *entry);

/* Whether its datagrams are certainly admitted: those of a client that was restored may not be. */
bool model_is_admitted(const struct model_entry *entry);

/* Whether admission.per-prefix counts both sources together. */
bool model_same_prefix(const struct addr *a, const struct addr *b);

/* Whether the source may get an answer at all: it is not denied. */
bool model_is_denied(const struct addr *source);

#endif
