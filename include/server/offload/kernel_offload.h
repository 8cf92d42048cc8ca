#ifndef SERVER_OFFLOAD_KERNEL_OFFLOAD_H
#define SERVER_OFFLOAD_KERNEL_OFFLOAD_H

#include "base/handover.h"
#include "config/config.h"
#include "net/offload/offload.h"
#include "wire/reply_rotation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The offload of the server ([offload] of the configuration): the program in the kernel that
 * answers datagrams of registered clients (net/offload/offload), the interfaces that it is attached
 * to, and the sets of messages that it sends. Which clients it may answer for is decided by the
 * workers (server/workers/offload/worker_offload). Used by the main thread.
 *
 * Where the offload is on and cannot be had, offload.mode says whether the server refuses to start
 * or serves by its sockets only, which answer everything that the program does not. */

struct kernel_offload_interface {
    char name[ADDR_ZONE_BYTES];
    enum offload_mode mode;
    int error;     /* 0: the program was attached at the start; -errno: it could not be */
    size_t number; /* of net/offload, if it was attached */
};

struct kernel_offload {
    struct offload *program; /* NULL: all datagrams are answered by the sockets */
    enum config_offload mode;
    uint32_t records; /* clients that may be in the tables at a time */
    struct kernel_offload_interface interfaces[OFFLOAD_INTERFACES_MAX];
    size_t count;
    struct reply *replies[OFFLOAD_ROTATIONS]; /* whose messages each set has; NULL: none */
};

/* Loads the program and attaches it, as the configuration says, with room for the copies of so many
 * workers; takes over what the process before has left in offload->program. Needs CAP_BPF and
 * CAP_NET_ADMIN, unless everything is taken over. What cannot be had is logged. Returns 0, or
 * -errno if the server must not start without it. */
int kernel_offload_open(struct kernel_offload *offload, const struct config *config,
                        uint32_t workers);

/* Detaches the program and frees everything. Call it after worker_free. */
void kernel_offload_close(struct kernel_offload *offload);

/* Reads which interfaces the program receives frames by, without which it answers nothing: at the
 * start, and after each change of the host's interfaces. Returns false if that has failed and
 * should be done again: it is logged, and the program goes on with the interfaces that it knows. */
bool kernel_offload_follow_interfaces(const struct kernel_offload *offload);

/* Prepares a reply that workers are about to use: if the program can send its messages, they are
 * written into a set, whose turns the workers then share (reply_rotation_share_turns). Otherwise
 * the workers have the program pass on all datagrams. The set is free again when no worker uses the
 * reply any more. */
void kernel_offload_add_reply(struct kernel_offload *offload, struct reply *reply);

/* The mode of an interface (below count), as a word. */
const char *kernel_offload_mode(const struct kernel_offload *offload, size_t interface);

/* Why the program is not attached to an interface (below count) now, as a word for programs; NULL:
 * it is attached. *program is its number in the kernel, 0 unless it is attached. */
const char *kernel_offload_problem(const struct kernel_offload *offload, size_t interface,
                                   uint32_t *program);

/* In an upgrade, write the descriptors and the interfaces into the record, and read them before
 * kernel_offload_open. The clients are withdrawn before (server/workers/offload/worker_offload).
 * kernel_offload_take_over returns 0 or -errno. */
void kernel_offload_hand_over(const struct kernel_offload *offload, struct handover_writer *writer);
int kernel_offload_take_over(struct kernel_offload *offload, struct handover_reader *reader);

#endif
