#ifndef SERVER_WORKERS_WORKER_UPDATES_H
#define SERVER_WORKERS_WORKER_UPDATES_H

#include "server/listen/socket_renewal.h"
#include "server/workers/worker_options.h"

/* Changes of a running worker: the settings of a reload, new cookie secrets and on-link addresses,
 * and the sockets that replace others after a change of the host's interfaces. Called in the
 * worker's thread, from the run of a call (server/workers/worker_messages). */
struct worker;

/* Replaces the cookie secrets, and the list of on-link addresses (admission_rules), which the
 * caller may free. */
void worker_set_secrets(struct worker *worker, const struct cookie_secrets *secrets,
                        struct access_list *on_link);

/* Takes the new sockets and broadcast addresses after a change of the host's interfaces, and closes
 * the sockets that it does not need. May also be called before the thread is started. */
void worker_renew(struct worker *worker, struct socket_renewal *renewal);

/* During an upgrade, while the thread does not run, with the number of a unicast listener: see
 * server/datagram/datagram_io. worker_take_sockets replaces the placeholders of a worker that the
 * process before did not have, as datagram_io_renew does. */
void worker_take_sockets(struct worker *worker, size_t listener, int *socket,
                         struct send_socket_set *senders);
void worker_answer_waiting(struct worker *worker, size_t listener, int socket);
void worker_answer_strays(struct worker *worker, size_t listener);

/* The settings that a reload may change. worker_apply copies them; afterwards the caller releases
 * the old reply and the lists of the old rules. */
struct worker_settings {
    struct reply *reply;
    struct admission_rules rules;
    uint32_t ttl_ms, sweep_ms, rate_pps;
    enum config_relay relay;
    uint32_t relay_rate_pps;
};
void worker_apply(struct worker *worker, const struct worker_settings *settings);

#endif
