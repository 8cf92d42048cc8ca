#include "net/offload/offload_copies.h"

#include "net/offload/bpf_call.h"
#include "net/offload/offload_message.h"
#include "net/offload/offload_state.h"

#include <errno.h>

enum {
    HEADERS_BYTES_MAX = 14 + 40 + 8, /* Ethernet, IPv6, UDP */
};

/* What the kernel gives the program: the tag, and a frame that has room for the longest copy. */
struct live_frame {
    struct offload_copy_tag tag;
    uint8_t frame[HEADERS_BYTES_MAX + OFFLOAD_MESSAGE_BYTES];
};

uint32_t offload_copies_senders(const struct offload *offload)
{
    return offload->size.senders;
}

static struct offload_copy_run *run_of(struct offload *offload, uint32_t worker)
{
    return (struct offload_copy_run *)offload->memory[TABLE_COPY_RUNS] + worker;
}

static struct offload_message *messages_of(struct offload *offload, uint32_t worker)
{
    return (struct offload_message *)offload->memory[TABLE_COPY_MESSAGES] +
           (size_t)worker * OFFLOAD_COPY_MESSAGES;
}

int offload_copies_set_message(struct offload *offload, uint32_t worker, uint32_t number,
                               const uint8_t *bytes, size_t size)
{
    return offload_message_set(&messages_of(offload, worker)[number], bytes, size);
}

struct offload_copy *offload_copies(struct offload *offload, uint32_t worker)
{
    return (struct offload_copy *)offload->memory[TABLE_COPIES] +
           (size_t)worker * OFFLOAD_COPIES_MAX;
}

/* Of the frame that the kernel gives the program, which makes it shorter, and never longer. */
static uint32_t frame_bytes(struct offload *offload, uint32_t worker)
{
    const struct offload_message *messages = messages_of(offload, worker);
    uint32_t longest = 0;

    for (size_t i = 0; i < OFFLOAD_COPY_MESSAGES; i++)
        if (messages[i].size > longest)
            longest = messages[i].size;
    return HEADERS_BYTES_MAX + longest;
}

int offload_copies_send(struct offload *offload, uint32_t worker, uint32_t count)
{
    volatile struct offload_copy_run *run = run_of(offload, worker);
    const struct live_frame frame = {.tag = {worker, run->token}};
    const uint32_t bytes = frame_bytes(offload, worker);
    int error;

    run->next = 0;
    do {
        error = bpf_program_send_frames(offload->program, &frame, sizeof frame.tag, bytes,
                                        count - run->next);
    } while (error == -EINTR && run->next < count);
    return run->next >= count ? 0 : error;
}
