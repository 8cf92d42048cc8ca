#include "sim/core/broken.h"

#include "sim/core/draw.h"

#include <string.h>

const char *broken_name;

void broken_set(const char *name)
{
    broken_name = name;
}

bool broken_has_name(const char *name)
{
    return strcmp(broken_name, name) == 0;
}

bool broken_draws(const char *name, unsigned n)
{
    return broken_has_name(name) && draw_below(DRAW_KERNEL, n) == 0;
}
