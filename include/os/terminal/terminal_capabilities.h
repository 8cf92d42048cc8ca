#ifndef OS_TERMINAL_TERMINAL_CAPABILITIES_H
#define OS_TERMINAL_TERMINAL_CAPABILITIES_H

#include "os/terminal/raw_mode.h"

#include <stdbool.h>

/* What a terminal can do: whether a descriptor is a terminal, whether to use colour and line
 * editing there (TERM, NO_COLOR), and the size of its window. */

/* Returns whether the descriptor is a terminal. */
bool terminal_is_tty(int fd);

/* Returns whether a line can be written there without blocking: false for a terminal that is
 * stopped (Ctrl-S) or whose other end does not read. */
bool terminal_is_writable(int fd);

/* Returns whether to use colour there: on a terminal whose TERM is set and neither "dumb" nor
 * "unknown", unless NO_COLOR is set to anything but the empty string (no-color.org). */
bool terminal_wants_colour(int fd);

/* Returns whether lines can be edited and screens drawn there: both are terminals, and TERM is set
 * and neither "dumb" nor "unknown". Otherwise read and print plain lines. */
bool terminal_can_edit(int in, int out);

/* The size of the window in characters; 80 x 24 if it is unknown. */
struct terminal_size {
    unsigned columns, rows; /* 1 .. 65535 */
};
struct terminal_size terminal_size(int fd);

#endif
