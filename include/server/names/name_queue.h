#ifndef SERVER_NAMES_NAME_QUEUE_H
#define SERVER_NAMES_NAME_QUEUE_H

#include "address/device_name.h"
#include "base/spsc_ring.h"
#include "os/loop/mailbox.h"
#include "registry/names/client_names.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The queue of claims, the names of hellos, and of clients that are gone, from one worker to the
 * main thread, which owns the table of names. As in server/events/event_queue, it is a ring of
 * fixed size, whose mailbox message wakes the main thread once for all claims until it has looked.
 *
 * A client has at most one claim on its way, so that one client cannot fill the queue: a bit for
 * each slot of the worker's registry, set until the claim has come back as an order. A claim beyond
 * that, or without room, is not taken; its client gets no answer, and asks again. A client that is
 * gone needs no bit, since it can be gone only once.
 *
 * The main thread owns the queue, and frees it when no worker runs, and after its own mailbox. */
struct name_queue {
    struct mailbox_message wake; /* first; its handle is set by the main thread */
    struct mailbox *mailbox;     /* of the main thread */
    void *owner;                 /* for the handle */
    _Atomic bool is_woken;     /* the wake-up was posted, and the main thread has not looked yet */
    _Atomic uint64_t *numbers; /* the last number of a claim or removal, of all workers */
    struct spsc_ring ring;
    void *memory;
    uint8_t *claiming; /* the worker's: a bit for each slot whose client has a claim on its way */
    size_t claiming_bytes;
};

/* A client has asked for a name, and may have it; or a client is gone. */
struct name_claim {
    struct name_holder holder; /* name_queue_add sets its number */
    uint64_t claimed_ms;       /* when its hello was received */
    uint64_t check_ms;         /* the client cannot have expired before */
    uint32_t slot;             /* of the client in the worker's registry */
    struct device_name name;
    bool is_gone; /* the client with holder.key that joined before holder.join_number has left or
                     was kicked; the times, slot and name are not used */
    uint64_t events_mark; /* if it is gone: event_queue_mark of its worker when it went */
};

enum {
    /* For each worker: 7,200 claims, which at 10,000 a second bridge a pause of the main thread of
     * 0.7 s. The kernel commits the memory when it is used. */
    NAME_QUEUE_BYTES = 1 << 20,
};

/* Reserves the memory, for a registry of that many slots. numbers is shared by the queues of all
 * workers. handle is called in the thread of the mailbox when there are claims. Returns 0 or
 * -ENOMEM. */
int name_queue_open(struct name_queue **queue, struct mailbox *mailbox, _Atomic uint64_t *numbers,
                    uint32_t slots, void (*handle)(struct mailbox_message *wake), void *owner);
void name_queue_free(struct name_queue *queue);

/* For the worker: hands a claim over. Returns false if there is no room, or if the client in that
 * slot has a claim on its way. */
bool name_queue_add(struct name_queue *queue, const struct name_claim *claim);

/* For the worker: a claim of that slot was decided. */
void name_queue_end(struct name_queue *queue, uint32_t slot);

/* For the worker: the next number of the sequence of claims and removals. The numbers that one
 * thread takes increase. */
uint64_t name_queue_number(struct name_queue *queue);

/* For the worker: a client of it that may have a name is gone, the one with that key that has
 * joined before the worker's clients got that join number. What it has claimed before, and the
 * events before events_mark, come first. Without room the name is free at its next check. */
void name_queue_add_gone(struct name_queue *queue, const struct client_key *key, uint32_t worker,
                         uint64_t joined_before, uint64_t events_mark);

/* For the main thread. It calls name_queue_acknowledge when it handles the wake-up, before it looks
 * for claims: claims that come later wake it again. name_queue_front returns the oldest claim, or
 * NULL, and name_queue_release frees that. */
void name_queue_acknowledge(struct name_queue *queue);
const struct name_claim *name_queue_front(struct name_queue *queue);
void name_queue_release(struct name_queue *queue);

#endif
