#include "sim/core/broken.h"

#include "sim/core/draw.h"

#include <stddef.h>
#include <string.h>

static const char *broken;

void broken_set(const char *name)
{
    broken = name;
}

bool broken_is(const char *name)
{
    return broken != NULL && strcmp(broken, name) == 0;
}

bool broken_now(const char *name, unsigned n)
{
    return broken_is(name) && draw_below(DRAW_KERNEL, n) == 0;
}
