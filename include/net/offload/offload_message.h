#ifndef NET_OFFLOAD_OFFLOAD_MESSAGE_H
#define NET_OFFLOAD_OFFLOAD_MESSAGE_H

#include "offload/offload_tables.h"

#include <stddef.h>

/* Fills in a message that a program of the offload sends, with its sum. Returns 0, or -EMSGSIZE if
 * size is above OFFLOAD_MESSAGE_BYTES. */
int offload_message_set(struct offload_message *message, const uint8_t *bytes, size_t size);

#endif
