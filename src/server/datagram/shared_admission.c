/* The tables behind the rules, made when they are first wanted, and the minute's secrets on their
 * way to the workers. */
#include "server/datagram/shared_admission.h"

#include "admission/prefix_counts.h"
#include "os/log/log.h"
#include "os/process/clock.h"
#include "os/process/memory.h"
#include "os/process/random.h"
#include "server/datagram/on_link_addresses.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* How long after a neighbour could not be challenged the kernel's tables are read: ten times a
     * second at most, for some 1,000 neighbours at 1 us each; */
    RENEWAL_NS = 100000000,
    /* and where that takes long, so many times as long: a twentieth of a processor. */
    RENEWAL_SHARE = 20,
};

struct shared_admission {
    uint32_t clients_max;
    struct siphash_key table_key;
    struct rate_limiter *limiter;   /* NULL until rules want it */
    struct prefix_counts *prefixes; /* likewise */
    struct cookie_secrets secrets;
    struct access_list *on_link; /* admits the addresses of our links; NULL: there are none */
    struct access_list *replaced_on_link; /* until all workers have the one above */
    uint64_t renewal_took_ns;

    struct mailbox *reply_mailbox;
    struct loop_timer rotation; /* of the secrets */
    struct loop_timer renewal;  /* of the list of our links' addresses, some time after a wish */
    struct wish {
        struct mailbox_message mailbox_message;
        struct shared_admission *admission;
        _Atomic bool posted;
    } wish;       /* of any worker */
    bool running; /* the timers are open */
    size_t worker_count;
    struct delivery {
        struct worker_call call;
        struct worker *to;
        struct cookie_secrets secrets;
        struct access_list *on_link;
        bool away;
    } * deliveries;
};

/* ---- the addresses of our links ---- */

static bool any_away(const struct shared_admission *admission)
{
    for (size_t i = 0; i < admission->worker_count; i++)
        if (admission->deliveries[i].away)
            return true;
    return false;
}

/* While a delivery is away, a worker may still use the list before the last one; and a list that
 * can't be made now is made a minute later. */
static void renew_on_link(struct shared_admission *admission)
{
    struct access_list *made;
    if (any_away(admission))
        return;
    uint64_t start_ns = clock_now_ns();
    int error = on_link_addresses_list(&made);
    admission->renewal_took_ns = clock_now_ns() - start_ns;
    if (error != 0)
        return;
    access_list_free(admission->replaced_on_link);
    admission->replaced_on_link = admission->on_link;
    admission->on_link = made;
}

/* ---- from start to stop ---- */

int shared_admission_new(struct shared_admission **admission, uint32_t clients_max)
{
    struct siphash_key key;
    struct shared_admission *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    made->clients_max = clients_max;
    int error = random_fill(&made->table_key, sizeof made->table_key);
    if (error == 0)
        error = random_fill(&key, sizeof key);
    if (error != 0) {
        free(made);
        return error;
    }
    if ((error = on_link_addresses_list(&made->on_link)) != 0)
        log_event(LOG_LEVEL_WARNING, "challenges to neighbours have no budget of their own",
                  "reason", strerror(-error), "advice",
                  "let udpsrv list the host's addresses (netlink); it is tried again each minute",
                  NULL);
    made->secrets = cookie_secrets_new(&key, clock_now_ms());
    *admission = made;
    return 0;
}

void shared_admission_free(struct shared_admission *admission)
{
    if (admission == NULL)
        return;
    shared_admission_stop(admission);
    if (admission->limiter != NULL)
        memory_release(admission->limiter, rate_limiter_bytes());
    if (admission->prefixes != NULL)
        memory_release(admission->prefixes, prefix_counts_bytes(admission->clients_max));
    access_list_free(admission->replaced_on_link);
    access_list_free(admission->on_link);
    free(admission->deliveries);
    free(admission);
}

/* ---- the rules ---- */

_Static_assert((int)CONFIG_BLOCKS_MAX <= (int)ACCESS_LIST_BLOCKS_MAX &&
                   (int)CONFIG_RATE_MAX <= (int)RATE_LIMITER_RATE_MAX &&
                   (int)CONFIG_RATE_MAX <= (int)RATE_LIMITER_BURST_MAX &&
                   (int)CONFIG_CLIENTS_MAX <= (int)PREFIX_COUNTS_CAP_MAX,
               "the configuration allows no more than the tables take");

static bool want_limiter(struct shared_admission *admission)
{
    void *memory = admission->limiter;
    if (memory == NULL && (memory = memory_reserve(rate_limiter_bytes(), 0)) != NULL)
        admission->limiter = rate_limiter_init(memory, &admission->table_key);
    return memory != NULL;
}

static bool want_prefixes(struct shared_admission *admission)
{
    void *memory = admission->prefixes;
    if (memory == NULL &&
        (memory = memory_reserve(prefix_counts_bytes(admission->clients_max), 0)) != NULL)
        admission->prefixes =
            prefix_counts_init(memory, admission->clients_max, &admission->table_key);
    return memory != NULL;
}

int shared_admission_rules(struct shared_admission *admission, const struct config *config,
                           struct admission_rules *rules)
{
    const struct config_blocks *allow = &config->admission.allow, *deny = &config->admission.deny;
    uint32_t rate_pps = config->admission.rate_pps, burst = config->admission.burst;
    *rules = (struct admission_rules){
        .cookie = config->admission.policy == POLICY_COOKIE,
        .dry_run = config->admission.dry_run != 0,
        .limits = rate_limiter_limits(rate_pps, burst != 0 ? burst : rate_pps),
        .per_prefix = config->admission.per_prefix,
        .on_link = admission->on_link,
    };
    if ((rate_pps != 0 && !want_limiter(admission)) ||
        (rules->per_prefix != 0 && !want_prefixes(admission)))
        return -ENOMEM;
    rules->limiter = rate_pps != 0 ? admission->limiter : NULL;
    rules->prefixes = admission->prefixes;
    if (allow->count + deny->count == 0)
        return 0;
    rules->acl = access_list_new(allow->list, allow->count, deny->list, deny->count);
    return rules->acl == NULL ? -ENOMEM : 0;
}

/* ---- the secrets, and the list on its way ---- */

struct cookie_secrets shared_admission_secrets(const struct shared_admission *admission)
{
    return admission->secrets;
}

static void run_delivery(struct worker_call *call)
{
    const struct delivery *delivery = (struct delivery *)call;
    worker_set_secrets(call->worker, &delivery->secrets, delivery->on_link);
}

static void delivery_is_home(struct worker_call *call)
{
    ((struct delivery *)call)->away = false;
}

static void deliver(struct shared_admission *admission)
{
    for (size_t i = 0; i < admission->worker_count; i++) {
        struct delivery *delivery = &admission->deliveries[i];
        /* A worker that hasn't read the last one within a minute gets both with the next. */
        if (delivery->away)
            continue;
        delivery->away = true;
        delivery->secrets = admission->secrets;
        delivery->on_link = admission->on_link;
        delivery->call.run = run_delivery;
        delivery->call.done = delivery_is_home;
        worker_post(delivery->to, &delivery->call, admission->reply_mailbox);
    }
}

static void rotate(void *state)
{
    struct shared_admission *admission = state;
    struct siphash_key key;
    int error = random_fill(&key, sizeof key);
    if (error == 0)
        cookie_secrets_rotate(&admission->secrets, &key, clock_now_ms());
    else
        log_event(LOG_LEVEL_ERROR, "cannot replace the secret of cookies", "reason",
                  strerror(-error), "advice", "new clients can't join until this passes", NULL);
    renew_on_link(admission);
    deliver(admission);
}

static void renew(void *state)
{
    struct shared_admission *admission = state;
    atomic_store(&admission->wish.posted, false);
    renew_on_link(admission);
    deliver(admission);
}

static void read_wish(struct mailbox_message *mailbox_message)
{
    struct shared_admission *admission = ((struct wish *)mailbox_message)->admission;
    uint64_t pause_ns = RENEWAL_SHARE * admission->renewal_took_ns;
    if (admission->running)
        loop_timer_once(&admission->renewal, pause_ns > RENEWAL_NS ? pause_ns : RENEWAL_NS);
}

void shared_admission_request_on_link(void *state)
{
    struct shared_admission *admission = state;
    if (!atomic_exchange(&admission->wish.posted, true))
        mailbox_post(admission->reply_mailbox, &admission->wish.mailbox_message);
}

int shared_admission_start(struct shared_admission *admission, struct loop *loop,
                           struct worker *const *workers, size_t worker_count,
                           struct mailbox *reply_mailbox)
{
    admission->deliveries = calloc(worker_count, sizeof *admission->deliveries);
    if (admission->deliveries == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < worker_count; i++)
        admission->deliveries[i].to = workers[i];
    admission->worker_count = worker_count;
    admission->reply_mailbox = reply_mailbox;
    admission->wish.mailbox_message.open = read_wish;
    admission->wish.admission = admission;
    int error = loop_timer_open(loop, &admission->rotation, rotate, admission);
    if (error != 0)
        return error;
    error = loop_timer_open(loop, &admission->renewal, renew, admission);
    if (error != 0) {
        loop_timer_close(&admission->rotation);
        return error;
    }
    admission->running = true;
    loop_timer_every(&admission->rotation, COOKIE_MINUTE_MS);
    return 0;
}

void shared_admission_stop(struct shared_admission *admission)
{
    if (!admission->running)
        return;
    loop_timer_close(&admission->rotation);
    loop_timer_close(&admission->renewal);
    admission->running = false;
}
