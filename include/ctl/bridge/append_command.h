#ifndef CTL_BRIDGE_APPEND_COMMAND_H
#define CTL_BRIDGE_APPEND_COMMAND_H

#include "ctl/events/message_output.h"
#include "text/text_buffer.h"

#include <stdint.h>

/* Lines of a gateway's session as commands that append them to a stream:
 *
 *     XADD STREAM MAXLEN ~ N * node NODE time MS FIELD VALUE ...
 *
 * A message has the fields address, name if the client has one, listener and payload, which is the
 * bytes as they are; an event has the field event, which is its kind, and its members; `lost` has
 * the number of messages and events that are missing there. */

struct append_target {
    const char *stream, *node;
    uint64_t max_entries; /* of MAXLEN */
};

/* Each adds a command. value is the line after its first word, and is changed. Returns NULL, or
 * what is wrong with the line as a static string; then nothing is added. sender is the client that
 * the line before has named, and is taken. */
const char *append_command_message(struct text_buffer *out, const struct append_target *target,
                                   struct message_sender *sender, char *value);
const char *append_command_event(struct text_buffer *out, const struct append_target *target,
                                 char *value);

/* Adds the command for count lost messages and events at time wall_ms. */
void append_command_lost(struct text_buffer *out, const struct append_target *target,
                         uint64_t count, uint64_t wall_ms);

#endif
