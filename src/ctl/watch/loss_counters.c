#include "ctl/watch/loss_counters.h"

#include <stddef.h>
#include <string.h>

static bool ends_in(const char *name, const char *end)
{
    size_t size = strlen(name), length = strlen(end);
    return size >= length && strcmp(name + size - length, end) == 0;
}

bool loss_counters_include(const char *name)
{
    static const char *const ends[] = {"_drops",   "_dropped", "_failed", "_limited",
                                       "_refused", "_slow",    "_lost"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ends_in(name, ends[i]))
            return true;
    return strncmp(name, "drop_", 5) == 0 || strncmp(name, "refused_", 8) == 0;
}
