#ifndef STATE_STATE_SERVER_H
#define STATE_STATE_SERVER_H

#include "config/config.h"
#include "state/state_block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first block of a state file: what its clients depend on. */

enum { STATE_BOOT_ID_BYTES = 16 };

struct state_server {
    uint64_t wall_ms;    /* when it was begun: CLOCK_REALTIME since 1970 */
    uint64_t last_job;   /* the id of the last broadcast, 0: there was none */
    bool clients_proven; /* admission.policy was cookie: each client has proven its address */
    bool names_proven;   /* clients.names was keyed: each name is proven by the key */
    uint8_t boot_id[STATE_BOOT_ID_BYTES]; /* of the kernel (random(4)): interfaces keep their
                                             numbers only until the next boot */
    size_t listener_count;
    /* The listeners as config_listen_text writes them, by the number that clients have. */
    char listeners[CONFIG_LISTEN_MAX][CONFIG_LISTEN_TEXT_BYTES];
};

/* Writes the block to room bytes, STATE_BLOCK_BYTES_MAX of which are always enough. Returns its
 * size. */
size_t state_server_write(const struct state_server *server, uint8_t *bytes, size_t room);

/* Reads the body of the block. */
state_fault state_server_read(struct state_server *server, struct state_reader *body);

#endif
