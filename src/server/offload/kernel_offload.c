#include "server/offload/kernel_offload.h"

#include "config/config_defaults.h"
#include "net/interface/interface.h"
#include "net/offload/offload_handover.h"
#include "os/log/log.h"
#include "os/process/clock.h"
#include "server/startup_error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

_Static_assert((int)CONFIG_INTERFACES_MAX == (int)OFFLOAD_INTERFACES_MAX,
               "the configuration has no more interfaces than a program can be attached to");

static const char *advise(int error)
{
    switch (error) {
    case -EPERM:
    case -EACCES:
        return "give CAP_BPF and CAP_NET_ADMIN at the start (for systemd udpsrv(8) has a drop-in), "
               "or set offload.mode = off";
    case -EBUSY:
    case -EEXIST:
        return "another program is attached there: detach it (ip link set dev NAME xdp off), or "
               "leave this interface out of offload.interface";
    case -ENODEV:
        return "see the names that `ip link` shows, and correct offload.interface";
    case -EOPNOTSUPP:
        return "set offload.mode = generic, or off";
    case -ENOMEM:
    case -E2BIG:
        return "lower offload.max";
    default:
        return startup_error_advice(error, "see offload.mode in udpsrv.conf(5)");
    }
}

/* Why the service goes on without it. */
static void warn(const char *what, const char *on, int error)
{
    log_event(LOG_LEVEL_WARNING, what, "on", on, "reason", strerror(-error), "advice",
              advise(error), NULL);
}

/* Attaches the program to an interface, under CONFIG_OFFLOAD_AUTO in the first mode that works. The
 * driver of a veth pair has a native mode, but drops all replies in silence unless the other end
 * can take them, which cannot be found out at this end. */
static int attach(struct kernel_offload *offload, struct kernel_offload_interface *interface)
{
    bool is_generic =
        offload->mode == CONFIG_OFFLOAD_GENERIC ||
        (offload->mode == CONFIG_OFFLOAD_AUTO && interface_has_driver(interface->name, "veth"));
    interface->mode = is_generic ? OFFLOAD_GENERIC : OFFLOAD_NATIVE;
    int error = offload_attach(offload->program, interface->name, interface->mode);
    if (error != 0 && offload->mode == CONFIG_OFFLOAD_AUTO && !is_generic) {
        interface->mode = OFFLOAD_GENERIC;
        error = offload_attach(offload->program, interface->name, interface->mode);
    }
    return interface->error = error;
}

/* Returns 0, or -errno if the server must not start. */
static int attach_all(struct kernel_offload *offload)
{
    size_t attached = 0;
    for (size_t i = 0; i < offload->count; i++) {
        struct kernel_offload_interface *interface = &offload->interfaces[i];
        int error = attach(offload, interface);
        if (error == 0) {
            interface->number = attached++;
            log_event(LOG_LEVEL_INFO, "the offload is attached", "interface", interface->name,
                      "mode", kernel_offload_mode(offload, i), NULL);
        } else if (offload->mode != CONFIG_OFFLOAD_AUTO) {
            return startup_error_report("cannot attach the offload", interface->name, error,
                                        advise(error));
        } else {
            warn("the offload is not attached to an interface, whose clients are served by the "
                 "sockets only",
                 interface->name, error);
        }
    }
    if (attached > 0)
        return 0;
    offload_close(offload->program);
    offload->program = NULL;
    return 0;
}

static void name_interfaces(struct kernel_offload *offload, const struct config *config)
{
    offload->count = config->offload.interface_count;
    for (size_t i = 0; i < offload->count; i++)
        snprintf(offload->interfaces[i].name, sizeof offload->interfaces[i].name, "%s",
                 config->offload.interfaces[i]);
}

/* What a process without capabilities cannot change. */
static void warn_of_changes(const struct kernel_offload *offload, const struct config *config)
{
    bool is_same = offload->mode == config->offload.mode &&
                   offload->count == config->offload.interface_count &&
                   offload->records == config_offload_max(config);
    for (size_t i = 0; is_same && i < offload->count; i++)
        is_same = strcmp(offload->interfaces[i].name, config->offload.interfaces[i]) == 0;
    if (!is_same)
        log_event(LOG_LEVEL_WARNING, "the offload stays as it was before the upgrade", "reason",
                  "another interface, mode or size needs capabilities, which were given up",
                  "advice", "restart udpsrv", NULL);
}

int kernel_offload_open(struct kernel_offload *offload, const struct config *config,
                        uint32_t workers)
{
    const char *failed;
    if (offload->program != NULL) {
        if (config->offload.mode != CONFIG_OFFLOAD_OFF)
            warn_of_changes(offload, config);
        else
            kernel_offload_close(offload);
        return 0;
    }
    *offload = (struct kernel_offload){.mode = config->offload.mode,
                                       .records = config_offload_max(config)};
    if (offload->mode == CONFIG_OFFLOAD_OFF)
        return 0;
    name_interfaces(offload, config);
    const struct offload_size size = {
        .records = offload->records, .workers = OFFLOAD_WORKERS_MAX, .senders = workers};
    int error = offload_open(&offload->program, &size, &failed);
    if (error == 0)
        return attach_all(offload);
    offload->program = NULL;
    for (size_t i = 0; i < offload->count; i++)
        offload->interfaces[i].error = error;
    if (offload->mode != CONFIG_OFFLOAD_AUTO)
        return startup_error_report("cannot load the offload", failed, error, advise(error));
    warn("the offload is not loaded: all clients are served by the sockets only", failed, error);
    return 0;
}

bool kernel_offload_follow_interfaces(const struct kernel_offload *offload)
{
    int error = offload->program != NULL ? offload_update_ingress(offload->program) : 0;
    if (error != 0)
        log_limited(LOG_KIND_OFFLOAD_INTERFACES, clock_now_ms(),
                    "the interfaces cannot be read: the offload answers only clients of those that "
                    "it knows",
                    "reason", strerror(-error), "advice",
                    "permit AF_NETLINK (for systemd RestrictAddressFamilies), or set "
                    "offload.mode = off",
                    NULL);
    return error == 0;
}

/* ---- the messages ---- */

static void release_reply(struct kernel_offload *offload, size_t rotation)
{
    if (offload->replies[rotation] == NULL)
        return;
    reply_rotation_use_turns(offload->replies[rotation], NULL);
    reply_rotation_release(offload->replies[rotation]);
    offload->replies[rotation] = NULL;
}

/* Returns a rotation that no worker uses, or OFFLOAD_ROTATIONS. */
static size_t find_free(struct kernel_offload *offload)
{
    size_t found = OFFLOAD_ROTATIONS;
    for (size_t i = OFFLOAD_ROTATIONS; i-- > 0;) {
        if (offload->replies[i] != NULL && !reply_rotation_is_shared(offload->replies[i]))
            release_reply(offload, i);
        if (offload->replies[i] == NULL)
            found = i;
    }
    return found;
}

static bool fits(const struct reply *reply)
{
    return reply_rotation_mode(reply) == REPLY_ROTATE &&
           reply_rotation_count(reply) <= OFFLOAD_MESSAGES_MAX &&
           reply_rotation_max_bytes(reply) <= OFFLOAD_MESSAGE_BYTES;
}

void kernel_offload_add_reply(struct kernel_offload *offload, struct reply *reply)
{
    size_t i = OFFLOAD_ROTATIONS, count = reply_rotation_count(reply);
    if (offload->program == NULL || !fits(reply) || (i = find_free(offload)) == OFFLOAD_ROTATIONS)
        return;
    for (size_t turn = 0; turn < count; turn++) {
        const struct message *message = reply_rotation_message(reply, turn);
        int error = offload_set_message(offload->program, (uint32_t)i, (uint32_t)turn,
                                        message->bytes, message->size);
        if (error != 0) {
            log_event(LOG_LEVEL_WARNING,
                      "the offload does not have the messages: the sockets send them", "reason",
                      strerror(-error), "advice",
                      "restart udpsrv, or reload it with other messages", NULL);
            return;
        }
    }
    struct offload_rotation *rotation = &offload_rotations(offload->program)[i];
    rotation->count = (uint32_t)count;
    rotation->max_bytes = (uint32_t)reply_rotation_max_bytes(reply);
    offload->replies[i] = reply_rotation_retain(reply);
    reply_rotation_use_turns(reply, &rotation->turns);
}

/* ---- an upgrade ---- */

void kernel_offload_hand_over(const struct kernel_offload *offload, struct handover_writer *writer)
{
    handover_put8(writer, (uint8_t)offload->mode);
    handover_put32(writer, offload->records);
    handover_put8(writer, (uint8_t)offload->count);
    for (size_t i = 0; i < offload->count; i++) {
        const struct kernel_offload_interface *interface = &offload->interfaces[i];
        handover_put_text(writer, interface->name);
        handover_put8(writer, (uint8_t)interface->mode);
        handover_put32(writer, (uint32_t)-interface->error);
        handover_put8(writer, (uint8_t)interface->number);
    }
    offload_hand_over(offload->program, writer);
}

static bool get_interface(struct handover_reader *reader,
                          struct kernel_offload_interface *interface)
{
    const char *name = handover_get_text(reader);
    if (name != NULL)
        snprintf(interface->name, sizeof interface->name, "%s", name);
    interface->mode = handover_get8(reader) == OFFLOAD_NATIVE ? OFFLOAD_NATIVE : OFFLOAD_GENERIC;
    interface->error = -(int)handover_get32(reader);
    interface->number = handover_get8(reader);
    return name != NULL;
}

int kernel_offload_take_over(struct kernel_offload *offload, struct handover_reader *reader)
{
    bool is_valid = true;
    offload->mode = (enum config_offload)handover_get8(reader);
    offload->records = handover_get32(reader);
    size_t count = handover_get8(reader);
    if (count > OFFLOAD_INTERFACES_MAX)
        return -EPROTO;
    for (offload->count = 0; offload->count < count; offload->count++)
        is_valid &= get_interface(reader, &offload->interfaces[offload->count]);
    if (!is_valid)
        return -EPROTO;
    int error = offload_take_over(&offload->program, reader);
    /* Tables of another version: it is opened anew, if that is permitted. */
    return error == -EPROTO && !reader->failed ? 0 : error;
}

/* ---- the end ---- */

void kernel_offload_close(struct kernel_offload *offload)
{
    for (size_t i = 0; i < OFFLOAD_ROTATIONS; i++)
        release_reply(offload, i);
    offload_close(offload->program);
    *offload = (struct kernel_offload){.program = NULL};
}

const char *kernel_offload_mode(const struct kernel_offload *offload, size_t interface)
{
    return offload->interfaces[interface].mode == OFFLOAD_NATIVE ? "native" : "generic";
}

const char *kernel_offload_problem(const struct kernel_offload *offload, size_t interface,
                                   uint32_t *program)
{
    const struct kernel_offload_interface *shown = &offload->interfaces[interface];
    int attached;
    *program = 0;
    switch (shown->error) {
    case 0:
        attached = offload_is_attached(offload->program, shown->number, program);
        return attached > 0 ? NULL : attached == 0 ? "deleted" : "failed";
    case -EPERM:
    case -EACCES:
        return "not-permitted";
    case -EBUSY:
    case -EEXIST:
        return "taken";
    case -ENODEV:
        return "not-found";
    case -EOPNOTSUPP:
        return "not-supported";
    case -ENOMEM:
    case -E2BIG:
        return "no-memory";
    default:
        return "failed";
    }
}
