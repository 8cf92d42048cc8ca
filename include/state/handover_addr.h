#ifndef STATE_HANDOVER_ADDR_H
#define STATE_HANDOVER_ADDR_H

#include "address/addr.h"
#include "base/handover.h"

/* Add an address to the record of a handover, and read one. handover_get_addr returns an address of
 * family ADDR_NONE if the read fails, or the family is unknown, which sets reader->failed, too. */
void handover_put_addr(struct handover_writer *writer, const struct addr *addr);
struct addr handover_get_addr(struct handover_reader *reader);

#endif
