#include "server/broadcast/remembered_confirmations.h"

#include <errno.h>
#include <string.h>

void remembered_confirmations_init(struct remembered_confirmations *remembered,
                                   enum confirmed_kind kind)
{
    remembered->count = 0;
    remembered->most = confirmed_kind_max(kind);
}

/* Removes the oldest job that has ended. Returns it, 0 if all are open. */
static uint64_t forget_oldest(struct remembered_confirmations *remembered)
{
    for (size_t i = 0; i < remembered->count; i++) {
        if (remembered->list[i].is_open)
            continue;
        uint64_t job = remembered->list[i].job;
        remembered->count--;
        memmove(&remembered->list[i], &remembered->list[i + 1],
                (remembered->count - i) * sizeof remembered->list[0]);
        return job;
    }
    return 0;
}

uint64_t remembered_confirmations_add(struct remembered_confirmations *remembered, uint64_t job)
{
    uint64_t forgotten = remembered->count == remembered->most ? forget_oldest(remembered) : 0;
    remembered->list[remembered->count].job = job;
    remembered->list[remembered->count++].is_open = true;
    return forgotten;
}

void remembered_confirmations_end(struct remembered_confirmations *remembered, uint64_t job)
{
    for (size_t i = 0; i < remembered->count; i++)
        if (remembered->list[i].job == job)
            remembered->list[i].is_open = false;
}

bool remembered_confirmations_contain(const struct remembered_confirmations *remembered,
                                      uint64_t job)
{
    for (size_t i = 0; i < remembered->count; i++)
        if (remembered->list[i].job == job)
            return true;
    return false;
}

void remembered_confirmations_hand_over(const struct remembered_confirmations *remembered,
                                        struct handover_writer *writer)
{
    handover_put32(writer, (uint32_t)remembered->count);
    for (size_t i = 0; i < remembered->count; i++) {
        handover_put64(writer, remembered->list[i].job);
        handover_put8(writer, remembered->list[i].is_open);
    }
}

int remembered_confirmations_take_over(struct remembered_confirmations *remembered,
                                       struct handover_reader *reader)
{
    uint32_t count = handover_get32(reader);
    if (count > remembered->most)
        return -EPROTO;
    for (uint32_t i = 0; i < count; i++) {
        remembered->list[i].job = handover_get64(reader);
        remembered->list[i].is_open = handover_get8(reader) != 0;
    }
    remembered->count = count;
    return reader->failed ? -EPROTO : 0;
}
