#ifndef NET_OFFLOAD_OFFLOAD_COPIES_H
#define NET_OFFLOAD_OFFLOAD_COPIES_H

#include "net/offload/offload.h"
#include "offload/copy_tables.h"

#include <stddef.h>
#include <stdint.h>

/* Sends the copies of a broadcast as Ethernet frames, past the network stack: the program of the
 * offload makes them (offload/copy_tables), and the driver of an interface sends them. A frame
 * costs about a seventh of a datagram by a socket. Frames that the driver drops are only in its
 * statistics.
 *
 * Each of the first workers, offload_copies_senders of them, has a part of the tables. It is used
 * by the worker's thread. */

uint32_t offload_copies_senders(const struct offload *offload);

/* Sets a worker's message of a number below OFFLOAD_COPY_MESSAGES. Returns 0, or -EMSGSIZE if it
 * has more than OFFLOAD_MESSAGE_BYTES. */
int offload_copies_set_message(struct offload *offload, uint32_t worker, uint32_t number,
                               const uint8_t *bytes, size_t size);

/* The copies of a worker, an array of OFFLOAD_COPIES_MAX. */
struct offload_copy *offload_copies(struct offload *offload, uint32_t worker);

/* Sends a worker's first `count` copies (1 to OFFLOAD_COPIES_MAX), whose is_made is 0 before, and 1
 * afterwards if the frame was made and given to its interface. What the driver does with it then is
 * not known: a full queue of the driver drops frames. Returns 0 if the kernel has run the program
 * for all of them, or -errno. */
int offload_copies_send(struct offload *offload, uint32_t worker, uint32_t count);

#endif
