#ifndef SERVER_UPGRADE_CLIENT_TAKEOVER_H
#define SERVER_UPGRADE_CLIENT_TAKEOVER_H

#include "base/handover.h"
#include "server/server_state.h"
#include "server/state/state_encoder.h"
#include "server/state/state_restore.h"

#include <stdbool.h>

/* The clients in an upgrade: the registries of all workers, the tables that these share, names and
 * counters.
 *
 * The first package has the shared memory, which the successor maps while its predecessor uses it,
 * and what the memory depends on. If its configuration has other workers, listeners, names or
 * another clients.max, or its version another layout, the successor says that it needs a copy. So
 * the second package has either the numbers that are not in the memory, or all clients in the
 * format of the state file. */

/* Where the clients of this server are. */
struct state_sources client_takeover_sources(const struct server *server);

/* Where they are restored to; without a pause. */
struct state_restore_options client_takeover_restore_options(struct server *server);

/* Writes the record of the first package, while the workers run. */
void client_takeover_put_memory(const struct server *server, struct handover_writer *writer);

/* Reads it. Returns 0 or -errno. */
int client_takeover_get_memory(struct server *server, struct handover_reader *reader);

/* Decides whether the memory is used, once the sockets are open: server->handed->keeps_memory. Does
 * nothing in a process that was started otherwise. */
void client_takeover_decide(struct server *server);

/* Settles the names, while the workers are held, so that no claim and no message is under way. */
void client_takeover_settle(struct server *server);

/* Writes the record of the second package, while the workers are held; as a copy, into *copy, which
 * the caller keeps until the package is sent. Returns 0 or -errno. */
int client_takeover_put(const struct server *server, bool is_copy, struct shared_memory *copy,
                        struct handover_writer *writer);

/* Reads it, before the workers are started. Nothing that is the predecessor's is changed. Returns 0
 * or -errno. */
int client_takeover_get(struct server *server, struct handover_reader *reader);

/* Closes the memory that is not used, and frees server->handed. */
void client_takeover_end(struct server *server);

#endif
