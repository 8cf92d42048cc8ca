/* Counters, and how fast they move. */
#include "ctl/watch/counter_rates.h"

#include "text/printable.h"

#include <string.h>

void rates_begin(struct rates *rates, uint64_t now_ns)
{
    rates->took_ns = rates->count > 0 ? now_ns - rates->time_ns : 0;
    rates->time_ns = now_ns;
    for (size_t i = 0; i < rates->count; i++)
        rates->list[i].seen = false;
}

static struct rate *find(struct rates *rates, const char *shown)
{
    for (size_t i = 0; i < rates->count; i++)
        if (strcmp(rates->list[i].name, shown) == 0)
            return &rates->list[i];
    return NULL;
}

/* Looks are a second apart, or what is between them is not known. */
static void remember(struct rate *rate, uint64_t took_ns)
{
    static const uint64_t S_NS = 1000000000;
    static const double MOST_PER_S = 1e15; /* far below the sparkline's, in hundredths */
    uint64_t passed_s = (took_ns + S_NS / 2) / S_NS;
    for (uint64_t i = 1; i < passed_s && i < SPARKLINE_STEPS; i++)
        sparkline_add_gap(&rate->history);
    if (rate->known)
        sparkline_add(&rate->history,
                      (uint64_t)((rate->per_s < MOST_PER_S ? rate->per_s : MOST_PER_S) * 100));
    else
        sparkline_add_gap(&rate->history);
}

void rates_value(struct rates *rates, const char *name, uint64_t value)
{
    char shown[RATES_NAME_BYTES];
    printable_ascii(shown, sizeof shown, name, strlen(name));
    struct rate *rate = find(rates, shown);
    if (!rate && rates->count == RATES_MAX)
        return;
    if (!rate) {
        rate = &rates->list[rates->count++];
        *rate = (struct rate){.value = value, .seen = true};
        memcpy(rate->name, shown, sizeof shown);
        return;
    }
    rate->known = rates->took_ns > 0 && value >= rate->value;
    rate->per_s = rate->known ? (double)(value - rate->value) * 1e9 / (double)rates->took_ns : 0;
    rate->value = value;
    rate->seen = true;
    remember(rate, rates->took_ns);
}

void rates_end(struct rates *rates)
{
    size_t kept = 0;
    for (size_t i = 0; i < rates->count; i++)
        if (rates->list[i].seen)
            rates->list[kept++] = rates->list[i];
    rates->count = kept;
}

void rates_forget(struct rates *rates)
{
    rates->count = 0;
    rates->took_ns = 0;
}

const struct rate *rates_find(const struct rates *rates, const char *name)
{
    for (size_t i = 0; i < rates->count; i++)
        if (strcmp(rates->list[i].name, name) == 0)
            return &rates->list[i];
    return NULL;
}

static bool ends_in(const char *name, const char *end)
{
    size_t size = strlen(name), length = strlen(end);
    return size >= length && strcmp(name + size - length, end) == 0;
}

bool rate_is_bad(const struct rate *rate)
{
    static const char *const ends[] = {"_drops",   "_dropped", "_failed",
                                       "_limited", "_refused", "_slow"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_in(rate->name, ends[i]))
            return true;
    return strncmp(rate->name, "drop_", 5) == 0 || strncmp(rate->name, "refused_", 8) == 0;
}
