#include "ctl/watch/counter_rates.h"

#include "text/printable.h"

#include <string.h>

void counter_rates_begin(struct counter_rates *rates, uint64_t now_ns)
{
    rates->interval_ns = rates->count > 0 ? now_ns - rates->time_ns : 0;
    rates->time_ns = now_ns;
    for (size_t i = 0; i < rates->count; i++)
        rates->list[i].is_named = false;
}

static struct counter_rate *find(struct counter_rates *rates, const char *shown)
{
    for (size_t i = 0; i < rates->count; i++)
        if (strcmp(rates->list[i].name, shown) == 0)
            return &rates->list[i];
    return NULL;
}

/* The history has a step for each second; seconds between two polls are gaps. */
static void add_to_history(struct counter_rate *rate, uint64_t interval_ns)
{
    static const uint64_t S_NS = 1000000000;
    static const double RATE_MAX = 1e15; /* in hundredths far below the sparkline's maximum, 2^63 */
    uint64_t interval_s = (interval_ns + S_NS / 2) / S_NS;
    for (uint64_t i = 1; i < interval_s && i < SPARKLINE_STEPS; i++)
        sparkline_add_gap(&rate->history);
    if (rate->known)
        sparkline_add(&rate->history,
                      (uint64_t)((rate->per_s < RATE_MAX ? rate->per_s : RATE_MAX) * 100));
    else
        sparkline_add_gap(&rate->history);
}

void counter_rates_add(struct counter_rates *rates, const char *name, uint64_t value)
{
    char shown[COUNTER_RATES_NAME_BYTES];
    printable_ascii(shown, sizeof shown, name, strlen(name));
    struct counter_rate *rate = find(rates, shown);
    if (!rate && rates->count == COUNTER_RATES_MAX)
        return;
    if (!rate) {
        rate = &rates->list[rates->count++];
        *rate = (struct counter_rate){.value = value, .is_named = true};
        memcpy(rate->name, shown, sizeof shown);
        return;
    }
    rate->known = rates->interval_ns > 0 && value >= rate->value;
    rate->per_s =
        rate->known ? (double)(value - rate->value) * 1e9 / (double)rates->interval_ns : 0;
    rate->value = value;
    rate->is_named = true;
    add_to_history(rate, rates->interval_ns);
}

void counter_rates_end(struct counter_rates *rates)
{
    size_t kept = 0;
    for (size_t i = 0; i < rates->count; i++)
        if (rates->list[i].is_named)
            rates->list[kept++] = rates->list[i];
    rates->count = kept;
}

void counter_rates_reset(struct counter_rates *rates)
{
    rates->count = 0;
    rates->interval_ns = 0;
}

const struct counter_rate *counter_rates_find(const struct counter_rates *rates, const char *name)
{
    for (size_t i = 0; i < rates->count; i++)
        if (strcmp(rates->list[i].name, name) == 0)
            return &rates->list[i];
    return NULL;
}
