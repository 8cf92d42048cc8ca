#ifndef SERVER_ADMISSION_ADMISSION_RULES_H
#define SERVER_ADMISSION_ADMISSION_RULES_H

#include "admission/access_list.h"
#include "admission/prefix_counts.h"
#include "admission/rate_limiter.h"
#include "base/siphash.h"
#include "config/config.h"
#include "net/offload/offload.h"
#include "os/process/memory.h"
#include "server/state/handed_clients.h"

#include <stdbool.h>
#include <stdint.h>

/* The rules by which datagrams are admitted, from the configuration's section [admission]. A plain
 * value: each worker has a copy, which a reload replaces. The tables that it points to are shared
 * by all workers. */
struct admission_rules {
    bool cookie;                  /* admission.policy = cookie: a source proves its address first */
    bool dry_run;                 /* limits count what they would drop, and drop nothing */
    struct access_list *acl;      /* admission.allow and deny; NULL: every source is allowed */
    struct rate_limiter *limiter; /* admission.rate; NULL: no limit */
    struct rate_limiter_limits limits;
    struct prefix_counts *prefixes; /* clients by prefix; NULL: not counted, and per_prefix is 0 */
    uint32_t per_prefix;            /* the maximum number of clients of one prefix; 0: no limit */
    struct access_list *on_link;    /* admits the on-link addresses (server/admission/
                                       on_link_addresses); NULL: there are none */
};

/* The tables of limits, made when a configuration first needs them and kept until the end: a limit
 * that is switched off and on again finds its counts as they were. */
struct admission_tables {
    uint32_t clients_max;
    struct siphash_key key;
    struct rate_limiter *limiter;   /* NULL until a configuration needs it */
    struct prefix_counts *prefixes; /* likewise */
    struct shared_memory limiter_memory, prefixes_memory;
    /* Of the offload, which the limiter uses if there is one; it is not freed here. All zero: there
     * is no offload. */
    struct shared_memory offload_memory;
    bool has_new_prefixes; /* since the clients of an upgrade were not counted in it */
};

/* Generates the key of the tables, which are made later, for at most clients_max clients. The
 * limiter is made in the memory of the offload, which outlives the tables' use; NULL: there is no
 * offload. Returns 0 or -errno (-EAGAIN: the kernel has no entropy yet). */
int admission_tables_init(struct admission_tables *tables, uint32_t clients_max,
                          const struct offload *offload);

/* In an upgrade, uses the tables of the former process; what does not fit is made anew. The limiter
 * of the former process is in the memory of the offload, if that was taken over; if it is not,
 * it is used where it is, and the program of an offload passes datagrams on while there is a rate.
 * Call it before the first rules are made. */
void admission_tables_take_over(struct admission_tables *tables, struct handed_clients *handed);

/* Frees the tables. Call it after all worker threads have ended. */
void admission_tables_free(struct admission_tables *tables);

/* Fills in *rules from a configuration; on_link becomes NULL. Returns 0 or -ENOMEM. The caller
 * frees rules->acl by access_list_free, once no worker uses it. */
int admission_rules_make(struct admission_rules *rules, struct admission_tables *tables,
                         const struct config *config);

/* Returns the tags of the buckets from which a datagram of a registered client takes tokens if it
 * is no frame (server/datagram/datagram_decision): under the cookie policy those of verified
 * sources, under any other policy those of unverified ones, since the rate is checked before the
 * source is looked up. Both are 0 if there is no limit. */
struct rate_limiter_hashes admission_rules_rate_hashes(const struct admission_rules *rules,
                                                       const struct addr *source);

#endif
