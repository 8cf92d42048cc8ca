#ifndef NET_OFFLOAD_OFFLOAD_HANDOVER_H
#define NET_OFFLOAD_OFFLOAD_HANDOVER_H

#include "base/handover.h"
#include "net/offload/offload.h"

/* Hands an offload over to another process: the descriptors of its tables, its program and its
 * interfaces. Both processes share all of them from then on, so the program goes on without a pause
 * and is detached when the last one of them has closed it. */

/* Adds the offload to the current record. It stays as it is, and must be open until the other
 * process has the descriptors. */
void offload_hand_over(const struct offload *offload, struct handover_writer *writer);

/* Reads what offload_hand_over has written, and makes an offload of it, without any capability. The
 * program stays the one that the other process has loaded. Returns 0 or -errno, with *offload NULL
 * and no descriptor left open: -EPROTO: the record does not fit, or is of a version whose tables
 * have another layout. */
int offload_take_over(struct offload **offload, struct handover_reader *reader);

#endif
