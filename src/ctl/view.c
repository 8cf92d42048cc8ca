/* The figures that `watch` shows. */
#include "ctl/view.h"

bool view_is_stale(const struct view *view)
{
    return !view->there || view->stale_s > 0;
}

bool view_has_rates(const struct view *view)
{
    return !view_is_stale(view) && view->rates.took_ns > 0;
}

double view_rate(const struct view *view, const char *name)
{
    const struct rate *rate = rates_find(&view->rates, name);
    return rate ? rate->per_s : 0;
}

double view_loss_rate(const struct view *view)
{
    double sum = 0;
    for (size_t i = 0; i < view->rates.count; i++)
        sum += rate_is_bad(&view->rates.list[i]) ? view->rates.list[i].per_s : 0;
    return sum;
}
