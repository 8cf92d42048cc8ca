#ifndef SERVER_UPGRADE_HAND_OVER_H
#define SERVER_UPGRADE_HAND_OVER_H

#include "base/handover.h"
#include "os/process/memory.h"
#include "server/server_state.h"

#include <stdbool.h>

/* What this process hands over to its successor, in two packages of records. Each part of the
 * server writes its own records; this module calls them in order. server/upgrade/take_over reads
 * them. */

/* The types of the records. */
enum handover_type {
    /* First package: what the successor needs to open its sockets and to reserve its memory. */
    HANDOVER_SERVER = 1, /* version of the handover, start of the server */
    HANDOVER_SOCKETS,    /* of the service */
    HANDOVER_CONTROL,    /* the socket of operators, or of observers: a record for each */
    HANDOVER_METRICS,    /* the socket of metrics.listen */
    HANDOVER_STATE_LOCK, /* of the state file */
    HANDOVER_MANAGER,    /* the socket to the service manager */
    HANDOVER_MEMORY,     /* of the clients */
    HANDOVER_OFFLOAD,    /* the program of the offload, its tables and interfaces */
    /* Second package: what changes while the server runs. */
    HANDOVER_LISTENERS = 32, /* their addresses, by number: before all that refers to numbers */
    HANDOVER_CLIENTS,        /* with the counters */
    HANDOVER_REPLIES,        /* of one worker; after its counters: server/workers/handover */
    HANDOVER_STREAMS,        /* likewise, of the first worker */
    HANDOVER_BROADCASTS,     /* after the clients: server/upgrade/broadcast_handover */
    HANDOVER_PUBLISHES,      /* the publish streams and their gaps, after the broadcasts */
    HANDOVER_END = 64,       /* the last record of each package */
};

/* Goes up whenever a record changes its form: a successor with another one refuses. */
enum { HANDOVER_VERSION = 1 };

/* Writes the first package, while the workers run. Returns 0 or -errno. */
int hand_over_first(const struct server *server, struct handover_writer *writer);

/* Writes the second package, while the workers are held. If the clients are copied, *copy has to be
 * kept until it is sent. Returns 0 or -errno. */
int hand_over_second(const struct server *server, bool copies_clients, struct shared_memory *copy,
                     struct handover_writer *writer);

#endif
