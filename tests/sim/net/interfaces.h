#ifndef SIM_NET_INTERFACES_H
#define SIM_NET_INTERFACES_H

#include <stdbool.h>

/* Reports a change of the interfaces to the server. */
void simulated_interfaces_change(void);

/* Whether the server wants such a report each second. */
bool simulated_interfaces_poll(void);

#endif
