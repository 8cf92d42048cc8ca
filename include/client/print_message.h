#ifndef CLIENT_PRINT_MESSAGE_H
#define CLIENT_PRINT_MESSAGE_H

#include "client/pending_requests.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Prints received messages: as raw bytes, as lines, escaped for a terminal, as hexadecimal or as
 * JSON. Untrusted bytes can neither control the terminal nor break the output format. */

/* Each form ends in a newline. One newline (or CRLF) at the end of the message itself is left out,
 * except in hexadecimal and JSON. */
enum print_style {
    PRINT_RAW,     /* the bytes as they are */
    PRINT_LINE,    /* the bytes as they are, with spaces for newlines: always one line */
    PRINT_ESCAPED, /* for a terminal: printable UTF-8 as it is, \n \t \r \\ \xNN for the rest */
    PRINT_HEX,
    PRINT_JSON,     /* with "text" if it is UTF-8, otherwise with "hex" */
    PRINT_JSON_HEX, /* always with "hex" */
};

struct received_message {
    const uint8_t *bytes;
    size_t size;
    const char *from;
    uint64_t time_ms; /* wall clock, since 1970 UTC */
    uint64_t rtt_ns;  /* 0: unknown */
    enum received_kind kind;
    bool show_sender; /* print from before the text */
};

/* Returns the style for the options and the output. */
enum print_style print_style(bool json, bool hex, bool terminal, bool single_request);

/* Prints a message in that style. */
void print_message(FILE *out, enum print_style style, const struct received_message *message);

/* Prints for an interactive user: a mark ('<' a reply, '*' a broadcast, '?' either of them), the
 * text, escaped or in hexadecimal, and the round-trip time. */
void print_message_marked(FILE *out, bool hex, bool colour, const struct received_message *message);

/* Writes a time with three significant digits: "0.041 ms", "12.3 ms", "1.50 s". Returns text. */
const char *print_time(uint64_t ns, char text[24]);

#endif
