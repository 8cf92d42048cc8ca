#ifndef SIM_WORLD_NAMING_H
#define SIM_WORLD_NAMING_H

#include "sim/world/answers.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The hellos of clients: which names they ask for, how they prove them where that is needed, and
 * how they try to get a name that they cannot prove. */

enum { NAMING_HELLO_BYTES = 64, NAMING_LINE_BYTES = 64 };

/* What a client knows of its cookies: the last one, and the one before; zero: none. */
struct naming_cookies {
    uint8_t last[16], before[16];
};

/* Writes a hello; has_key: of a client that has the keys of the names, if these need one. Returns
 * its size. */
size_t naming_draw_hello(uint8_t bytes[NAMING_HELLO_BYTES], const struct naming_cookies *cookies,
                         bool has_key);

/* Writes a command about the client of a name. */
struct command naming_draw_lookup(char line[NAMING_LINE_BYTES]);

#endif
