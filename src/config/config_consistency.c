#include "config/config_consistency.h"
#include "config/config_keys.h"
#include "config/exposed_listeners.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The interface of a multicast group may be given in the address or in a key of its own. */
static void check_multicast(const struct config *config, struct config_origins *origins,
                            struct config_diagnostics *diagnostics)
{
    const struct config_listen *group = &config->broadcast.multicast;
    if (!addr_is_link_scoped_group(&group->addr) || group->addr.scope != 0 ||
        group->zone[0] != '\0' || config->broadcast.multicast_interface != NULL)
        return;
    const struct config_key *key = config_key_find("broadcast", "multicast");
    config_diagnostics_add(
        diagnostics, &config_origin_of(origins->in_files, key)->at,
        "a link-local multicast group needs its interface: give 'multicast-interface', or "
        "write it as in [ff02::1%%eth0]:3000");
}

/* An invalid policy has been reported already. */
static void check_admission(const struct config *config, struct config_origins *origins,
                            struct config_diagnostics *diagnostics)
{
    const struct config_key *policy = config_key_find("admission", "policy");
    if (config_origin_of(origins->in_files, policy)->given ||
        config_origin_of(origins->in_options, policy)->given)
        return;
    size_t first, exposed = exposed_listeners_count(config, &first);
    if (exposed == 0)
        return;
    char text[CONFIG_LISTEN_TEXT_BYTES], others[32] = "";
    if (exposed > 1)
        snprintf(others, sizeof others, " and %zu more", exposed - 1);
    config_diagnostics_add(
        diagnostics, &origins->listen[first],
        "other hosts can reach %s%s, so the configuration must state an admission policy; %s (or, "
        "on a network without forged source addresses, with 'policy = open'):\n"
        "    [admission]\n"
        "    policy = cookie",
        config_listen_text(&config->server.listen[first], text), others,
        origins->has_file ? "add these two lines"
                          : "write these two lines into a file and name that by -c, "
                            "like the sample internet.conf");
}

/* A hello proves a device's key over a cookie, so keyed names need cookies. */
static void check_names(const struct config *config, struct config_origins *origins,
                        struct config_diagnostics *diagnostics)
{
    const struct config_location *at =
        &config_origin_of(origins->in_files, config_key_find("clients", "names"))->at;
    if (config->clients.names != NAMES_KEYED)
        return;
    if (config->clients.names_key_file == NULL)
        config_diagnostics_add(diagnostics, at,
                               "'names = keyed' needs the key from which those of the devices are "
                               "derived: give 'names-key-file'");
    /* A policy that is missing has been reported already, unless all listeners are on loopback. */
    if (config->admission.policy != POLICY_COOKIE)
        config_diagnostics_add(diagnostics, at,
                               "'names = keyed' needs cookies, over which a device proves its key: "
                               "give 'policy = cookie' in [admission]");
}

static int compare_blocks(const void *a, const void *b)
{
    return cidr_compare(a, b);
}

/* Finds the first denied block that is also allowed. Returns false if there is none, or if there is
 * no memory. */
static bool find_conflict(const struct config *config, struct config_diagnostics *diagnostics,
                          size_t *allowed, size_t *denied)
{
    const struct config_blocks *allow = &config->admission.allow, *deny = &config->admission.deny;
    if (allow->count == 0 || deny->count == 0)
        return false;
    struct cidr *sorted = calloc(allow->count, sizeof *sorted);
    if (!sorted) {
        diagnostics->no_memory = true;
        return false;
    }
    memcpy(sorted, allow->list, allow->count * sizeof *sorted);
    qsort(sorted, allow->count, sizeof *sorted, compare_blocks);
    for (*denied = 0; *denied < deny->count; ++*denied)
        if (bsearch(&deny->list[*denied], sorted, allow->count, sizeof *sorted, compare_blocks))
            break;
    free(sorted);
    if (*denied == deny->count)
        return false;
    for (*allowed = 0; compare_blocks(&allow->list[*allowed], &deny->list[*denied]) != 0;)
        ++*allowed;
    return true;
}

static void check_blocks(const struct config *config, struct config_origins *origins,
                         struct config_diagnostics *diagnostics)
{
    char text[CIDR_TEXT_BYTES];
    size_t allowed, denied;
    if (diagnostics->no_memory || !find_conflict(config, diagnostics, &allowed, &denied))
        return;
    const struct config_location *at = &origins->allow.list[allowed];
    config_diagnostics_add(diagnostics, &origins->deny.list[denied],
                           "%s is in 'deny' here and in 'allow' at %s:%u: remove one of them",
                           cidr_format(&config->admission.deny.list[denied], text), at->file,
                           at->line);
}

/* Without this check the second one would replace the first one, or be refused at the start. The
 * built-in path of the control socket depends on the user, and is only known at the start. */
static void check_observers(const struct config *config, struct config_origins *origins,
                            struct config_diagnostics *diagnostics)
{
    if (!config_has_observers(config) || config->control.socket == NULL ||
        strcmp(config->control.observer_socket, config->control.socket) != 0)
        return;
    const struct config_key *key = config_key_find("control", "observer-socket");
    config_diagnostics_add(diagnostics, &config_origin_of(origins->in_files, key)->at,
                           "'observer-socket' is the path of the control socket: give the "
                           "observers another one");
}

/* Blocks that are invalid have been reported already. */
static void check_metrics(const struct config *config, struct config_origins *origins,
                          struct config_diagnostics *diagnostics)
{
    const struct config_key *allow = config_key_find("metrics", "allow");
    const struct config_key *listen = config_key_find("metrics", "listen");
    char text[CONFIG_LISTEN_TEXT_BYTES];
    enum transport transport;
    if (!exposed_listeners_has_metrics(config) || config->metrics.allow.count > 0 ||
        config_origin_of(origins->in_files, allow)->given)
        return;
    config_diagnostics_add(
        diagnostics, &config_origin_of(origins->in_files, listen)->at,
        "other hosts can reach %s, so the configuration must state which may read the metrics: "
        "give 'allow' with their addresses or networks, such as 'allow = 192.0.2.0/24'",
        transport_split(config_listen_text(&config->metrics.listen, text), &transport));
}

/* Interfaces that are invalid have been reported already. */
static void check_offload(const struct config *config, struct config_origins *origins,
                          struct config_diagnostics *diagnostics)
{
    const struct config_key *interface = config_key_find("offload", "interface");
    const struct config_key *mode = config_key_find("offload", "mode");
    if (config->offload.mode == CONFIG_OFFLOAD_OFF || config->offload.interface_count > 0 ||
        config_origin_of(origins->in_files, interface)->given)
        return;
    char *word = mode->type->write(mode, config, 0);
    if (!word) {
        diagnostics->no_memory = true;
        return;
    }
    config_diagnostics_add(diagnostics, &config_origin_of(origins->in_files, mode)->at,
                           "'mode = %s' needs the interfaces that the clients' datagrams come in "
                           "by: give 'interface', such as 'interface = eth0'",
                           word);
    free(word);
}

void config_consistency_check(const struct config *config, struct config_origins *origins,
                              struct config_diagnostics *diagnostics)
{
    check_multicast(config, origins, diagnostics);
    check_admission(config, origins, diagnostics);
    check_names(config, origins, diagnostics);
    check_blocks(config, origins, diagnostics);
    check_observers(config, origins, diagnostics);
    check_metrics(config, origins, diagnostics);
    check_offload(config, origins, diagnostics);
}
