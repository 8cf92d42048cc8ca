#ifndef REDIS_RESP_PARSER_H
#define REDIS_RESP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Incremental parser of RESP2, the protocol in which Redis replies: bytes go in as they arrive,
 * elements come out one by one, so that no reply is ever held as a whole. Nothing is allocated, and
 * every length that the peer states is bounded. A tree of the reply was rejected: 64 entries of
 * 64 KiB would have to be in memory before the first one is used, and a longer one could not be
 * skipped. */

enum {
    RESP_LINE_BYTES_MAX = 8 << 10,  /* of a simple string, an error, a number or a length */
    RESP_BULK_BYTES_MAX = 96 << 10, /* a longer bulk string is skipped: only its size is known */
    RESP_BULK_SIZE_MAX = 512 << 20, /* of one that is skipped; Redis's own limit, by default */
    RESP_ARRAY_MAX = 1 << 20,       /* elements of an array */
    RESP_DEPTH_MAX = 8,             /* arrays within one another */
    RESP_BUFFER_BYTES = 2 * RESP_BULK_BYTES_MAX,
};

enum resp_kind {
    RESP_NONE,    /* the next element has not arrived as a whole */
    RESP_SIMPLE,  /* +OK */
    RESP_ERROR,   /* -ERR text */
    RESP_INTEGER, /* :1 */
    RESP_BULK,    /* $2 ... */
    RESP_NULL,    /* $-1 or *-1 */
    RESP_ARRAY,   /* *2: its elements follow, one level deeper */
    RESP_INVALID, /* the input is not RESP2, or exceeds a limit; there is no further element */
};

struct resp_element {
    enum resp_kind kind;
    const char *bytes; /* of a simple string, error or bulk; valid until bytes are added. NULL: the
                          bulk was skipped. Not NUL-terminated */
    uint64_t size;     /* of these bytes, also if they were skipped */
    int64_t integer;   /* of an integer; of an array the number of its elements */
    unsigned depth;    /* 0: a reply; n: in n arrays */
    uint64_t index;    /* its position in its array, from 0 */
    bool is_last;      /* of its array */
    bool ends_reply;   /* it is the last one of a reply */
};

struct resp_parser {
    const char *wrong; /* after RESP_INVALID: what is wrong, for the end of a message */
    uint64_t skipped;  /* bytes of a long bulk string that are still to come */
    uint64_t bulk_size;
    bool is_in_bulk, is_skipping; /* the length of a bulk string was read */
    unsigned depth;
    uint64_t counts[RESP_DEPTH_MAX], indexes[RESP_DEPTH_MAX]; /* of the arrays that are open */
    size_t begin, scanned, end;
    char buffer[RESP_BUFFER_BYTES];
};

void resp_parser_init(struct resp_parser *parser);

/* Returns where to store the next bytes, and sets *capacity to their maximum, at least 64 KiB after
 * RESP_NONE. Then call resp_parser_add with the number of bytes. The bytes of earlier elements
 * become invalid. */
char *resp_parser_space(struct resp_parser *parser, size_t *capacity);
void resp_parser_add(struct resp_parser *parser, size_t size);

/* Takes the next element. */
struct resp_element resp_parser_next(struct resp_parser *parser);

/* Whether a simple string, error or bulk is equal to a text. */
bool resp_element_is(const struct resp_element *element, const char *text);

#endif
