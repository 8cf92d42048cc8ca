#include "sim/world/reductions.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANGES_MAX = 256, NAMES_MAX = 64 };

static uint64_t variant, duration_ms = UINT64_MAX;
static uint32_t workers_max = UINT32_MAX;
static uint32_t left_out; /* enum reduction */
static bool steady;
static struct {
    uint32_t first, last;
} clients[RANGES_MAX];
static size_t range_count; /* 0: all clients */
static const char *names[NAMES_MAX];
static size_t name_count;
static const char *with; /* a rare situation; NULL: none */

/* ---- the names ---- */

#define FAULT(name)                          \
    {                                        \
#name, offsetof(struct faults, name) \
    }
static const struct {
    const char *name;
    size_t offset;
} fault_names[] = {
    FAULT(memory),      FAULT(watch),  FAULT(entropy),   FAULT(pin),    FAULT(file),
    FAULT(allocation),  FAULT(output), FAULT(open),      FAULT(accept), FAULT(receive),
    FAULT(short_count), FAULT(refuse), FAULT(full),      FAULT(stream), FAULT(queries),
    FAULT(program),     FAULT(disk),   FAULT(slow_disk), FAULT(attach), FAULT(entry),
    FAULT(room),        FAULT(frames),
};
#undef FAULT

#define NETWORK(name)                         \
    {                                         \
#name, offsetof(struct network, name) \
    }
static const struct {
    const char *name;
    size_t offset;
} network_names[] = {NETWORK(loss), NETWORK(duplication), NETWORK(truncation), NETWORK(corruption),
                     NETWORK(forgery)};
#undef NETWORK

#define SWARM(name)                                            \
    {                                                          \
#name, offsetof(struct swarm, name), sizeof swarm.name \
    }
static const struct {
    const char *name;
    size_t offset, size;
} swarm_names[] = {
    SWARM(stops_early),    SWARM(kicks_streams), SWARM(changes_fixed),  SWARM(stalls_operators),
    SWARM(wrong_commands), SWARM(wrong_files),   SWARM(cancels),        SWARM(long_ttl),
    SWARM(publishes),      SWARM(more_blocks),   SWARM(mixed_bursts),   SWARM(silent_links),
    SWARM(missing_files),  SWARM(spare_files),   SWARM(selects),        SWARM(many_subscribers),
    SWARM(floods),         SWARM(confirms),      SWARM(lacks_programs), SWARM(reloads_snapshots),
    SWARM(churns),         SWARM(upgrades),      SWARM(offload),        SWARM(fans_out),
};
#undef SWARM

static const struct {
    const char *name;
    enum reduction reduction;
} world_names[] = {
    {"delays", WITHOUT_DELAYS},
    {"slow-link", WITHOUT_SLOW_LINK},
    {"leaps", WITHOUT_LEAPS},
    {"operators", WITHOUT_OPERATORS},
    {"reloads", WITHOUT_RELOADS},
    {"broadcasts", WITHOUT_BROADCASTS},
    {"kicks", WITHOUT_KICKS},
    {"interface-changes", WITHOUT_INTERFACE_CHANGES},
    {"removed-files", WITHOUT_REMOVED_FILES},
    {"observers", WITHOUT_OBSERVERS},
    {"subscribers", WITHOUT_SUBSCRIBERS},
    {"gateways", WITHOUT_GATEWAYS},
    {"crashes", WITHOUT_CRASHES},
    {"wall-leaps", WITHOUT_WALL_LEAPS},
    {"damage", WITHOUT_DAMAGE},
    {"state", WITHOUT_STATE},
    {"metrics", WITHOUT_METRICS},
};

static const char *const setting_names[] = {"cookie", "relay",     "blocks",    "per-prefix",
                                            "rate",   "copy-rate", "multicast", "names"};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static bool is_named(const char *name)
{
    if (steady)
        return true;
    for (size_t i = 0; i < name_count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool add_name(const char *name)
{
    bool known = strcmp(name, "swarm") == 0;
    for (size_t i = 0; i < COUNT(fault_names); i++)
        known |= strcmp(fault_names[i].name, name) == 0;
    for (size_t i = 0; i < COUNT(network_names); i++)
        known |= strcmp(network_names[i].name, name) == 0;
    for (size_t i = 0; i < COUNT(swarm_names); i++)
        known |= strcmp(swarm_names[i].name, name) == 0;
    for (size_t i = 0; i < COUNT(setting_names); i++)
        known |= strcmp(setting_names[i], name) == 0;
    for (size_t i = 0; i < COUNT(world_names); i++)
        if (strcmp(world_names[i].name, name) == 0) {
            known = true;
            left_out |= world_names[i].reduction;
        }
    if (!known || name_count == NAMES_MAX)
        return false;
    names[name_count++] = name;
    return true;
}

/* ---- options ---- */

static bool read_names(const char *list)
{
    char *copy = strdup(list), *rest = copy; /* the names stay in use */
    for (char *name; (name = strsep(&rest, ",")) != NULL;)
        if (!add_name(name))
            return false;
    return true;
}

static bool read_with(const char *name)
{
    with = name;
    for (size_t i = 0; i < COUNT(swarm_names); i++)
        if (strcmp(swarm_names[i].name, name) == 0 && swarm_names[i].size == sizeof(bool))
            return true;
    return false;
}

static bool read_clients(const char *list)
{
    for (const char *at = list;;) {
        char *end;
        if (range_count == RANGES_MAX)
            return false;
        clients[range_count].first = clients[range_count].last = (uint32_t)strtoul(at, &end, 10);
        if (*end == '-')
            clients[range_count].last = (uint32_t)strtoul(end + 1, &end, 10);
        range_count++;
        if (*end == '\0')
            return true;
        if (*end != ',')
            return false;
        at = end + 1;
    }
}

/* Returns what follows the name of an option, NULL: it is another one. */
static const char *value_of(const char *option, const char *name)
{
    size_t length = strlen(name);
    return strncmp(option, name, length) == 0 ? option + length : NULL;
}

bool reductions_read(const char *option)
{
    const char *value;
    if (strcmp(option, "--steady") == 0) {
        steady = true;
        left_out = UINT32_MAX;
        return true;
    }
    if ((value = value_of(option, "--without=")) != NULL)
        return read_names(value);
    if ((value = value_of(option, "--with=")) != NULL)
        return read_with(value);
    if ((value = value_of(option, "--clients=")) != NULL)
        return read_clients(value);
    if ((value = value_of(option, "--variant=")) != NULL)
        variant = strtoull(value, NULL, 10);
    else if ((value = value_of(option, "--duration=")) != NULL)
        duration_ms = strtoull(value, NULL, 10);
    else if ((value = value_of(option, "--workers=")) != NULL)
        workers_max = (uint32_t)strtoul(value, NULL, 10);
    else
        return false;
    return workers_max > 0;
}

/* ---- applying them ---- */

bool reductions_are_steady(void)
{
    return steady;
}

uint64_t reductions_variant(void)
{
    return variant;
}

bool reductions_leave_out(enum reduction reduction)
{
    return (left_out & reduction) != 0;
}

bool reductions_have_client(uint32_t number)
{
    for (size_t i = 0; i < range_count; i++)
        if (number >= clients[i].first && number <= clients[i].last)
            return true;
    return range_count == 0;
}

void reductions_of_settings(struct setup *drawn_setup, struct settings *drawn_settings)
{
    if (drawn_setup->workers > workers_max)
        drawn_setup->workers = workers_max;
    if (is_named("multicast"))
        drawn_setup->has_multicast = false;
    if (is_named("names"))
        drawn_setup->names_max = 0;
    if (is_named("cookie"))
        drawn_settings->cookie = false;
    drawn_setup->has_keys &= drawn_settings->cookie && drawn_setup->names_max > 0;
    if (is_named("relay"))
        drawn_settings->relay = DRAWN_RELAY_OFF;
    if (is_named("blocks"))
        drawn_settings->block_count = 0;
    if (is_named("per-prefix"))
        drawn_settings->per_prefix = 0;
    if (is_named("rate"))
        drawn_settings->rate_pps = 0;
    if (is_named("copy-rate"))
        drawn_settings->copies_pps = 0;
}

void reductions_of_swarm(struct swarm *drawn)
{
    for (size_t i = 0; i < COUNT(swarm_names); i++) {
        if (is_named(swarm_names[i].name) || is_named("swarm"))
            memset((char *)drawn + swarm_names[i].offset, 0, swarm_names[i].size);
        if (with != NULL && strcmp(swarm_names[i].name, with) == 0)
            *(bool *)((char *)drawn + swarm_names[i].offset) = true;
    }
}

static uint32_t *probability(void *of, size_t offset)
{
    return (uint32_t *)(void *)((char *)of + offset);
}

void reductions_of_faults(struct faults *drawn_faults, struct network *drawn_network)
{
    for (size_t i = 0; i < COUNT(fault_names); i++)
        if (is_named(fault_names[i].name))
            *probability(drawn_faults, fault_names[i].offset) = 0;
    if (is_named("swarm"))
        drawn_faults->allocation = 0;
    for (size_t i = 0; i < COUNT(network_names); i++)
        if (is_named(network_names[i].name))
            *probability(drawn_network, network_names[i].offset) = 0;
    if (reductions_leave_out(WITHOUT_DELAYS))
        drawn_network->delay_max_ns = drawn_network->delay_min_ns;
}

uint64_t reductions_of_duration(uint64_t ms)
{
    return ms < duration_ms ? ms : duration_ms;
}

void reductions_print_names(const struct faults *drawn_faults, const struct network *drawn_network)
{
    struct faults copy_faults = *drawn_faults;
    struct network copy_network = *drawn_network;
    printf("names");
    for (size_t i = 0; i < COUNT(fault_names); i++)
        if (*probability(&copy_faults, fault_names[i].offset) > 0)
            printf(" %s", fault_names[i].name);
    for (size_t i = 0; i < COUNT(network_names); i++)
        if (*probability(&copy_network, network_names[i].offset) > 0)
            printf(" %s", network_names[i].name);
    for (size_t i = 0; i < COUNT(swarm_names); i++)
        if (*((const char *)&swarm + swarm_names[i].offset) != 0)
            printf(" %s", swarm_names[i].name);
    for (size_t i = 0; i < COUNT(world_names); i++)
        printf(" %s", world_names[i].name);
    for (size_t i = 0; i < COUNT(setting_names); i++)
        printf(" %s", setting_names[i]);
    printf("\n");
}
