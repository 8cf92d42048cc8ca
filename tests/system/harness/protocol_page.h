#ifndef SYSTEM_PROTOCOL_PAGE_H
#define SYSTEM_PROTOCOL_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the machine-readable parts of docs/protocol.md: fenced blocks, lines of the form
 * "KEY: VALUE", bytes in hexadecimal, and the table of replies. A malformed part fails the test.
 * Returned texts live until the test's end. */

enum { PAGE_BYTES_MAX = 128, PAGE_VECTORS_MAX = 64, PAGE_COLUMNS = 4 };

/* Returns the text of the first fenced block of a language, such as "python". */
const char *page_block(const char *language);

/* A line of a block: key and value without the blanks around them, and without a comment (#). */
struct page_line {
    const char *key;
    const char *value;
};

/* Removes the next line that is not empty from a block's text. Returns false at the end. */
bool page_next(const char **text, struct page_line *line);

struct page_bytes {
    uint8_t data[PAGE_BYTES_MAX];
    size_t size;
};

/* Returns the bytes of a text such as "00 55 44". */
struct page_bytes page_hex(const char *value);

struct page_vector {
    const char *name;
    struct page_bytes bytes;
};

/* Reads all test vectors. Returns their number. */
size_t page_vectors(struct page_vector vectors[PAGE_VECTORS_MAX]);

/* A row of the table of replies: the reply to a vector in each column of the table. */
struct page_row {
    const char *vector;
    bool fresh_cookie;
    struct page_cell {
        const char *gets; /* "reply", "challenge", "pong" or "nothing" */
        const char *counter;
    } cells[PAGE_COLUMNS];
};

/* Reads all rows of the table. Returns their number. */
size_t page_rows(struct page_row rows[PAGE_VECTORS_MAX]);

#endif
