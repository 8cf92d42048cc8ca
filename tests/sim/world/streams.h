#ifndef SIM_WORLD_STREAMS_H
#define SIM_WORLD_STREAMS_H

#include "address/addr.h"

#include <stddef.h>
#include <stdint.h>

/* Clients on TCP and Unix sockets: they send messages in the framing of the server, lines in
 * pieces, too, stall, end their output, close and reset. */
void streams_draw(void);

/* The server has ended, and with it their connections. streams_draw has others begin. */
void streams_reset(void);

/* Returns the address of a drawn client if it is connected by TCP over IPv4, else NULL. */
const struct addr *streams_tcp_address(uint64_t drawn);

/* They only send a message each second, read all, and connect again if they are disconnected. */
void streams_end_faults(void);
void streams_stop(void);
size_t streams_count(void);
/* Writes the name by which an operator may know a client of a stream. */
void streams_name(uint64_t any, char *text, size_t size);

/* A broken promise unless each connected one was answered within the last seconds. */
void streams_check_liveness(void);

#endif
