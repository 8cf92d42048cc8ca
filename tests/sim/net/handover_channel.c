/* net/unix/handover_channel: there is no other process (tests/sim/os/child_process.c). */
#include "net/unix/handover_channel.h"

#include <errno.h>

int handover_channel_open(int ends[2])
{
    (void)ends;
    return -EMFILE;
}

int handover_channel_adopt(int channel)
{
    (void)channel;
    return -EPROTOTYPE;
}

void handover_channel_close(int channel)
{
    (void)channel;
}

int handover_channel_send(int channel, enum handover_kind kind, const char *text)
{
    (void)channel;
    (void)kind;
    (void)text;
    return -EPIPE;
}

int handover_channel_receive(int channel, struct handover_message *message, uint64_t until_ms)
{
    (void)channel;
    (void)message;
    (void)until_ms;
    return -EPIPE;
}

int handover_sending_begin(struct handover_sending *sending, const void *bytes, size_t size,
                           const int *descriptors, size_t count)
{
    (void)bytes;
    *sending = (struct handover_sending){
        .memory = -1, .size = size, .descriptors = descriptors, .count = count};
    return -ENOMEM;
}

int handover_sending_continue(struct handover_sending *sending, int channel, uint64_t until_ms)
{
    (void)sending;
    (void)channel;
    (void)until_ms;
    return -EPIPE;
}

void handover_sending_end(struct handover_sending *sending)
{
    (void)sending;
}

int handover_package_receive(int channel, struct handover_package *package, uint64_t until_ms)
{
    (void)channel;
    (void)until_ms;
    *package = (struct handover_package){.size = 0};
    return -EPIPE;
}

void handover_package_free(struct handover_package *package)
{
    (void)package;
}
