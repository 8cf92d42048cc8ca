#include "sim/world/state_settings.h"

#include "sim/core/draw.h"
#include "sim/world/reductions.h"
#include "sim/world/swarm.h"

#include <inttypes.h>
#include <string.h>

/* Half of the runs have a state file, in most of their starts. */
void state_settings_draw(void)
{
    static enum chance_of_state { UNKNOWN, NONE, SOME } of_run;
    if (of_run == UNKNOWN)
        of_run = draw_below(DRAW_STATE, 2) == 0 ? SOME : NONE;
    setup.has_state =
        of_run == SOME && draw_below(DRAW_STATE, 10) != 0 && !reductions_leave_out(WITHOUT_STATE);
    if (setup.has_state && draw_below(DRAW_STATE, 2) == 0)
        setup.workers = 1;
    if (setup.has_state && setup.names_max == 0 && draw_below(DRAW_STATE, 3) == 0) {
        setup.names_max = 100000;
        setup.has_keys = draw_below(DRAW_STATE, 2) == 0;
    }
}

void state_settings_admit_churn(void)
{
    if (!swarm.churns || reductions_leave_out(WITHOUT_STATE))
        return;
    setup.has_state = true;
    setup.workers = 1 + (uint32_t)draw_below(DRAW_CHURN, 2);
    setup.clients_max = setup.names_max = 10000;
    setup.receive_buffer = 4 << 20;
    setup.has_keys = false;
    settings.cookie = false;
    settings.block_count = 0;
    settings.per_prefix = settings.rate_pps = 0;
    settings.ttl_ms = 60000;
    settings.relay = DRAWN_RELAY_OFF;
}

void state_settings_draw_snapshots(struct settings *drawn)
{
    static const uint32_t intervals_ms[] = {1000, 1000, 2000, 5000, 20000, 60000};
    static const uint32_t ages_ms[] = {1000, 60000, 3600000, 3600000, 3600000, 3600000};
    drawn->snapshot_ms = intervals_ms[draw_below(DRAW_STATE, 6)];
    drawn->state_age_ms = ages_ms[draw_below(DRAW_STATE, 6)];
}

/* Leaves out one of the listeners, but not the first one. */
static void leave_out_listener(void)
{
    size_t left =
        setup.listener_count > 1 ? draw_range(DRAW_STATE, 1, setup.listener_count - 1) : 0;
    if (left == 0)
        return;
    int number = setup.listeners[left].number;
    setup.listener_count--;
    memmove(&setup.listeners[left], &setup.listeners[left + 1],
            (setup.listener_count - left) * sizeof setup.listeners[0]);
    for (size_t i = 0; i < setup.listener_count; i++)
        setup.listeners[i].number -= setup.listeners[i].number > number;
}

void settings_vary(void)
{
    static const uint32_t most[] = {1, 4, 20, 100};
    uint64_t changes = draw(DRAW_STATE) & draw(DRAW_STATE);
    if (changes & 1)
        leave_out_listener();
    if (changes & 2)
        setup.clients_max = most[draw_below(DRAW_STATE, 4)];
    if (changes & 4 && setup.names_max == 0)
        settings.cookie = !settings.cookie;
    if (changes & 8)
        setup.names_max = changes & 16 ? 0 : 1;
    setup.has_keys &= setup.names_max > 0;
    if (changes & (32 | 512 | 1024) && settings.cookie)
        setup.has_keys = setup.names_max > 0;
    if (changes & (2048 | 4096))
        setup.names_key[0] ^= 1;
    if (changes & 64)
        setup.workers = 1 + (uint32_t)draw_below(DRAW_STATE, 3);
    if (changes & 128)
        setup.has_state = false;
    if (changes & 256)
        state_settings_draw_snapshots(&settings);
    reductions_of_settings(&setup, &settings);
}

void state_settings_write(FILE *out, const struct settings *written)
{
    fprintf(out, "[state]\ninterval = %" PRIu32 "ms\nmax-age = %" PRIu32 "ms\n",
            written->snapshot_ms, written->state_age_ms);
    if (setup.has_state)
        fprintf(out, "file = " SETTINGS_STATE_PATH "\n");
}
