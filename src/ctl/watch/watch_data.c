/* The figures that `watch` shows. */
#include "ctl/watch/watch_data.h"

bool watch_data_is_stale(const struct watch_data *view)
{
    return !view->there || view->stale_s > 0;
}

bool watch_data_has_rates(const struct watch_data *view)
{
    return !watch_data_is_stale(view) && view->rates.took_ns > 0;
}

double watch_data_rate(const struct watch_data *view, const char *name)
{
    const struct rate *rate = rates_find(&view->rates, name);
    return rate ? rate->per_s : 0;
}

double watch_data_loss_rate(const struct watch_data *view)
{
    double sum = 0;
    for (size_t i = 0; i < view->rates.count; i++)
        sum += rate_is_bad(&view->rates.list[i]) ? view->rates.list[i].per_s : 0;
    return sum;
}
