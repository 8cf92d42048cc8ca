/* Counters, and how fast they move. */
#include "ctl/rates.h"

#include "core/text.h"

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

void rates_value(struct rates *rates, const char *name, uint64_t value)
{
    char shown[RATES_NAME_BYTES];
    text_escape(shown, sizeof shown, name, strlen(name));
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
