#ifndef SIM_CHECK_SAVED_CLIENTS_H
#define SIM_CHECK_SAVED_CLIENTS_H

#include <stdint.h>

/* The clients and names that a start has restored from the state file, compared to saved_whole: for
 * check/saved. */

/* What a start has done with the file. */
enum saved_use {
    SAVED_USE_NONE,
    SAVED_USE_COUNTERS, /* and no clients */
    SAVED_USE_SOME,     /* some clients, since it could not be read to its end */
    SAVED_USE_ALL,
};

/* The file was read at that time. The model then has the clients. Returns how many may be restored.
 */
uint32_t saved_clients_check(enum saved_use use, uint64_t read_ms);

#endif
