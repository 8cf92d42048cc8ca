#include "net/offload/offload_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct offload *offload_state_new(uint32_t records, uint32_t workers)
{
    struct offload *offload = calloc(1, sizeof *offload);

    if (offload == NULL)
        return NULL;
    offload->records_count = records;
    offload->workers_count = workers;
    offload->program = -1;
    for (size_t i = 0; i < OFFLOAD_TABLES; i++)
        offload->tables[i] = -1;
    for (size_t i = 0; i < OFFLOAD_LINKS_MAX; i++)
        offload->links[i] = -1;
    return offload;
}

static size_t records_bytes(const struct offload *offload)
{
    return offload->records_count * sizeof *offload->records;
}

static size_t workers_bytes(const struct offload *offload)
{
    return offload->workers_count * sizeof *offload->workers;
}

static size_t rotations_bytes(void)
{
    return OFFLOAD_ROTATIONS * sizeof(struct offload_rotation);
}

/* Returns NULL if it fails (errno). */
static void *map_table(const struct offload *offload, enum offload_table table, size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, offload->tables[table], 0);

    return memory != MAP_FAILED ? memory : NULL;
}

int offload_state_map(struct offload *offload)
{
    offload->records = map_table(offload, TABLE_RECORDS, records_bytes(offload));
    if (offload->records == NULL)
        return -errno;
    offload->workers = map_table(offload, TABLE_WORKERS, workers_bytes(offload));
    if (offload->workers == NULL)
        return -errno;
    offload->rotations = map_table(offload, TABLE_ROTATIONS, rotations_bytes());
    return offload->rotations != NULL ? 0 : -errno;
}

static void unmap(void *memory, size_t bytes)
{
    if (memory != NULL)
        munmap(memory, bytes);
}

static void close_all(const int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (descriptors[i] >= 0)
            close(descriptors[i]);
}

void offload_state_free(struct offload *offload)
{
    close_all(offload->links, offload->link_count);
    close_all(&offload->program, 1);
    unmap(offload->records, records_bytes(offload));
    unmap(offload->workers, workers_bytes(offload));
    unmap(offload->rotations, rotations_bytes());
    close_all(offload->tables, OFFLOAD_TABLES);
    free(offload);
}
