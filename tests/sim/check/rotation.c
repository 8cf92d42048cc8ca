#include "sim/check/rotation.h"

#include "sim/check/payload.h"
#include "sim/core/trace.h"
#include "sim/world/settings.h"

#include <string.h>

static unsigned next[GENERATIONS_MAX];

void rotation_reset(void)
{
    memset(next, 0, sizeof next);
}

bool rotation_reply(const void *bytes, size_t size)
{
    unsigned generation, index;
    if (!payload_read_reply(bytes, size, &generation, &index))
        return false;
    const struct settings *used = settings.generation == generation ? &settings : &next_settings;
    if (generation >= GENERATIONS_MAX || used->generation != generation)
        broken_promise("replies are those of the configuration in effect", "generation %u",
                       generation);
    if (index != next[generation])
        broken_promise("each message is used once in its turn, by all workers together",
                       "message %u of generation %u, and it was the turn of %u", index, generation,
                       next[generation]);
    next[generation] = (index + 1) % used->message_count;
    return true;
}
