#ifndef SIM_WORLD_CLIENTS_H
#define SIM_WORLD_CLIENTS_H

#include "address/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The clients that speak UDP: plain ones, some that prove their address, forgers, some that leave,
 * fall silent, vanish from their link or get another port. */

enum { CLIENTS_MAX = 5000 };

/* Draws them; they begin to act at once. */
void clients_draw(void);

/* The server will start again, maybe with another configuration: they act as before. */
void clients_begin_again(void);
/* Many send at once, or leave, so that their datagrams are received in one batch. */
void clients_rush(void);

/* While a snapshot of the state file is taken: most clients send a request, some after a leave or
 * before a hello, and all arrive within the time in which some slices are copied. */
void clients_churn(void);

/* One sends hundreds of requests, one after the other; none does if the drawn one is silent. */
void clients_flood(void);

/* They change nothing any more: each live client only sends a request each second. */
void clients_end_faults(void);
/* An interface may have another index. */
void clients_interfaces_changed(void);
/* They send nothing any more. */
void clients_stop(void);

size_t clients_count(void);

/* What the network has brought. */
void clients_receive(const struct addr *from, const struct addr *to, const uint8_t *bytes,
                     size_t size);

/* The address of a drawn client. */
const struct addr *clients_address(uint64_t any);

/* After clients_end_faults: a broadcast begins, which each client that is registered then and stays
 * so has to get. */
void clients_expect_broadcast(uint32_t number);
/* Whether each request of the last seconds was answered and, if it has begun, all have got the
 * expected broadcast; else a broken promise. */
void clients_check_liveness(bool has_begun);

#endif
