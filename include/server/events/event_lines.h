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

/* Writes lines one after the other. The text of the last time is kept: all events that a worker
 * publishes for one batch of datagrams have the same time, whose 13 digits would be a tenth of the
 * cost of a line. */
struct event_lines {
    const struct listeners *listeners;
    uint64_t wall_ms;   /* what is added to the time of an event, to get that of the wall clock */
    uint64_t time_ms;   /* the last time */
    uint32_t time_size; /* of time_text; 0: no time was written yet */
    char time_text[20];
};

/* Prepares to write lines of events of those listeners, which must outlive lines. */
void event_lines_init(struct event_lines *lines, const struct listeners *listeners,
                      uint64_t wall_ms);

/* Writes the line of an event, with its newline, and before it that of the name, unless that is of
 * size 0. Returns the size of both. */
size_t event_lines_format(struct event_lines *lines, char line[EVENT_LINE_BYTES],
                          const struct event_record *event, const struct device_name *name);

#endif
