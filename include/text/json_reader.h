#ifndef TEXT_JSON_READER_H
#define TEXT_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a JSON text (RFC 8259) in the memory in which it stands, member by member, without a tree
 * and without allocating. It accepts exactly what the RFC does, in UTF-8; objects and arrays nest
 * at most JSON_READER_DEPTH_MAX deep in what is skipped.
 *
 * An object is read by json_reader_object, then json_reader_member and one function for its value,
 * until json_reader_member returns false; an array likewise. Every function returns false after an
 * error, so only the end has to be checked. */

enum { JSON_READER_DEPTH_MAX = 16 };

struct json_reader {
    char *at, *end;
    const char *begin;
    const char *wrong; /* the first error, a static string; NULL: none */
    bool is_first;     /* the next member or element is the first one */
};

/* A part of the text, or a string that was decoded in place; not NUL-terminated. */
struct json_text {
    char *bytes;
    size_t size;
};

/* Begins to read a text, which json_reader_string and json_reader_member change. */
void json_reader_init(struct json_reader *reader, char *text, size_t size);

/* Returns the first character of the next value: one of {["-0123456789tfn if it is valid; 0 at the
 * end. */
char json_reader_peek(struct json_reader *reader);

/* Begins an object, or an array. Another value is an error. */
bool json_reader_object(struct json_reader *reader);
bool json_reader_array(struct json_reader *reader);

/* Reads the name of the next member of the object; returns false at its end. */
bool json_reader_member(struct json_reader *reader, struct json_text *name);

/* Returns whether another element of the array follows; reads its end if not. */
bool json_reader_element(struct json_reader *reader);

/* Reads a string and decodes its escapes. Another value is an error. After an error the text of
 * this function and of json_reader_raw is empty, and its bytes are NULL. */
bool json_reader_string(struct json_reader *reader, struct json_text *string);

/* Reads any value as it stands, unchanged. */
bool json_reader_raw(struct json_reader *reader, struct json_text *value);

/* Call it after the last value. Returns true if nothing but blanks follows, and there was no error.
 */
bool json_reader_end(struct json_reader *reader);

/* Records an error of the caller, unless there is one already. Returns false. */
bool json_reader_fail(struct json_reader *reader, const char *wrong);

/* Returns the position of the reader, for messages: bytes from the beginning, from 1. */
size_t json_reader_column(const struct json_reader *reader);

/* Whether a text is equal to a NUL-terminated one. */
bool json_text_is(const struct json_text *text, const char *other);

#endif
