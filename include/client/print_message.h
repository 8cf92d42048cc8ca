#ifndef CLIENT_PRINT_MESSAGE_H
#define CLIENT_PRINT_MESSAGE_H

#include "client/pending_requests.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How a datagram that came is printed. Each ends in a newline; one (or CRLF) that the datagram
 * itself ends in is not printed twice, except as hexadecimal and JSON. */
enum print_style {
    PRINT_RAW,     /* its bytes as they are */
    PRINT_LINE,    /* as they are, but always one line: a newline within becomes a space */
    PRINT_ESCAPED, /* for a terminal: UTF-8 stays; \n \t \r \\ \xNN for what could steer it */
    PRINT_HEX,
    PRINT_JSON,     /* with text if it is UTF-8, else with hex */
    PRINT_JSON_HEX, /* with hex always */
};

/* A datagram that came. */
struct arrival {
    const uint8_t *bytes;
    size_t size;
    const char *from;
    uint64_t time_ms; /* wall clock, since 1970 UTC */
    uint64_t rtt_ns;  /* 0: unknown */
    enum received_kind kind;
    bool named; /* who sent it is printed, too */
};

/* The style for what the user asked and where the output goes. */
enum print_style print_style(bool json, bool hex, bool terminal, bool one_shot);

void print_arrival(FILE *out, enum print_style style, const struct arrival *arrival);

/* For people: a mark before it tells a reply '<' from a broadcast '*' and from what may be either
 * '?'; the text escaped, or as hexadecimal; the round trip behind it. */
void print_marked(FILE *out, bool hex, bool colour, const struct arrival *arrival);

/* A time as people read it, three digits of it: "0.041 ms", "12.3 ms", "1.50 s". Returns text. */
const char *print_time(uint64_t ns, char text[24]);

#endif
