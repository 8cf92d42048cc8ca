#include "server/events/event_lines.h"

#include "address/client_name.h"
#include "text/decimal.h"
#include "text/hex.h"

#include <string.h>

/* Appends to a line without snprintf, which would be most of the cost of an event. Inline, so that
 * the size of a literal is known. */
static inline char *add_text(char *at, const char *text)
{
    size_t size = strlen(text);
    memcpy(at, text, size);
    return at + size;
}

static char *add_address(char *at, const struct event_record *event, enum transport transport)
{
    const struct client_name name = {transport, event->source, event->number};
    if (transport == TRANSPORT_UNIX && event->number == 0)
        return add_text(at, "-");
    return at + strlen(client_name_format(&name, at));
}

static char *add_message(char *at, const struct event_record *event, enum transport transport)
{
    at = add_address(at, event, transport);
    *at++ = ' ';
    if (event->size == 0)
        return add_text(at, "- ");
    hex_encode(at, event->bytes, event->size);
    return add_text(at + 2 * (size_t)event->size, " ");
}

static char *add_event(char *at, const struct event_record *event, enum transport transport)
{
    at = add_text(at, event_kind_name(event->kind));
    at = add_address(add_text(at, " address="), event, transport);
    if (event->reason != EVENT_REASON_NONE)
        at = add_text(add_text(at, " reason="), event_reason_name(event->reason));
    return add_text(at, " listener=");
}

void event_lines_init(struct event_lines *lines, const struct listeners *listeners,
                      uint64_t wall_ms)
{
    *lines = (struct event_lines){.listeners = listeners, .wall_ms = wall_ms};
}

static char *add_time(char *at, struct event_lines *lines, uint64_t time_ms)
{
    if (lines->time_size == 0 || lines->time_ms != time_ms) {
        char *end = decimal_write(lines->time_text, time_ms + lines->wall_ms);
        lines->time_size = (uint32_t)(end - lines->time_text);
        lines->time_ms = time_ms;
    }
    memcpy(at, lines->time_text, sizeof lines->time_text); /* a constant size: no call */
    return at + lines->time_size;
}

size_t event_lines_format(struct event_lines *lines, char line[EVENT_LINE_BYTES],
                          const struct event_record *event)
{
    const struct listener *listener = &lines->listeners->list[event->listener];
    bool is_message = event->kind == EVENT_MESSAGE;
    char *at = add_time(add_text(line, is_message ? "message " : "event "), lines, event->time_ms);
    *at++ = ' ';
    at = is_message ? add_message(at, event, listener->transport)
                    : add_event(at, event, listener->transport);
    at = add_text(at, listener->text);
    *at++ = '\n';
    return (size_t)(at - line);
}
