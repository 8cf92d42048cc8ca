#ifndef SERVER_PUBLISH_PUBLISH_RESTORE_H
#define SERVER_PUBLISH_PUBLISH_RESTORE_H

#include "server/publish/publish_streams.h"

/* Reads the journal of publish streams when the server starts. */

/* Reads the journal at a path into the table, which is empty, and logs which broadcasts are
 * uncertain. A journal that cannot be used is logged and kept aside, and the table stays empty.
 * Blocks the calling thread. */
void publish_restore(struct publish_streams *streams, const char *path);

#endif
