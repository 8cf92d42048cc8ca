#ifndef CLIENT_PRINT_H
#define CLIENT_PRINT_H

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
};

/* The style for what the user asked and where the output goes. */
enum print_style print_style(bool json, bool hex, bool terminal, bool one_shot);

void print_arrival(FILE *out, enum print_style style, const struct arrival *arrival);

#endif
