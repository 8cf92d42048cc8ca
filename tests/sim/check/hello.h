#ifndef SIM_CHECK_HELLO_H
#define SIM_CHECK_HELLO_H

#include "sim/check/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The oracle of hellos: what a hello is, who gets an answer, and which clients want frames. It
 * shares no code with the product. */

/* Whether what follows the type of a frame is that of a hello. */
bool hello_is_valid(const uint8_t *body, size_t size);

/* A datagram was received, before the model has applied it: stays_sure, is_possible: the client is
 * certainly or possibly registered; registers: the datagram renews or registers it. */
void hello_received(struct model_entry *entry, const uint8_t *bytes, size_t size, bool stays_sure,
                    bool is_possible, enum chance registers);

/* A named of that size was queued as the answer to a datagram. */
void hello_answer(const uint8_t *request, size_t request_size, size_t size);
/* A named was sent to that source. */
void hello_answered(const struct model_entry *entry);

/* Whether a datagram of a client that is registered may be dropped for its rate. */
bool hello_may_be_limited(void);

/* The registry states of a client whether it wants frames. */
void hello_check(const struct model_entry *entry, bool frames);

#endif
