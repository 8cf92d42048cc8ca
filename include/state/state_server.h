#ifndef STATE_STATE_SERVER_H
#define STATE_STATE_SERVER_H

#include "config/config.h"
#include "state/state_block.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first block of a state file: what its clients depend on. */

enum {
    STATE_BOOT_ID_BYTES = 16,
    STATE_KEY_ID_BYTES = 8,
};

/* A moment, by both clocks: the one goes on while the host is off, the other cannot be set. */
struct state_time {
    uint64_t wall_ms; /* CLOCK_REALTIME, since 1970 UTC */
    uint64_t boot_ms; /* CLOCK_BOOTTIME, of the boot of state_server.boot_id */
};

struct state_server {
    struct state_time begun;              /* when the file was begun */
    uint8_t boot_id[STATE_BOOT_ID_BYTES]; /* of the kernel (random(4)): interfaces keep their
                                             numbers, and CLOCK_BOOTTIME goes on, until the next
                                             boot */
    enum config_names names;              /* clients.names: by what clients have their names */
    uint8_t key_id[STATE_KEY_ID_BYTES];   /* of the key of names, under NAMES_KEYED */
    size_t listener_count;
    /* The listeners as config_listen_text writes them, by the number that clients have. */
    char listeners[CONFIG_LISTEN_MAX][CONFIG_LISTEN_TEXT_BYTES];
};

/* Writes the block to room bytes, STATE_BLOCK_BYTES_MAX of which are always enough. Returns its
 * size. */
size_t state_server_write(const struct state_server *server, uint8_t *bytes, size_t room);

/* Reads the body of the block. */
state_fault state_server_read(struct state_server *server, struct state_reader *body);

/* A time as other blocks have it, too. */
void state_time_put(struct state_writer *block, const struct state_time *time);
struct state_time state_time_get(struct state_reader *block);

#endif
