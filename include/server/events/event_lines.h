#ifndef SERVER_EVENTS_EVENT_LINES_H
#define SERVER_EVENTS_EVENT_LINES_H

#include "config/config.h"
#include "server/events/event.h"
#include "server/listen/listeners.h"

#include <stddef.h>
#include <stdint.h>

/* The lines of the control protocol for events (udpctl(8), "CONTROL PROTOCOL"):
 *
 *     message TIME ADDRESS HEX LISTENER
 *     event TIME KIND address=ADDRESS [reason=REASON] [to=ADDRESS name=NAME] listener=LISTENER
 *
 * TIME is in milliseconds since 1970 UTC. HEX is "-" for an empty message. NAME is in the form of
 * address/device_name. ADDRESS is "-" for a connection to a Unix socket that was refused, which has
 * no name. LISTENER is the rest of the line, since a path may contain blanks. */

enum {
    EVENT_LINE_BYTES =
        2 * CONFIG_MESSAGE_BYTES_MAX + CONFIG_LISTEN_TEXT_BYTES + TRANSPORT_TEXT_BYTES + 64
};

/* Writes the line of an event, with its newline. wall_ms is what has to be added to its time to get
 * that of the wall clock. Returns the size of the line. */
size_t event_lines_format(char line[EVENT_LINE_BYTES], const struct event_record *event,
                          const struct listeners *listeners, uint64_t wall_ms);

#endif
