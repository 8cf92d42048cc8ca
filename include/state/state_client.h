#ifndef STATE_STATE_CLIENT_H
#define STATE_STATE_CLIENT_H

#include "address/addr.h"
#include "address/device_name.h"
#include "state/state_block.h"

#include <stdbool.h>
#include <stdint.h>

/* A client in a state file. A block of clients has the time of its copies (state_time), and then as
 * many of these records as fit. A client over IPv4 whose listener is bound to one address and that
 * has no name takes 32 bytes, with another local address 40; over IPv6 48 and 68. */

struct state_client {
    struct addr source;
    struct addr local;       /* that it sends to; family ADDR_NONE: the listener's */
    uint64_t join_number;    /* below 2 to the power of STATE_NUMBER_BITS */
    uint32_t left_ms;        /* until it expires, 1 at least */
    uint32_t idle_ms;        /* since its last datagram */
    uint32_t age_s;          /* since it joined */
    uint32_t received;       /* datagrams */
    uint8_t listener;        /* its number in state_server */
    bool frames;             /* it has asked for frames */
    struct device_name name; /* size 0: none */
};

/* The longest record: IPv6, another local address, the longest name. */
enum { STATE_CLIENT_BYTES_MAX = 1 + 1 + 2 + 20 + 20 + 8 + 4 * 4 + 1 + DEVICE_NAME_BYTES_MAX };

/* Adds a record to a block. Returns false, and changes nothing, if it does not fit. */
bool state_client_put(struct state_writer *block, const struct state_client *client);

/* Reads the next record of a block whose clients have one of listener_count listeners. Returns
 * false if it is no record that state_client_put writes. */
bool state_client_get(struct state_reader *block, size_t listener_count,
                      struct state_client *client);

#endif
