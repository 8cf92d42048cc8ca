#ifndef SIM_NET_INTERFACES_H
#define SIM_NET_INTERFACES_H

#include <stdbool.h>
#include <stdint.h>

/* Reports to the server that interfaces or addresses have changed, and that the interface of an
 * index was removed (0: none, or that message was lost). Without netlink it does nothing: then the
 * server asks each second. */
void simulated_interfaces_change(uint32_t removed);

/* Whether the only process that there is follows the interfaces, and has seen all changes. */
bool simulated_interfaces_are_followed(void);

/* Whether a sandbox permits netlink. */
void simulated_netlink_permit(bool permitted);
bool simulated_netlink_is_permitted(void);

#endif
