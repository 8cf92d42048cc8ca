#ifndef SIM_WORLD_DRAWN_KEYS_H
#define SIM_WORLD_DRAWN_KEYS_H

#include <stdbool.h>

/* Draws many configurations, and prints the keys of the server of which none of them has a value,
 * or all the same. Returns whether there is none. */
bool drawn_keys_check(void);

#endif
