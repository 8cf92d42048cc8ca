#ifndef SERVER_EVENTS_EVENT_LINES_H
#define SERVER_EVENTS_EVENT_LINES_H

#include "config/config.h"
#include "registry/names/client_names.h"
#include "server/events/event.h"
#include "server/listen/listeners.h"

#include <stddef.h>
#include <stdint.h>

/* The lines of the control protocol for events (udpctl(8), "CONTROL PROTOCOL"):
 *
 *     [from NAME]
 *     message TIME ADDRESS HEX LISTENER
 *     event TIME KIND address=ADDRESS [reason=REASON] [to=ADDRESS] [name=NAME] listener=LISTENER
 *
 * TIME is in milliseconds since 1970 UTC. HEX is "-" for an empty message. NAME is in the form of
 * address/device_name. ADDRESS is "-" for a connection to a Unix socket that was refused, which has
 * no name. LISTENER is the rest of the line, since a path may contain blanks. */

enum {
    EVENT_LINE_BYTES = DEVICE_NAME_TEXT_BYTES + 2 * CONFIG_MESSAGE_BYTES_MAX +
                       CONFIG_LISTEN_TEXT_BYTES + TRANSPORT_TEXT_BYTES + 64
};

/* Finds the name of an event's client: the one that it has now, or that has moved. names may be
 * NULL. Returns false, and a name of size 0, if it has none or is not known. */
bool event_lines_name(const struct event_record *event, const struct client_names *names,
                      struct device_name *name);

/* Writes the line of an event, with its newline, and before it that of the name, unless that is of
 * size 0. wall_ms is what has to be added to its time to get
 * that of the wall clock. Returns the size. */
size_t event_lines_format(char line[EVENT_LINE_BYTES], const struct event_record *event,
                          const struct device_name *name, const struct listeners *listeners,
                          uint64_t wall_ms);

#endif
