#include "net/offload/offload_state.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct offload *offload_state_new(const struct offload_size *size)
{
    struct offload *offload = calloc(1, sizeof *offload);

    if (offload == NULL)
        return NULL;
    offload->size = *size;
    offload->program = -1;
    for (size_t i = 0; i < OFFLOAD_TABLES; i++)
        offload->tables[i] = -1;
    for (size_t i = 0; i < OFFLOAD_LINKS_MAX; i++)
        offload->links[i] = -1;
    return offload;
}

int offload_state_map(struct offload *offload)
{
    for (size_t i = 0; i < OFFLOAD_TABLES; i++) {
        const size_t bytes = offload_table_bytes((enum offload_table)i, &offload->size);
        if (bytes == 0)
            continue;
        void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, offload->tables[i], 0);
        if (memory == MAP_FAILED)
            return -errno;
        offload->memory[i] = memory;
    }
    return 0;
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
    for (size_t i = 0; i < OFFLOAD_TABLES; i++)
        if (offload->memory[i] != NULL)
            munmap(offload->memory[i], offload_table_bytes((enum offload_table)i, &offload->size));
    close_all(offload->tables, OFFLOAD_TABLES);
    free(offload);
}
