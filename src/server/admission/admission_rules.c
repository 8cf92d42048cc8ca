#include "server/admission/admission_rules.h"

#include "config/config_defaults.h"
#include "os/process/memory.h"
#include "os/process/random.h"

#include <errno.h>
#include <stddef.h>

_Static_assert((int)CONFIG_BLOCKS_MAX <= (int)ACCESS_LIST_BLOCKS_MAX &&
                   (int)CONFIG_RATE_MAX <= (int)RATE_LIMITER_RATE_MAX &&
                   (int)CONFIG_RATE_MAX <= (int)RATE_LIMITER_BURST_MAX &&
                   (int)CONFIG_CLIENTS_MAX <= (int)PREFIX_COUNTS_CAP_MAX,
               "the configuration allows no more than the tables take");

int admission_tables_init(struct admission_tables *tables, uint32_t clients_max,
                          const struct offload *offload)
{
    *tables = (struct admission_tables){.clients_max = clients_max};
    if (offload != NULL)
        tables->offload_memory = offload_rate_limiter(offload);
    return random_fill(&tables->key, sizeof tables->key);
}

void admission_tables_free(struct admission_tables *tables)
{
    if (tables->limiter_memory.memory != tables->offload_memory.memory)
        memory_release_shared(&tables->limiter_memory);
    memory_release_shared(&tables->prefixes_memory);
}

/* Whether the offload was taken over with a limiter. */
static bool has_offload_limiter(const struct admission_tables *tables)
{
    return tables->offload_memory.memory != NULL &&
           rate_limiter_is_initialised(tables->offload_memory.memory);
}

void admission_tables_take_over(struct admission_tables *tables, struct handed_clients *handed)
{
    if (has_offload_limiter(tables))
        tables->limiter_memory = tables->offload_memory;
    if (tables->limiter_memory.memory != NULL ||
        handed_memory_map(&handed->limiter, rate_limiter_layout(), rate_limiter_bytes(), 0,
                          &tables->limiter_memory) == 0)
        tables->limiter = rate_limiter_map(tables->limiter_memory.memory);
    if (handed->keeps_memory && handed_memory_map(&handed->prefixes, prefix_counts_layout(),
                                                  prefix_counts_bytes(tables->clients_max), 0,
                                                  &tables->prefixes_memory) == 0)
        tables->prefixes = prefix_counts_map(tables->prefixes_memory.memory);
}

/* Makes the table at the first call. Returns false if there is no memory for it. */
static bool make_limiter(struct admission_tables *tables)
{
    struct shared_memory *memory = &tables->limiter_memory;
    if (tables->limiter != NULL)
        return true;
    *memory = tables->offload_memory;
    if (memory->memory == NULL && memory_reserve_shared(memory, rate_limiter_bytes(), 0) != 0)
        return false;
    tables->limiter = rate_limiter_init(memory->memory, &tables->key);
    return true;
}

/* The same for the table of prefixes. */
static bool make_prefixes(struct admission_tables *tables)
{
    struct shared_memory *memory = &tables->prefixes_memory;
    if (tables->prefixes == NULL &&
        memory_reserve_shared(memory, prefix_counts_bytes(tables->clients_max), 0) == 0) {
        tables->prefixes = prefix_counts_init(memory->memory, tables->clients_max, &tables->key);
        tables->has_new_prefixes = true;
    }
    return tables->prefixes != NULL;
}

int admission_rules_make(struct admission_rules *rules, struct admission_tables *tables,
                         const struct config *config)
{
    const struct config_blocks *allow = &config->admission.allow, *deny = &config->admission.deny;
    uint32_t rate_pps = config->admission.rate_pps;
    *rules = (struct admission_rules){
        .cookie = config->admission.policy == POLICY_COOKIE,
        .dry_run = config->admission.dry_run != 0,
        .limits = rate_limiter_limits(rate_pps, config_burst(config)),
        .per_prefix = config->admission.per_prefix,
    };
    if ((rate_pps != 0 && !make_limiter(tables)) ||
        (rules->per_prefix != 0 && !make_prefixes(tables)))
        return -ENOMEM;
    rules->limiter = rate_pps != 0 ? tables->limiter : NULL;
    rules->prefixes = tables->prefixes;
    if (allow->count + deny->count == 0)
        return 0;
    rules->acl = access_list_new(allow->list, allow->count, deny->list, deny->count);
    return rules->acl == NULL ? -ENOMEM : 0;
}

struct rate_limiter_hashes admission_rules_rate_hashes(const struct admission_rules *rules,
                                                       const struct addr *source)
{
    if (rules->limiter == NULL)
        return (struct rate_limiter_hashes){0, 0};
    return rate_limiter_hashes(rules->limiter, source,
                               rules->cookie ? RATE_LIMITER_VERIFIED : RATE_LIMITER_UNVERIFIED);
}
