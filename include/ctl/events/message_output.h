#ifndef CTL_EVENTS_MESSAGE_OUTPUT_H
#define CTL_EVENTS_MESSAGE_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* Prints a client's message from its line of the control protocol: for people as a line with time,
 * address and escaped payload; as JSON as an object {"time", "address", "listener", "size",
 * "text"}, with "hex" instead of "text" if the payload is not UTF-8. */

/* value is the line after "message ", and is changed. Returns NULL, or what is wrong with the line
 * as a static string. */
const char *message_output_print(FILE *out, bool json, char *value);

#endif
