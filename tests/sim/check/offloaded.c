#include "sim/check/offloaded.h"

#include "sim/check/model.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/net/interfaces.h"
#include "sim/net/offload_program.h"
#include "sim/world/settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t replied, silenced;

int offloaded_listener(const struct addr *local)
{
    for (size_t i = 0; i < setup.listener_count; i++) {
        const struct drawn_listener *listener = &setup.listeners[i];
        if (listener->kind == LISTEN_UDP && listener->addr.family == local->family &&
            listener->addr.port == local->port &&
            (addr_is_wildcard(&listener->addr) ||
             memcmp(listener->addr.ip, local->ip, sizeof local->ip) == 0))
            return listener->number;
    }
    broken_promise("the offload answers only at listeners", "port %d belongs to no listener",
                   local->port);
}

void offloaded_check_interface(const struct model_entry *entry, const struct packet *packet)
{
    if (entry->received_by != 0 && entry->received_by != packet->link)
        broken_promise("the offload answers only by the interface that its client came by last",
                       "source %" PRIu32 " (port %d): by %" PRIu32 ", not %" PRIu32, entry->number,
                       entry->source.port, packet->link, entry->received_by);
}

void offloaded_counted(bool has_reply)
{
    replied += has_reply;
    silenced += !has_reply;
}

struct offloaded_counts offloaded_uncounted(const struct stats *sum)
{
    if (sum->offload_replied > replied || sum->offload_silent > silenced)
        broken_promise("what the offload has answered is counted once",
                       "%" PRIu64 " replies of %" PRIu64 ", %" PRIu64 " other ones of %" PRIu64,
                       sum->offload_replied, replied, sum->offload_silent, silenced);
    return (struct offloaded_counts){replied - sum->offload_replied,
                                     silenced - sum->offload_silent};
}

static void check_entry(const struct program *program, const struct program_entry *entry)
{
    const struct offload_record *record = &program->records[entry->client.record];
    const struct model_entry *client =
        model_find(offloaded_listener(&entry->local), &entry->source);
    if (client == NULL || !model_occupies(client))
        broken_promise("the tables of the offload have registered clients only",
                       "port %d is not registered", entry->source.port);
    /* 0: all clients have expired at once, and the sweep has not removed it yet. */
    if (record->seen != 0 && offload_seen_tag(record->seen) != entry->client.tag)
        broken_promise("a client has one record of the offload", "port %d has that of another",
                       entry->source.port);
}

/* The table has the interfaces that the program was attached to and that exist, as they are. */
static void check_ingress(const struct program *program)
{
    for (size_t i = 0; i < program->interface_count; i++) {
        uint32_t index = program->indexes[i];
        const struct program_ingress *known = program_ingress_of(program, index);
        bool exists = host_name(index) != NULL;
        if (exists != (known != NULL) || (exists && known->mtu != host_mtu(index)))
            broken_promise("the offload knows the interfaces of the host",
                           "interface %" PRIu32 " is another one", index);
    }
}

void offloaded_check_idle(void)
{
    size_t i = 0;
    bool is_followed = simulated_interfaces_are_followed();
    for (const struct program *program; (program = program_next(&i)) != NULL;) {
        if (is_followed && !program->is_ingress_stale)
            check_ingress(program);
        for (size_t k = 0; k < program->entry_count; k++)
            check_entry(program, &program->entries[k]);
        if (program->entry_count > program->record_count)
            broken_promise("the tables of the offload have at most offload.max clients",
                           "%zu of %" PRIu32, program->entry_count, program->record_count);
    }
}

/* Whether a line of the answer is about that interface, and is right. An upgrade keeps the size of
 * the tables, also with another clients.max. An interface may be removed while the answer is on its
 * way. */
static bool is_line_of(const char *line, const char *interface, uint64_t asked_ms)
{
    char name[16], mode[16], attached[4];
    uint32_t number, clients, max, send_drops;
    size_t i = 0;
    const struct program *program = program_next(&i);
    if (sscanf(line, "interface %15s %15s %3s %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32, name,
               mode, attached, &number, &clients, &max, &send_drops) != 7)
        broken_promise("offload has a line for each interface", "it has %s", line);
    bool is_attached = strcmp(attached, "yes") == 0;
    if (number != (is_attached ? PROGRAM_NUMBER : 0) || send_drops != 0)
        broken_promise("offload shows the number of the program, and no drops", "it has %s", line);
    if (strcmp(name, interface) != 0)
        return false;
    if (clients > max || (program != NULL && max != program->record_count))
        broken_promise("the offload has at most offload.max clients", "%" PRIu32 " of %" PRIu32,
                       clients, max);
    if (is_attached && host_last_removal_ms() < asked_ms &&
        !program_is_attached(host_birth(host_index_of_name(interface))))
        broken_promise("offload says where the program is attached", "%s has none", interface);
    return true;
}

void offloaded_check_answer(const char *bytes, uint64_t asked_ms)
{
    const char *line = bytes + strlen("ok\n");
    size_t count = 0;
    for (; strncmp(line, "interface ", 10) == 0; count++) {
        if (count == setup.offload.count ||
            !is_line_of(line, setup.offload.interfaces[count], asked_ms))
            broken_promise("offload has a line for each interface", "the answer is %s", bytes);
        const char *end = strchr(line, '\n');
        line = end != NULL ? end + 1 : "";
    }
    if (count != setup.offload.count)
        broken_promise("offload has a line for each interface", "the answer is %s", bytes);
}

void offloaded_reset(void)
{
    replied = silenced = 0;
}
