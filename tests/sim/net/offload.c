/* net/offload in memory: each process has a descriptor of the program (sim/net/offload_program). */
#include "net/offload/offload.h"

#include "net/interface/interface_links.h"
#include "net/offload/offload_handover.h"
#include "sim/core/broken.h"
#include "sim/core/scheduler.h"
#include "sim/core/trace.h"
#include "sim/net/host.h"
#include "sim/net/offload_program.h"
#include "sim/os/process.h"
#include "sim/os/processes.h"
#include "sim/world/faults.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct offload {
    int descriptor;
    int rate_descriptor; /* of the rate limiter's memory */
};

struct program *program_of(const struct offload *offload)
{
    return (struct program *)descriptor_object(offload->descriptor, OBJECT_PROGRAM);
}

/* A successor is started after its parent has given up all capabilities. */
static bool is_privileged(void)
{
    return processes_parent(scheduler_process()) < 0;
}

static struct offload *make_offload(int descriptor, int rate_descriptor)
{
    struct offload *offload = malloc(sizeof *offload);
    *offload = (struct offload){descriptor, rate_descriptor};
    return offload;
}

int offload_open(struct offload **offload, const struct offload_size *size, const char **failed)
{
    *offload = NULL;
    *failed = "program";
    int error = is_privileged() ? faults_refuse_load() : -EPERM;
    if (error != 0)
        return error;
    struct program *program = program_new(size);
    int descriptor = descriptor_open(&program->object);
    if (descriptor < 0)
        return descriptor;
    int rate_descriptor = simulated_memory_descriptor(program->rate_file, PROGRAM_RATE_BYTES);
    if (rate_descriptor < 0) {
        descriptor_close(descriptor);
        return rate_descriptor;
    }
    *offload = make_offload(descriptor, rate_descriptor);
    return 0;
}

void offload_close(struct offload *offload)
{
    if (offload == NULL)
        return;
    descriptor_close(offload->rate_descriptor);
    if (!broken_is("offload-open"))
        descriptor_close(offload->descriptor);
    free(offload);
}

/* ---- interfaces ---- */

/* The driver of eth1 has no native mode, and neither has loopback. */
static bool has_mode(const char *interface, enum offload_mode mode)
{
    return mode == OFFLOAD_GENERIC || strcmp(interface, "eth0") == 0;
}

int offload_attach(struct offload *offload, const char *interface, enum offload_mode mode)
{
    struct program *program = program_of(offload);
    uint32_t birth = host_birth(host_index_of_name(interface));
    int error = is_privileged() ? faults_refuse_attach() : -EPERM;
    if (birth == 0)
        return -ENODEV;
    if (error != 0)
        return error;
    if (!has_mode(interface, mode))
        return -EOPNOTSUPP;
    if (program_is_attached(birth))
        return -EBUSY;
    program->is_native[program->interface_count] = mode == OFFLOAD_NATIVE;
    program->indexes[program->interface_count] = host_index_of_name(interface);
    program->births[program->interface_count++] = birth;
    return 0;
}

int offload_update_ingress(struct offload *offload)
{
    struct program *program = program_of(offload);
    struct interface_link *links;
    size_t count;
    int error = broken_is("offload-ingress") ? 0 : interface_links_read(&links, &count);
    program->is_ingress_stale = error != 0;
    if (error != 0 || broken_is("offload-ingress"))
        return error;
    program_set_ingress(program, links, count);
    free(links);
    return 0;
}

/* For the self-test: a VLAN is taken for the interface that it is on. */
static uint32_t interface_of_key(uint32_t interface)
{
    return broken_is("offload-vlan") ? host_link(interface) : interface;
}

bool offload_receives_by(const struct offload *offload, uint32_t interface)
{
    return broken_is("offload-local") ||
           program_ingress_of(program_of(offload), interface_of_key(interface)) != NULL;
}

/* The index of an interface by its number; 0: it was deleted. */
static uint32_t index_of(const struct program *program, size_t number)
{
    for (int i = 0; number < program->interface_count && i < HOST_INTERFACES; i++)
        if (host_birth(host_index((enum host_interface)i)) == program->births[number])
            return host_index((enum host_interface)i);
    return 0;
}

int offload_is_attached(const struct offload *offload, size_t number, uint32_t *program)
{
    bool is_attached = index_of(program_of(offload), number) != 0;
    *program = is_attached ? PROGRAM_NUMBER : 0;
    return is_attached;
}

bool offload_link(const struct offload *offload, size_t number, struct offload_link *link)
{
    struct program *program = program_of(offload);
    uint32_t index = index_of(program, number);
    if (broken_is("frame-unseen"))
        program_break_next_hops(program);
    if (!host_is_up(index) || !program->is_native[number])
        return false;
    *link = (struct offload_link){.index = index, .mtu = host_mtu(index)};
    if (broken_is("frame-mtu"))
        link->mtu = 9000;
    host_ethernet(index, link->ethernet);
    return true;
}

/* ---- the tables ---- */

struct offload_record *offload_records(struct offload *offload)
{
    return program_of(offload)->records;
}

struct offload_worker *offload_workers(struct offload *offload)
{
    return program_of(offload)->workers;
}

struct offload_rotation *offload_rotations(struct offload *offload)
{
    return program_of(offload)->rotations;
}

struct shared_memory offload_rate_limiter(const struct offload *offload)
{
    return (struct shared_memory){program_of(offload)->rate_blocks, PROGRAM_RATE_BYTES,
                                  offload->rate_descriptor};
}

static bool is_in_use(const struct program *program, uint32_t rotation)
{
    for (uint32_t i = 0; i < program->worker_count; i++)
        if (offload_settings_reply(program->workers[i].settings) == OFFLOAD_ROTATE &&
            offload_settings_rotation(program->workers[i].settings) == rotation)
            return true;
    return false;
}

int offload_set_message(struct offload *offload, uint32_t rotation, uint32_t number,
                        const uint8_t *bytes, size_t size)
{
    struct program *program = program_of(offload);
    if (rotation >= OFFLOAD_ROTATIONS || number >= OFFLOAD_MESSAGES_MAX)
        return -EINVAL;
    if (size > OFFLOAD_MESSAGE_BYTES)
        return -EMSGSIZE;
    if (is_in_use(program, rotation))
        broken_promise("a rotation that is in use stays as it is", "message %u of %u", number,
                       rotation);
    int error = faults_refuse_entry();
    if (error != 0)
        return error;
    struct offload_message *message =
        &program->messages[rotation * (size_t)OFFLOAD_MESSAGES_MAX + number];
    message->size = (uint32_t)size;
    if (size > 0)
        memcpy(message->bytes, bytes, size);
    return 0;
}

int offload_add(struct offload *offload, const struct addr *source, const struct addr *local,
                const struct offload_client *client)
{
    struct program *program = program_of(offload);
    struct program_entry entry = {*source, *local, *client};
    int error = faults_refuse_entry();
    entry.local.scope = interface_of_key(local->scope);
    if (source->scope != 0 || program_ingress_of(program, entry.local.scope) == NULL)
        broken_promise("the offload has only clients of interfaces that it receives by",
                       "port %d, of interface %" PRIu32, source->port, local->scope);
    return error != 0 ? error : program_add(program, &entry);
}

void offload_remove(struct offload *offload, uint32_t record)
{
    if (!broken_is("offload-entry"))
        program_remove(program_of(offload), record);
}

int offload_counters(const struct offload *offload, uint32_t worker,
                     uint64_t counters[OFFLOAD_COUNTERS])
{
    const struct program *program = program_of(offload);
    memcpy(counters, &program->counters[worker * (size_t)OFFLOAD_COUNTERS],
           OFFLOAD_COUNTERS * sizeof counters[0]);
    return 0;
}

/* ---- an upgrade ---- */

void offload_hand_over(const struct offload *offload, struct handover_writer *writer)
{
    handover_put_descriptor(writer, offload->descriptor);
    handover_put_descriptor(writer, offload->rate_descriptor);
}

int offload_take_over(struct offload **offload, struct handover_reader *reader)
{
    int descriptor = handover_get_descriptor(reader);
    int rate_descriptor = handover_get_descriptor(reader);
    *offload = NULL;
    if (descriptor < 0 || rate_descriptor < 0)
        return -EPROTO;
    int error = faults_refuse_memory() ? -ENOMEM : 0;
    struct program *program = (struct program *)descriptor_object(descriptor, OBJECT_PROGRAM);
    for (uint32_t i = 0; i < program->sender_count; i++)
        program->senders[i].refused = 0;
    if (error != 0) {
        descriptor_close(descriptor);
        descriptor_close(rate_descriptor);
    } else {
        *offload = make_offload(descriptor, rate_descriptor);
    }
    return error;
}
