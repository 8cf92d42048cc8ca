#ifndef SERVER_CONTROL_ARGUMENTS_HEX_PAYLOAD_H
#define SERVER_CONTROL_ARGUMENTS_HEX_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>

/* The payload of a message in a command line: hexadecimal digits, or "-" for an empty payload. */

/* What is wrong with a payload that hex_payload_decode refuses, for the end of a message. */
#define HEX_PAYLOAD_FORM "at most 65507 bytes in hexadecimal, or `-` for none"

/* Decodes a payload in place and sets *size in bytes. Returns false if hex (may be NULL) is neither
 * form or longer than CONFIG_MESSAGE_BYTES_MAX bytes. */
bool hex_payload_decode(char *hex, size_t *size);

#endif
