#include "sim/check/limits.h"

#include "sim/core/event_queue.h"
#include "sim/core/hash.h"
#include "sim/core/trace.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <string.h>

enum { TABLE = 4096 };

static struct {
    struct addr addr; /* family ADDR_NONE: free */
    uint64_t first_ms, answers;
} table[TABLE];

/* The address that a limit is for: IPv6 hosts have a /64. */
static struct addr limited_address(const struct addr *source)
{
    struct addr addr = {.family = source->family};
    memcpy(addr.ip, source->ip, source->family == ADDR_IPV4 ? 4 : 8);
    return addr;
}

static size_t place_of(const struct addr *addr)
{
    size_t at = hash_add_addr(0, addr) % TABLE;
    while (table[at].addr.family != ADDR_NONE && !addr_equal(&table[at].addr, addr))
        at = (at + 1) % TABLE;
    return at;
}

void limits_reset(void)
{
    memset(table, 0, sizeof table);
}

void limits_answer(const struct addr *source)
{
    if (settings.rate_pps == 0 || settings.dry_run || settings_change || settings_applied() > 0)
        return;
    struct addr addr = limited_address(source);
    size_t at = place_of(&addr);
    uint64_t now_ms = event_queue_now_ms(), burst = settings.burst;
    if (table[at].answers == 0)
        table[at].first_ms = now_ms;
    table[at].addr = addr;
    table[at].answers++;
    if (burst == 0)
        burst = settings.rate_pps;
    uint64_t passed_ms = now_ms - table[at].first_ms + 2; /* the clock counts milliseconds */
    uint64_t most = burst + settings.rate_pps * passed_ms / 1000 + 1;
    /* Verified and unverified datagrams of an address have separate limits. */
    if (settings.cookie)
        most *= 2;
    if (table[at].answers > most)
        broken_promise("an address gets no more answers than its rate allows",
                       "%" PRIu64 " answers in %" PRIu64 " ms, and %" PRIu64 " are allowed",
                       table[at].answers, passed_ms, most);
}
