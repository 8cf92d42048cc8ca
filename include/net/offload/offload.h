#ifndef NET_OFFLOAD_OFFLOAD_H
#define NET_OFFLOAD_OFFLOAD_H

#include "address/addr.h"
#include "offload/offload_tables.h"
#include "os/process/memory.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The program of the offload in the kernel, its tables, and the interfaces that it is attached to
 * (XDP, bpf(2), Linux 5.19: bpf_xdp_store_bytes, and calls without CAP_BPF). offload/offload_tables
 * has the memory that the server shares with the program, and what the program does with it.
 *
 * offload_open and offload_attach need CAP_BPF and CAP_NET_ADMIN; everything else works after these
 * were given up. The kernel detaches the program when the last process that has the descriptors
 * ends, however it ends. Nothing is pinned. */
struct offload;

/* Creates the tables and loads the program, attached to nothing. Returns 0 or -errno; *failed is
 * then what could not be done, a static string ("index of clients", "program"). -EPERM: a
 * capability is missing. -EOPNOTSUPP: the kernel has no bpf(2), or the host cannot do it. */
int offload_open(struct offload **offload, const struct offload_size *size, const char **failed);

/* Detaches the program from all interfaces, unless another process has the descriptors, too, and
 * frees everything. NULL is ignored. */
void offload_close(struct offload *offload);

enum offload_mode {
    OFFLOAD_NATIVE,  /* in the driver */
    OFFLOAD_GENERIC, /* in the kernel's generic receive path: works with each driver, gains less */
};

/* Attaches the program to an interface, at most OFFLOAD_INTERFACES_MAX. Returns 0 or -errno:
 * -ENODEV (no such interface), -EOPNOTSUPP (its driver has no native mode), -EBUSY or -EEXIST
 * (another program is attached there), -EPERM. */
int offload_attach(struct offload *offload, const char *interface, enum offload_mode mode);

enum { OFFLOAD_INTERFACES_MAX = 16 };

/* Returns 1 if the program is still attached to the interface of that number, by the order of the
 * calls of offload_attach that returned 0; 0 once the interface is deleted; -errno if that cannot
 * be found out. *program is its number in the kernel (bpftool prog), 0 unless it is attached. */
int offload_is_attached(const struct offload *offload, size_t number, uint32_t *program);

/* Reads which interfaces the program receives frames by, and by which ones the network stack then
 * receives their datagrams: after offload_attach, and after each change of the host's interfaces.
 * Until then the program passes everything on. Returns 0 or -errno; nothing has changed then. Main
 * thread. */
int offload_update_ingress(struct offload *offload);

/* Whether the program sees the frames whose datagrams the network stack receives by that interface,
 * which the sockets report. The program answers only for clients of such interfaces (offload_add).
 * Any thread. */
bool offload_receives_by(const struct offload *offload, uint32_t interface);

/* The link of an interface: what frames that leave by it are made of. */
struct offload_link {
    uint32_t index; /* of the interface */
    uint32_t mtu;   /* bytes of an IP packet */
    uint8_t ethernet[6];
};

/* Reads the link of an interface by its number, likewise. Returns false if frames cannot be sent
 * by it (net/offload/offload_copies): the program was not attached in native mode, without which
 * the driver need not be able to; or the interface is down, or was deleted. */
bool offload_link(const struct offload *offload, size_t number, struct offload_link *link);

/* The memory that is shared with the program: an array of records, of the settings of each worker
 * (all begin as 0, which is OFFLOAD_PASS), and of rotations. It ends with offload_close. */
struct offload_record *offload_records(struct offload *offload);
struct offload_worker *offload_workers(struct offload *offload);
struct offload_rotation *offload_rotations(struct offload *offload);

/* The memory of the rate limiter that the workers share with the program (admission/rate_limiter):
 * it begins as 0, which is no limiter. It and its descriptor belong to the offload. Another process
 * can map the descriptor (memory_map_shared), and keeps the table then, also without the offload.
 */
struct shared_memory offload_rate_limiter(const struct offload *offload);

/* Writes a message of a rotation that no worker's settings name. message->sum is computed here.
 * Returns 0 or -errno. */
int offload_set_message(struct offload *offload, uint32_t rotation, uint32_t number,
                        const uint8_t *bytes, size_t size);

/* Enters a client in the tables: it sends from source (an IPv4 or IPv6 address without a scope) to
 * local, whose scope is the interface by which the network stack receives that, also in IPv4. Its
 * record has its tag already. An entry of the same addresses is replaced. Returns 0, or -E2BIG if
 * there is no room where it belongs, which is hardly ever so (OFFLOAD_LINE_CLIENTS). No system
 * call; called in the thread that has the record. */
int offload_add(struct offload *offload, const struct addr *source, const struct addr *local,
                const struct offload_client *client);

/* Removes the client of a record, likewise; one that was replaced is not there, and ignored. */
void offload_remove(struct offload *offload, uint32_t record);

/* Reads the counters of one worker, the sums of all processors. Returns 0 or -errno. Any thread. */
int offload_counters(const struct offload *offload, uint32_t worker,
                     uint64_t counters[OFFLOAD_COUNTERS]);

#endif
