#include "server/workers/worker_updates.h"

#include "os/loop/timer.h"
#include "os/process/clock.h"
#include "server/workers/offload/worker_offload.h"
#include "server/workers/worker_events.h"
#include "server/workers/worker_state.h"

void worker_set_relay(struct worker *worker, enum config_relay mode, uint32_t rate_pps)
{
    relay_set(worker->relay, mode, rate_pps);
    worker_events_update_callback(worker);
}

void worker_set_secrets(struct worker *worker, const struct cookie_secrets *secrets,
                        struct access_list *on_link)
{
    worker->decider.secrets = *secrets;
    worker->decider.rules.on_link = on_link;
}

void worker_renew(struct worker *worker, struct socket_renewal *renewal)
{
    uint64_t renewed = 0;
    worker_offload_pause(worker);
    worker->decider.broadcast_addrs = renewal->broadcast_addrs;
    for (size_t i = 0; worker->io_by_listener != NULL && i < CONFIG_LISTEN_MAX; i++) {
        struct renewed_listener *listener = &renewal->listeners[i];
        if (worker->io_by_listener[i] == NULL || listener->socket < 0)
            continue;
        datagram_io_renew(worker->io_by_listener[i], &listener->socket, &listener->senders);
        renewed |= UINT64_C(1) << i;
    }
    if (worker->first_worker != NULL)
        first_worker_renew(worker->first_worker, renewal, renewed);
    socket_renewal_close(renewal);
    worker_offload_resume(worker);
}

void worker_apply(struct worker *worker, const struct worker_settings *settings)
{
    worker_offload_pause(worker);
    worker->decider.reply = settings->reply;
    datagram_decider_set_rules(&worker->decider, &settings->rules, clock_now_ms());
    if (first_worker_streams(worker->first_worker) != NULL)
        stream_clients_recheck_access(first_worker_streams(worker->first_worker));
    registry_set_ttl(worker->decider.registry, worker_registry_ttl(settings->ttl_ms));
    broadcast_set_rate(worker->broadcast, settings->rate_pps);
    worker_set_relay(worker, settings->relay, settings->relay_rate_pps);
    if (settings->sweep_ms != worker->options.sweep_ms) {
        worker->options.sweep_ms = settings->sweep_ms;
        loop_timer_change_period(&worker->sweep, settings->sweep_ms);
    }
    worker_offload_resume(worker);
}

void worker_take_sockets(struct worker *worker, size_t listener, int *socket,
                         struct send_socket_set *senders)
{
    datagram_io_renew(worker->io_by_listener[listener], socket, senders);
}

void worker_answer_waiting(struct worker *worker, size_t listener, int socket)
{
    datagram_io_answer_waiting(worker->io_by_listener[listener], socket);
}

void worker_answer_strays(struct worker *worker, size_t listener)
{
    datagram_io_answer_strays(worker->io_by_listener[listener]);
}
