#include "ctl/watch/server_snapshot.h"
#include "ctl/watch/loss_counters.h"

bool server_snapshot_is_stale(const struct server_snapshot *snapshot)
{
    return !snapshot->is_up || snapshot->stale_s > 0;
}

bool server_snapshot_has_rates(const struct server_snapshot *snapshot)
{
    return !server_snapshot_is_stale(snapshot) && snapshot->rates.interval_ns > 0;
}

double server_snapshot_rate(const struct server_snapshot *snapshot, const char *name)
{
    const struct counter_rate *rate = counter_rates_find(&snapshot->rates, name);
    return rate ? rate->per_s : 0;
}

double server_snapshot_loss_rate(const struct server_snapshot *snapshot)
{
    double sum = 0;
    for (size_t i = 0; i < snapshot->rates.count; i++)
        sum +=
            loss_counters_include(snapshot->rates.list[i].name) ? snapshot->rates.list[i].per_s : 0;
    return sum;
}

static bool is_counted(const struct server_snapshot *snapshot, const char *name)
{
    const struct counter_rate *rate = counter_rates_find(&snapshot->rates, name);
    return rate && rate->value > 0;
}

bool server_snapshot_had_subscribers(const struct server_snapshot *snapshot)
{
    return is_counted(snapshot, "listen_messages") || is_counted(snapshot, "listen_events");
}
