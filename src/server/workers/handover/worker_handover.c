#include "server/workers/handover/worker_handover.h"

#include "server/datagram/datagram_io_handover.h"
#include "server/streams/stream_handover.h"
#include "server/workers/worker_state.h"

#include <errno.h>

/* Which io of a listener a part of the record is for. */
enum {
    NO_IO,    /* the end */
    RECEIVER, /* that receives, and mostly sends, too */
    REPLIER,  /* that has the socket by which a multicast group replies */
};

static struct datagram_io *find_io(const struct worker *worker, uint8_t listener, uint8_t which)
{
    if (listener >= CONFIG_LISTEN_MAX)
        return NULL;
    return which == RECEIVER ? worker->io_by_listener[listener]
                             : first_worker_reply_io(worker->first_worker, listener);
}

void worker_hand_over_replies(const struct worker *worker, struct handover_writer *writer)
{
    for (uint8_t listener = 0; listener < CONFIG_LISTEN_MAX; listener++)
        for (uint8_t which = RECEIVER; which <= REPLIER; which++) {
            const struct datagram_io *io = find_io(worker, listener, which);
            if (io == NULL)
                continue;
            handover_put8(writer, which);
            handover_put8(writer, listener);
            datagram_io_hand_over(io, writer);
        }
    handover_put8(writer, NO_IO);
}

int worker_take_over_replies(struct worker *worker, struct handover_reader *reader,
                             const uint8_t *listeners)
{
    for (uint8_t which; (which = handover_get8(reader)) != NO_IO;) {
        uint8_t there = handover_get8(reader);
        if (which > REPLIER || there >= CONFIG_LISTEN_MAX)
            return -EPROTO;
        uint8_t listener = listeners[there];
        struct datagram_io *io = find_io(worker, listener, which);
        int error = io == NULL ? datagram_io_drop_handed_over(&worker->stats, reader)
                               : datagram_io_take_over(io, reader);
        if (error != 0)
            return error;
    }
    return handover_is_at_end(reader) ? 0 : -EPROTO;
}

void worker_hand_over_streams(const struct worker *worker, struct handover_writer *writer)
{
    stream_clients_hand_over(first_worker_streams(worker->first_worker), writer);
}

int worker_take_over_streams(struct worker *worker, struct handover_reader *reader,
                             const uint8_t *listeners)
{
    return stream_clients_take_over(first_worker_streams(worker->first_worker), reader, listeners,
                                    &worker->stats);
}
