#ifndef CTL_COMMANDS_MESSAGE_PAYLOAD_H
#define CTL_COMMANDS_MESSAGE_PAYLOAD_H

#include "ctl/options.h"

#include <stddef.h>

/* The payload of a message that udpctl has sent: from an operand or the digits of --hex to the form
 * of the control protocol. */

struct message_payload {
    const void *bytes;
    size_t size;
    void *memory; /* for message_payload_free; NULL: the bytes belong to the command line */
};

/* Reads the bytes of text, or of --hex if text is NULL. verb is the command, for errors. Returns
 * -1; otherwise the exit status, after it has reported the error. */
int message_payload_read(struct message_payload *payload, const struct ctl_options *options,
                         const char *verb, const char *text);
void message_payload_free(struct message_payload *payload);

enum { MESSAGE_PAYLOAD_ERROR_BYTES = 160 };

/* Writes the error for a payload that is longer than CONFIG_MESSAGE_BYTES_MAX. */
void message_payload_too_long(char error[MESSAGE_PAYLOAD_ERROR_BYTES],
                              const struct ctl_options *options, const char *verb);

/* Returns the longest payload, in bytes: that of a datagram, with --confirm without its frame. */
size_t message_payload_max(const struct ctl_options *options);

/* Formats "PREFIX HEX" with the payload in hexadecimal, "-" for an empty one. The caller frees it;
 * NULL if memory is short. */
char *message_payload_format(const char *prefix, const void *bytes, size_t size);

#endif
