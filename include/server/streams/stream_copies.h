#ifndef SERVER_STREAMS_STREAM_COPIES_H
#define SERVER_STREAMS_STREAM_COPIES_H

#include "server/broadcast/recipients.h"
#include "server/streams/stream_table.h"

/* Copies of broadcasts and relayed messages to stream clients. The targets are the clients that are
 * connected when a shard job starts, and match its selector at their turn. No copy counts as
 * failed: one to a client that has left, or is disconnected by the copy, is skipped. */
struct recipients stream_copies_recipients(struct stream_clients *table);

#endif
