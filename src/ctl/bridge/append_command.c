#include "ctl/bridge/append_command.h"

#include "ctl/events/event_members.h"
#include "redis/resp_command.h"
#include "text/hex.h"
#include "text/number_with_unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    MEMBERS_MAX = 32, /* of an event; it has fewer than ten */
    HEAD_WORDS = 10,  /* XADD STREAM MAXLEN ~ N * node NODE time MS */
};

static void add_field(struct text_buffer *out, const char *name, const void *value, size_t size)
{
    resp_command_add(out, name, strlen(name));
    resp_command_add(out, value, size);
}

static void add_text(struct text_buffer *out, const char *name, const char *value)
{
    add_field(out, name, value, strlen(value));
}

/* Begins a command with further fields. */
static void begin(struct text_buffer *out, const struct append_target *target, const char *time_ms,
                  size_t fields)
{
    char max[24];
    snprintf(max, sizeof max, "%" PRIu64, target->max_entries);
    const char *const words[HEAD_WORDS] = {"XADD", target->stream, "MAXLEN",     "~",    max,
                                           "*",    "node",         target->node, "time", time_ms};
    resp_command_begin(out, HEAD_WORDS + 2 * fields);
    for (size_t i = 0; i < HEAD_WORDS; i++)
        resp_command_add(out, words[i], strlen(words[i]));
}

static bool is_time(const char *text)
{
    uint64_t ms;
    return number_parse(text, 0, UINT64_MAX, &ms) == NULL;
}

const char *append_command_message(struct text_buffer *out, const struct append_target *target,
                                   struct message_sender *sender, char *value)
{
    const struct device_name name = sender->name;
    char *listener = value;
    const char *time_ms = strsep(&listener, " "), *address = strsep(&listener, " ");
    char *hex = strsep(&listener, " ");
    sender->name.size = 0;
    if (listener == NULL || !is_time(time_ms))
        return "it is not TIME ADDRESS HEX LISTENER";
    size_t digits = strcmp(hex, "-") == 0 ? 0 : strlen(hex);
    if (!hex_decode((uint8_t *)hex, hex, digits))
        return "its payload is not hexadecimal digits";
    begin(out, target, time_ms, name.size > 0 ? 4 : 3);
    add_text(out, "address", address);
    if (name.size > 0)
        add_field(out, "name", name.bytes, name.size);
    add_text(out, "listener", listener);
    add_field(out, "payload", hex, digits / 2);
    return NULL;
}

const char *append_command_event(struct text_buffer *out, const struct append_target *target,
                                 char *value)
{
    struct event_member members[MEMBERS_MAX];
    struct device_name name;
    char *rest = value;
    size_t count = 0;
    const char *time_ms = strsep(&rest, " "), *kind = rest != NULL ? strsep(&rest, " ") : NULL;
    if (kind == NULL || !is_time(time_ms))
        return "it is not TIME KIND MEMBER...";
    /* The member whose value may contain blanks. */
    const char *last = strncmp(kind, "job_", 4) == 0 ? "selector" : "listener";
    for (; rest != NULL; count++) {
        if (count == MEMBERS_MAX)
            return "it has too many members";
        const char *wrong = event_members_next(&members[count], &rest, last);
        if (wrong != NULL)
            return wrong;
    }
    begin(out, target, time_ms, 1 + count);
    add_text(out, "event", kind);
    for (size_t i = 0; i < count; i++)
        if (strcmp(members[i].name, "name") == 0 &&
            device_name_parse(&name, members[i].value) == NULL)
            add_field(out, "name", name.bytes, name.size);
        else
            add_text(out, members[i].name, members[i].value);
    return NULL;
}

void append_command_lost(struct text_buffer *out, const struct append_target *target,
                         uint64_t count, uint64_t wall_ms)
{
    char time_ms[24], number[24];
    snprintf(time_ms, sizeof time_ms, "%" PRIu64, wall_ms);
    snprintf(number, sizeof number, "%" PRIu64, count);
    begin(out, target, time_ms, 1);
    add_text(out, "lost", number);
}
