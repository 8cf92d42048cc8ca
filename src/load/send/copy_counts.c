#include "load/send/copy_counts.h"

#include <stdlib.h>
#include <string.h>

/* A client's byte: a flag, and the number of its copies, which stays at the maximum. */
enum { REGISTERED = 0x80, COPIES = 0x7f };

struct copy_counts {
    uint32_t count;
    uint8_t *clients;
    uint64_t doubled;
    struct histogram delays;
};

struct copy_counts *copy_counts_new(uint32_t clients)
{
    struct copy_counts *copies = calloc(1, sizeof *copies);
    if (!copies)
        return NULL;
    copies->count = clients;
    copies->clients = calloc(clients, 1);
    histogram_init(&copies->delays);
    if (!copies->clients) {
        free(copies);
        return NULL;
    }
    return copies;
}

void copy_counts_free(struct copy_counts *copies)
{
    if (!copies)
        return;
    free(copies->clients);
    free(copies);
}

void copy_counts_register(struct copy_counts *copies, uint32_t client)
{
    copies->clients[client] |= REGISTERED;
}

bool copy_counts_is_registered(const struct copy_counts *copies, uint32_t client)
{
    return copies->clients[client] & REGISTERED;
}

bool copy_counts_add(struct copy_counts *copies, uint32_t client,
                     const struct copy_counts_payload *payload, const void *bytes, size_t size,
                     uint64_t now_ns)
{
    if (size != payload->size || memcmp(bytes, payload->bytes, size) != 0)
        return false;
    uint8_t *entry = &copies->clients[client];
    if (!(*entry & REGISTERED))
        return true;
    if (*entry & COPIES)
        copies->doubled++;
    else
        histogram_add(&copies->delays, now_ns - payload->start_ns);
    if ((*entry & COPIES) != COPIES)
        ++*entry;
    return true;
}

void copy_counts_take_tally(struct copy_counts *copies, struct copy_counts_tally *tally)
{
    tally->expected = tally->received = 0;
    for (uint32_t i = 0; i < copies->count; i++) {
        tally->expected += (copies->clients[i] & REGISTERED) != 0;
        tally->received += (copies->clients[i] & COPIES) != 0;
        copies->clients[i] &= REGISTERED;
    }
    tally->doubled = copies->doubled;
    tally->delays = copies->delays;
    copies->doubled = 0;
    histogram_init(&copies->delays);
}
