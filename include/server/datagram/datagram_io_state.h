#ifndef SERVER_DATAGRAM_DATAGRAM_IO_STATE_H
#define SERVER_DATAGRAM_DATAGRAM_IO_STATE_H

#include "os/loop/timer.h"
#include "server/datagram/datagram_io_options.h"
#include "server/send/reply_queue.h"

/* The state of a datagram_io, for the modules datagram_io and datagram_io_handover only. */

/* The replies and copies that leave by one interface. */
struct datagram_io_slot {
    struct datagram_io *io;
    struct send_socket replies, copies;
    struct batch *batch; /* replies to the current batch; empty between batches, unless it blocks */
    struct interface_reply_queue queue; /* earlier replies, for which the socket had no space */
    struct loop_task resume;            /* runs when the socket has space again */
};

struct datagram_io {
    struct datagram_io_options options;
    struct loop_handler handler;
    struct batch *received;
    struct datagram_answers answers; /* to the current batch */
    struct send_socket_slots interfaces;
    struct datagram_io_slot slots[SEND_SOCKET_SLOTS_COUNT];
    size_t slot_count;
    struct reply_queue queued; /* the memory of the slots' queues */
    bool blocked; /* replies wait for the only send socket; nothing is received meanwhile */
    bool paused;  /* receiving failed less than RETRY_NS ago */
    struct loop_timer retry;  /* ends the pause; opened at the first pause */
    struct reply *blocked_on; /* the messages that they point to, kept through a reload */
    uint32_t drops;           /* the kernel's counter when it was last read */
    bool counts_drops;        /* datagram_io_start_counting_drops was called */
};

#endif
