#include "sim/world/swarm.h"

#include "sim/core/draw.h"
#include "sim/world/reductions.h"

struct swarm swarm;

enum {
    EACH_IN = 20,
    SELECTS_IN = 4,
    CONFIRMS_IN = 4,
    CHURNS_IN = 40,
    UPGRADES_IN = 4,
    PUBLISHES_IN = 3,
    OFFLOAD_IN = 4,
};

static bool rarely(void)
{
    return draw_below(DRAW_SWARM, EACH_IN) == 0;
}

static uint32_t rarely_some(uint64_t most)
{
    uint64_t some = draw_range(DRAW_SWARM, 1, most);
    return rarely() ? (uint32_t)some : 0;
}

void swarm_draw(void)
{
    swarm = (struct swarm){.stops_early = rarely()};
    swarm.kicks_streams = rarely();
    swarm.changes_fixed = rarely();
    swarm.stalls_operators = rarely();
    swarm.wrong_commands = rarely();
    swarm.wrong_files = rarely();
    swarm.cancels = rarely();
    swarm.long_ttl = rarely();
    swarm.more_blocks = rarely();
    swarm.mixed_bursts = rarely();
    swarm.silent_links = rarely();
    swarm.selects = draw_below(DRAW_SELECTION, SELECTS_IN) == 0;
    swarm.many_subscribers = draw_below(DRAW_SUBSCRIBERS, EACH_IN) == 0;
    swarm.confirms = draw_below(DRAW_CONFIRM, CONFIRMS_IN) == 0;
    swarm.missing_files = rarely_some(1200);
    swarm.spare_files = rarely_some(6);
    /* What happens to a session in the middle of an answer. */
    if (swarm.stops_early || swarm.spare_files > 0)
        swarm.stalls_operators |= draw_below(DRAW_SWARM, 2) == 0;
    swarm.floods = draw_chance(DRAW_FLOODS, 1000000 / EACH_IN);
    swarm.lacks_programs = draw_below(DRAW_SHARDS, EACH_IN) == 0;
    swarm.reloads_snapshots = draw_below(DRAW_STATE, EACH_IN) == 0;
    swarm.churns = draw_below(DRAW_CHURN, CHURNS_IN) == 0;
    swarm.upgrades = draw_below(DRAW_UPGRADES, UPGRADES_IN) == 0;
    swarm.publishes = draw_below(DRAW_PUBLISH, PUBLISHES_IN) == 0;
    swarm.offload = draw_below(DRAW_OFFLOAD, OFFLOAD_IN) == 0;
    swarm.fans_out = swarm.offload && draw_below(DRAW_OFFLOAD, 2) == 0;
    reductions_of_swarm(&swarm);
    swarm.offload |= swarm.fans_out;
    /* A successor would have all these values at once. */
    if (swarm.upgrades)
        swarm.changes_fixed = false;
}
