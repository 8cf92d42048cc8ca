#include "server/admission/admission_updates.h"

#include "os/log/log.h"
#include "server/admission/cookie_rotation.h"
#include "server/admission/on_link_refresh.h"
#include "server/workers/worker_updates.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct admission_updates {
    struct admission_tables tables;
    struct cookie_rotation cookies;
    struct on_link_refresh on_link;

    bool running; /* the timers are open */
    struct mailbox *reply_mailbox;
    size_t worker_count;
    struct delivery {
        struct worker_call call;
        struct worker *worker;
        struct cookie_secrets secrets;
        struct access_list *on_link;
        struct admission_updates *admission;
        bool pending; /* posted, and not yet completed */
    } * deliveries;   /* by worker */
};

/* ---- delivery to the workers ---- */

static bool is_any_pending(const struct admission_updates *admission)
{
    for (size_t i = 0; i < admission->worker_count; i++)
        if (admission->deliveries[i].pending)
            return true;
    return false;
}

static void run_delivery(struct worker_call *call)
{
    const struct delivery *delivery = (struct delivery *)call;
    worker_set_secrets(call->worker, &delivery->secrets, delivery->on_link);
}

static void delivery_done(struct worker_call *call);

static void post(struct delivery *delivery)
{
    const struct admission_updates *admission = delivery->admission;
    if (delivery->pending)
        return;
    delivery->pending = true;
    delivery->secrets = admission->cookies.secrets;
    delivery->on_link = admission->on_link.current;
    delivery->call.run = run_delivery;
    delivery->call.done = delivery_done;
    worker_post(delivery->worker, &delivery->call, admission->reply_mailbox);
}

/* Whether something has changed since it was posted. */
static bool is_outdated(const struct delivery *delivery)
{
    const struct admission_updates *admission = delivery->admission;
    return delivery->secrets.current.from_ms != admission->cookies.secrets.current.from_ms ||
           delivery->on_link != admission->on_link.current;
}

static void delivery_done(struct worker_call *call)
{
    struct delivery *delivery = (struct delivery *)call;
    delivery->pending = false;
    if (delivery->admission->running && is_outdated(delivery))
        post(delivery);
}

static void deliver(struct admission_updates *admission)
{
    for (size_t i = 0; i < admission->worker_count; i++)
        post(&admission->deliveries[i]);
}

/* Called after a rotation of the secrets, and when a new list of on-link addresses is due. While a
 * delivery is pending, a worker may still use the previous list, which a refresh would free: then
 * the list is made again only a minute later. */
static void refresh_and_deliver(void *state)
{
    struct admission_updates *admission = state;
    if (!is_any_pending(admission))
        on_link_refresh_read(&admission->on_link);
    deliver(admission);
}

/* ---- from start to stop ---- */

int admission_updates_new(struct admission_updates **admission, uint32_t clients_max,
                          const struct offload *offload, struct handed_clients *handed)
{
    struct admission_updates *made = calloc(1, sizeof *made);
    if (made == NULL)
        return -ENOMEM;
    int error = admission_tables_init(&made->tables, clients_max, offload);
    if (error == 0)
        error = cookie_rotation_init(&made->cookies);
    if (error != 0) {
        free(made);
        return error;
    }
    if (handed != NULL)
        admission_tables_take_over(&made->tables, handed);
    if ((error = on_link_refresh_init(&made->on_link)) != 0)
        log_event(LOG_LEVEL_WARNING, "cannot tell the addresses of the local links from others",
                  "reason", strerror(-error), "advice",
                  "floods from these addresses may delay new clients; permit netlink, which is "
                  "tried again each minute",
                  NULL);
    *admission = made;
    return 0;
}

void admission_updates_free(struct admission_updates *admission)
{
    if (admission == NULL)
        return;
    admission_updates_stop(admission);
    admission_tables_free(&admission->tables);
    on_link_refresh_free(&admission->on_link);
    free(admission->deliveries);
    free(admission);
}

int admission_updates_rules(struct admission_updates *admission, const struct config *config,
                            struct admission_rules *rules)
{
    int error = admission_rules_make(rules, &admission->tables, config);
    rules->on_link = admission->on_link.current;
    return error;
}

struct cookie_secrets admission_updates_secrets(const struct admission_updates *admission)
{
    return admission->cookies.secrets;
}

void admission_updates_request_on_link(void *state)
{
    struct admission_updates *admission = state;
    on_link_refresh_request(&admission->on_link);
}

int admission_updates_start(struct admission_updates *admission, struct loop *loop,
                            struct worker *const *workers, size_t worker_count,
                            struct mailbox *reply_mailbox)
{
    admission->deliveries = calloc(worker_count, sizeof *admission->deliveries);
    if (admission->deliveries == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < worker_count; i++)
        admission->deliveries[i] = (struct delivery){.worker = workers[i], .admission = admission};
    admission->worker_count = worker_count;
    admission->reply_mailbox = reply_mailbox;
    int error = cookie_rotation_start(&admission->cookies, loop, refresh_and_deliver, admission);
    if (error != 0)
        return error;
    error = on_link_refresh_start(&admission->on_link, loop, reply_mailbox, refresh_and_deliver,
                                  admission);
    if (error != 0) {
        cookie_rotation_stop(&admission->cookies);
        return error;
    }
    admission->running = true;
    return 0;
}

void admission_updates_stop(struct admission_updates *admission)
{
    if (!admission->running)
        return;
    cookie_rotation_stop(&admission->cookies);
    on_link_refresh_stop(&admission->on_link);
    admission->running = false;
}

/* ---- an upgrade ---- */

void admission_updates_put_memory(const struct admission_updates *admission,
                                  struct handover_writer *writer)
{
    handed_memory_put(&admission->tables.prefixes_memory, prefix_counts_layout(), writer);
    handed_memory_put(&admission->tables.limiter_memory, rate_limiter_layout(), writer);
}

void admission_updates_hand_over(const struct admission_updates *admission,
                                 struct handover_writer *writer)
{
    cookie_rotation_hand_over(&admission->cookies, writer);
}

int admission_updates_take_over(struct admission_updates *admission, struct handover_reader *reader)
{
    int error = cookie_rotation_take_over(&admission->cookies, reader);
    for (size_t i = 0; error == 0 && i < admission->worker_count; i++)
        worker_set_secrets(admission->deliveries[i].worker, &admission->cookies.secrets,
                           admission->on_link.current);
    return error;
}

bool admission_updates_has_new_prefixes(const struct admission_updates *admission)
{
    return admission->tables.has_new_prefixes;
}
