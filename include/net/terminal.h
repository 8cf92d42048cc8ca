#ifndef NET_TERMINAL_H
#define NET_TERMINAL_H

#include <stdbool.h>

/* Whether the descriptor is a terminal. */
bool terminal_is(int fd);

/* Whether colour is wanted there: on a terminal that can show it (TERM is set and isn't "dumb"),
 * unless NO_COLOR is set to anything but the empty string (no-color.org). */
bool terminal_wants_colour(int fd);

#endif
