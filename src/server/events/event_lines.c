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

static char *add_move(char *at, const struct event_record *event, enum transport transport)
{
    struct event_moved moved;
    memcpy(&moved, event->bytes, sizeof moved);
    const struct client_name to = {.transport = transport, .addr = moved.to};
    at = add_text(at, " to=");
    return at + strlen(client_name_format(&to, at));
}

static char *add_name(char *at, const char *before, const struct device_name *name)
{
    at = add_text(at, before);
    return at + strlen(device_name_format(name, at));
}

static char *add_event(char *at, const struct event_record *event, const struct device_name *name,
                       enum transport transport)
{
    at = add_text(at, event_kind_name(event->kind));
    at = add_address(add_text(at, " address="), event, transport);
    if (event->reason != EVENT_REASON_NONE)
        at = add_text(add_text(at, " reason="), event_reason_name(event->reason));
    if (event->kind == EVENT_MOVED)
        at = add_move(at, event, transport);
    if (name->size > 0)
        at = add_name(at, " name=", name);
    return add_text(at, " listener=");
}

bool event_lines_name(const struct event_record *event, const struct client_names *names,
                      struct device_name *name)
{
    struct event_moved moved;
    struct name_holder holder;
    name->size = 0;
    if (event->kind == EVENT_MOVED) {
        memcpy(&moved, event->bytes, sizeof moved);
        *name = moved.name;
        return true;
    }
    if (names == NULL || event->source.family == ADDR_NONE)
        return false;
    struct client_key key = client_key_of(event->listener, &event->source);
    if (!client_names_of(names, &key, name, &holder))
        return false;
    if (holder.join_number != event->join_number)
        name->size = 0;
    return name->size > 0;
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
                          const struct event_record *event, const struct device_name *name)
{
    const struct listener *listener = &lines->listeners->list[event->listener];
    bool is_message = event->kind == EVENT_MESSAGE;
    char *at = line;
    if (is_message && name->size > 0) {
        at = add_name(at, "from ", name);
        *at++ = '\n';
    }
    at = add_time(add_text(at, is_message ? "message " : "event "), lines, event->time_ms);
    *at++ = ' ';
    at = is_message ? add_message(at, event, listener->transport)
                    : add_event(at, event, name, listener->transport);
    at = add_text(at, listener->text);
    *at++ = '\n';
    return (size_t)(at - line);
}
