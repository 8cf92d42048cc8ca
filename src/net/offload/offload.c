#include "net/offload/offload.h"

#include "net/offload/bpf_call.h"
#include "net/offload/offload_index.h"
#include "net/offload/offload_ingress.h"
#include "net/offload/offload_message.h"
#include "net/offload/offload_state.h"
#include "offload/copy_tables.h"
#include "os/process/random.h"

#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The most processors that Linux can be built for (NR_CPUS of x86). */
enum { PROCESSORS_MAX = 8192 };

_Static_assert((int)OFFLOAD_LINKS_MAX == (int)OFFLOAD_INTERFACES_MAX, "a link for each interface");

/* ---- opening ---- */

/* The kernel writes one value for each processor that it could ever have, and none of the places
 * that have their number, such as sysconf(3), is certain: this writes beyond no buffer. */
static int count_processors(struct offload *offload)
{
    const uint32_t index = 0;
    uint64_t *values = malloc(PROCESSORS_MAX * sizeof values[0]);

    if (values == NULL)
        return -ENOMEM;
    memset(values, 0xff, PROCESSORS_MAX * sizeof values[0]);
    int error = bpf_table_get(offload->tables[TABLE_COUNTERS], &index, values);
    /* All counters of the new table are 0. */
    while (!error && offload->processors < PROCESSORS_MAX && values[offload->processors] == 0)
        offload->processors++;
    free(values);
    return error;
}

/* By which the program knows its runs for copies. */
static int draw_tokens(struct offload *offload)
{
    struct offload_copy_run *runs = offload->memory[TABLE_COPY_RUNS];
    int error = 0;

    for (uint32_t i = 0; !error && i < offload->size.senders; i++)
        error = random_fill(&runs[i].token, sizeof runs[i].token);
    return error;
}

static int open_all(struct offload *offload, const char **failed)
{
    for (size_t i = 0; i < OFFLOAD_TABLES; i++) {
        offload->tables[i] = offload_table_create((enum offload_table)i, &offload->size, failed);
        if (offload->tables[i] < 0)
            return offload->tables[i];
    }
    *failed = "memory of the tables";
    int error = offload_state_map(offload);
    if (!error)
        error = count_processors(offload);
    if (error)
        return error;
    *failed = "random numbers";
    error = draw_tokens(offload);
    if (!error)
        error = offload_index_init(offload->memory[TABLE_INDEX], offload->size.records);
    if (error)
        return error;
    *failed = "program";
    offload->program = offload_program_load(offload->tables, NULL, 0);
    return offload->program >= 0 ? 0 : offload->program;
}

/* Whether the largest table has a size that a process can have. */
static bool can_be_mapped(const struct offload_size *size)
{
    const size_t bytes = offload_table_bytes(TABLE_RECORDS, size);

    return bytes / sizeof(struct offload_record) == size->records;
}

int offload_open(struct offload **offload, const struct offload_size *size, const char **failed)
{
    *offload = NULL;
    *failed = "records of clients";
    if (size->records >= 1u << OFFLOAD_RECORD_BITS || !can_be_mapped(size))
        return -E2BIG;
    *failed = "memory of the offload";
    *offload = offload_state_new(size);
    if (*offload == NULL)
        return -ENOMEM;
    int error = open_all(*offload, failed);
    if (error) {
        offload_close(*offload);
        *offload = NULL;
    }
    return error;
}

void offload_close(struct offload *offload)
{
    if (offload != NULL)
        offload_state_free(offload);
}

/* ---- interfaces ---- */

int offload_attach(struct offload *offload, const char *interface, enum offload_mode mode)
{
    if (offload->link_count == OFFLOAD_INTERFACES_MAX)
        return -ENOSPC;
    unsigned index = if_nametoindex(interface);
    if (index == 0)
        return -errno;
    int link = bpf_link_create(offload->program, index,
                               mode == OFFLOAD_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
    if (link < 0)
        return link;
    offload->are_native[offload->link_count] = mode == OFFLOAD_NATIVE;
    offload->indexes[offload->link_count] = index;
    offload->links[offload->link_count++] = link;
    return 0;
}

int offload_is_attached(const struct offload *offload, size_t number, uint32_t *program)
{
    struct bpf_attachment found;

    *program = 0;
    if (number >= offload->link_count)
        return 0;
    int error = bpf_link_read(offload->links[number], &found);
    if (error)
        return error;
    if (found.interface != 0)
        *program = found.program;
    return found.interface != 0;
}

int offload_update_ingress(struct offload *offload)
{
    struct offload_attachment attachments[OFFLOAD_LINKS_MAX];
    struct interface_link *links;
    size_t count;
    int error = interface_links_read(&links, &count);

    if (error)
        return error;
    for (size_t i = 0; i < offload->link_count; i++)
        attachments[i] = (struct offload_attachment){offload->indexes[i], !offload->are_native[i]};
    offload_ingress_update(offload->memory[TABLE_INGRESS], attachments, offload->link_count, links,
                           count);
    free(links);
    return 0;
}

bool offload_receives_by(const struct offload *offload, uint32_t interface)
{
    return offload_ingress_is_upper(offload->memory[TABLE_INGRESS], interface);
}

static bool read_link(int socket, const char *name, struct offload_link *link)
{
    struct ifreq request;

    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, name, sizeof request.ifr_name);
    if (ioctl(socket, SIOCGIFFLAGS, &request) != 0 ||
        (request.ifr_flags & (IFF_UP | IFF_RUNNING)) != (IFF_UP | IFF_RUNNING) ||
        ioctl(socket, SIOCGIFMTU, &request) != 0)
        return false;
    link->mtu = (uint32_t)request.ifr_mtu;
    if (ioctl(socket, SIOCGIFHWADDR, &request) != 0 || request.ifr_hwaddr.sa_family != ARPHRD_ETHER)
        return false;
    memcpy(link->ethernet, request.ifr_hwaddr.sa_data, sizeof link->ethernet);
    return true;
}

/* The link of bpf(2) is not asked, which would wait for each change of an interface of the host. */
bool offload_link(const struct offload *offload, size_t number, struct offload_link *link)
{
    char name[IF_NAMESIZE] = "";

    if (number >= offload->link_count || !offload->are_native[number] ||
        if_indextoname(offload->indexes[number], name) == NULL)
        return false;
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return false;
    link->index = offload->indexes[number];
    bool is_up = read_link(descriptor, name, link);
    close(descriptor);
    return is_up;
}

/* ---- shared memory ---- */

struct offload_record *offload_records(struct offload *offload)
{
    return offload->memory[TABLE_RECORDS];
}

struct offload_worker *offload_workers(struct offload *offload)
{
    return offload->memory[TABLE_WORKERS];
}

struct offload_rotation *offload_rotations(struct offload *offload)
{
    return offload->memory[TABLE_ROTATIONS];
}

struct shared_memory offload_rate_limiter(const struct offload *offload)
{
    return (struct shared_memory){
        .memory = offload->memory[TABLE_RATE_BUCKETS],
        .bytes = offload_table_bytes(TABLE_RATE_BUCKETS, &offload->size),
        .descriptor = offload->tables[TABLE_RATE_BUCKETS],
    };
}

/* ---- messages ---- */

int offload_set_message(struct offload *offload, uint32_t rotation, uint32_t number,
                        const uint8_t *bytes, size_t size)
{
    const uint32_t index = rotation * OFFLOAD_MESSAGES_MAX + number;
    struct offload_message message;

    if (rotation >= OFFLOAD_ROTATIONS || number >= OFFLOAD_MESSAGES_MAX)
        return -EINVAL;
    int error = offload_message_set(&message, bytes, size);
    return error ? error : bpf_table_set(offload->tables[TABLE_MESSAGES], &index, &message);
}

/* ---- clients ---- */

static struct offload_index index_of(struct offload *offload)
{
    return (struct offload_index){.head = offload->memory[TABLE_INDEX],
                                  .records = offload->memory[TABLE_RECORDS]};
}

int offload_add(struct offload *offload, const struct addr *source, const struct addr *local,
                const struct offload_client *client)
{
    const struct offload_index index = index_of(offload);

    return offload_index_add(&index, source, local, client);
}

void offload_remove(struct offload *offload, uint32_t record)
{
    const struct offload_index index = index_of(offload);

    offload_index_remove(&index, record);
}

/* ---- counters ---- */

int offload_counters(const struct offload *offload, uint32_t worker,
                     uint64_t counters[OFFLOAD_COUNTERS])
{
    uint64_t *values = calloc(offload->processors, sizeof values[0]);
    int error = values != NULL ? 0 : -ENOMEM;

    memset(counters, 0, OFFLOAD_COUNTERS * sizeof counters[0]);
    for (uint32_t i = 0; !error && i < OFFLOAD_COUNTERS; i++) {
        const uint32_t index = worker * OFFLOAD_COUNTERS + i;
        error = bpf_table_get(offload->tables[TABLE_COUNTERS], &index, values);
        for (size_t p = 0; !error && p < offload->processors; p++)
            counters[i] += values[p];
    }
    free(values);
    return error;
}
