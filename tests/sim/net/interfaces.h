#ifndef SIM_NET_INTERFACES_H
#define SIM_NET_INTERFACES_H

/* Reports a change of the interfaces to the server. */
void simulated_interfaces_change(void);

#endif
