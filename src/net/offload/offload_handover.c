#include "net/offload/offload_handover.h"

#include "admission/rate_limiter.h"
#include "net/offload/offload_state.h"
#include "offload/client_index.h"
#include "offload/copy_tables.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

/* Of the tables and of what the program does with them. LAYOUT_VERSION changes with a change that
 * no size shows. */
static uint64_t layout(void)
{
    enum { LAYOUT_VERSION = 4 };
    const uint64_t values[] = {LAYOUT_VERSION,
                               rate_limiter_layout(),
                               OFFLOAD_TABLES,
                               OFFLOAD_TAG_BITS,
                               OFFLOAD_MESSAGES_MAX,
                               OFFLOAD_ROTATIONS,
                               OFFLOAD_COUNTERS,
                               OFFLOAD_RECORD_BITS,
                               OFFLOAD_LINE_CLIENTS,
                               OFFLOAD_LINE_RECORDS,
                               sizeof(struct offload_index_head),
                               sizeof(struct offload_ingress),
                               sizeof(struct offload_worker),
                               sizeof(struct offload_record),
                               sizeof(struct offload_rotation),
                               sizeof(struct offload_message),
                               OFFLOAD_COPIES_MAX,
                               OFFLOAD_COPY_MESSAGES,
                               sizeof(struct offload_copy),
                               sizeof(struct offload_copy_run)};

    return handover_layout(values, sizeof values / sizeof values[0]);
}

void offload_hand_over(const struct offload *offload, struct handover_writer *writer)
{
    handover_put64(writer, layout());
    handover_put8(writer, (uint8_t)(OFFLOAD_TABLES + 1 + offload->link_count));
    for (size_t i = 0; i < OFFLOAD_TABLES; i++)
        handover_put_descriptor(writer, offload->tables[i]);
    handover_put_descriptor(writer, offload->program);
    for (size_t i = 0; i < offload->link_count; i++)
        handover_put_descriptor(writer, offload->links[i]);
    handover_put32(writer, offload->size.records);
    handover_put32(writer, offload->size.workers);
    handover_put32(writer, offload->size.senders);
    handover_put32(writer, offload->processors);
    for (size_t i = 0; i < offload->link_count; i++) {
        handover_put8(writer, offload->are_native[i]);
        handover_put32(writer, offload->indexes[i]);
    }
}

static void take_descriptors(struct offload *offload, struct handover_reader *reader)
{
    for (size_t i = 0; i < OFFLOAD_TABLES; i++)
        offload->tables[i] = handover_get_descriptor(reader);
    offload->program = handover_get_descriptor(reader);
    for (size_t i = 0; i < offload->link_count; i++)
        offload->links[i] = handover_get_descriptor(reader);
}

static void take_numbers(struct offload *offload, struct handover_reader *reader)
{
    offload->size.records = handover_get32(reader);
    offload->size.workers = handover_get32(reader);
    offload->size.senders = handover_get32(reader);
    offload->processors = handover_get32(reader);
    for (size_t i = 0; i < offload->link_count; i++) {
        offload->are_native[i] = handover_get8(reader) != 0;
        offload->indexes[i] = handover_get32(reader);
    }
}

/* Skips a record that is not taken. */
static void skip(struct handover_reader *reader, size_t descriptors)
{
    for (size_t i = 0; i < descriptors; i++) {
        int descriptor = handover_get_descriptor(reader);
        if (descriptor >= 0)
            close(descriptor);
    }
    handover_skip(reader);
}

static int take_all(struct offload *offload, struct handover_reader *reader)
{
    take_descriptors(offload, reader);
    take_numbers(offload, reader);
    return reader->failed ? -EPROTO : offload_state_map(offload);
}

int offload_take_over(struct offload **offload, struct handover_reader *reader)
{
    const bool has_this_layout = handover_get64(reader) == layout();
    const size_t descriptors = handover_get8(reader), without_links = OFFLOAD_TABLES + 1;
    const bool fits = has_this_layout && descriptors >= without_links &&
                      descriptors <= without_links + OFFLOAD_LINKS_MAX;
    const struct offload_size none = {.records = 0};
    struct offload *taken = fits ? offload_state_new(&none) : NULL;

    *offload = NULL;
    if (taken == NULL) {
        skip(reader, descriptors);
        return fits ? -ENOMEM : -EPROTO;
    }
    taken->link_count = descriptors - without_links;
    int error = take_all(taken, reader);
    if (error)
        offload_state_free(taken);
    else
        *offload = taken;
    return error;
}
