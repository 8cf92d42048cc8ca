#ifndef SERVER_BROADCAST_HANDOVER_VALUES_H
#define SERVER_BROADCAST_HANDOVER_VALUES_H

#include "server/broadcast/shard_job.h"
#include "state/handover_addr.h"

/* Values of which the records of a handover consist (base/handover), beside numbers and
 * addresses. Each is read as it was written; a read that fails sets reader->failed. */

void handover_put_selector(struct handover_writer *writer, const struct client_selector *selector);
struct client_selector handover_get_selector(struct handover_reader *reader);

void handover_put_only(struct handover_writer *writer, const struct only_client *only);
struct only_client handover_get_only(struct handover_reader *reader);

void handover_put_except(struct handover_writer *writer, const struct broadcast_except *except);
struct broadcast_except handover_get_except(struct handover_reader *reader);

#endif
