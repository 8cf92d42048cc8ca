#ifndef SERVER_MANAGER_STATUS_TEXT_H
#define SERVER_MANAGER_STATUS_TEXT_H

#include "server/listen/listeners.h"

#include <stdint.h>

enum { STATUS_TEXT_BYTES = 900 }; /* longer lists of addresses are truncated */

/* Writes what the server does at present, as a sentence for a person, in printable ASCII: "3
 * clients at 127.0.0.1:3000 [::1]:3000; waiting for 10.0.0.1:3000" (server.missing-address = wait).
 * If the addresses do not fit, the number of those left out ends the list. Returns text. */
const char *status_text(char text[STATUS_TEXT_BYTES], const struct listeners *listeners,
                        uint64_t clients);

#endif
