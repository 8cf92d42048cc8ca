#ifndef CLIENT_HELLO_REPORT_H
#define CLIENT_HELLO_REPORT_H

#include "client/options.h"
#include "wire/frame.h"

#include <stdbool.h>

/* The error messages about a hello that the user has asked for (--name, --confirm). Of others
 * nothing is reported. peer is the name of the service. */

/* Returns whether the answer, a FRAME_NAMED, is what the user has asked for. Prints otherwise why
 * the name was not given. */
bool hello_report_answer(const struct client_options *options, const char *peer,
                         const struct frame *answer);

/* Prints that no hello was answered; known: by a service that has answered an earlier one. */
void hello_report_silence(const struct client_options *options, const char *peer, bool known);

#endif
