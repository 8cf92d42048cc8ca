#ifndef CTL_EVENTS_MESSAGE_OUTPUT_H
#define CTL_EVENTS_MESSAGE_OUTPUT_H

#include "address/device_name.h"

#include <stdbool.h>
#include <stdio.h>

/* Prints a client's message from its line of the control protocol: for people as a line with time,
 * address, @ and the client's name if it has one, and escaped payload; as JSON as an object
 * {"time", "address", "name", "listener", "size", "text"}, with "hex" instead of "text" if the
 * payload is not UTF-8, and without "name" if the client has none. */

/* The name of the client whose message comes next. */
struct message_sender {
    struct device_name name; /* of size 0: none */
};

/* Stores the name of a line "from NAME"; nothing for what is no name. */
void message_output_from(struct message_sender *sender, const char *value);

/* Forgets the sender. value is the line after "message ", and is changed. Returns NULL, or what is
 * wrong with the line as a static string. */
const char *message_output_print(FILE *out, bool json, struct message_sender *sender, char *value);

#endif
