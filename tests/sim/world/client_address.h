#ifndef SIM_WORLD_CLIENT_ADDRESS_H
#define SIM_WORLD_CLIENT_ADDRESS_H

#include "sim/world/settings.h"

/* Draws an address from which packets reach that listener, and the one to which its client sends.
 */
void client_address_draw(const struct drawn_listener *listener, struct addr *addr,
                         struct addr *server);

#endif
