#ifndef CTL_GATEWAY_GATEWAY_TRANSLATION_H
#define CTL_GATEWAY_GATEWAY_TRANSLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Translates between the JSON lines of `udpctl gateway` and the lines of the control protocol.
 *
 * A request in JSON is one of these, each with an optional "ref", any JSON value of at most 256
 * bytes that its result repeats unchanged:
 *
 *     {"to": ADDRESS, "text": TEXT or "hex": DIGITS, "confirm": BOOLEAN, "within": DURATION}
 *     {"broadcast": {"to": BLOCK or [BLOCK, ...], "listener": ADDRESS, "idle_max": DURATION,
 *                    "text": TEXT or "hex": DIGITS, "confirm": BOOLEAN, "within": DURATION,
 *                    "key": "STREAM:ID", "entries_added": NUMBER}}
 *
 * "entries_added" is only with "key", and "within" only with "confirm": true. DURATION is a string,
 * or a number of seconds. A member that is unknown, given twice or of another type makes the
 * request invalid; its reference is found nevertheless, unless the JSON itself is invalid before
 * it.
 *
 * The reference travels through the server in hexadecimal, so that nothing has to be remembered
 * here. */

enum {
    GATEWAY_JSON_REF_BYTES = 256,
    /* The longest request: a payload of 65507 control characters, six bytes each (\u0001), and a
     * kilobyte of other members for each block of the selector. */
    GATEWAY_JSON_BYTES = 512 << 10,
    /* The longest control line: two digits for each byte of a payload, and the words before them.
     */
    GATEWAY_COMMAND_BYTES = 132 << 10,
    GATEWAY_ERROR_BYTES = 512,
};

struct gateway_translation {
    char command[GATEWAY_COMMAND_BYTES]; /* the control line, with its newline */
    size_t size;                         /* of command, in bytes */
    char ref[GATEWAY_JSON_REF_BYTES];    /* of an invalid request; not NUL-terminated */
    size_t ref_size;                     /* 0: the request has none, or it was not found */
    char error[GATEWAY_ERROR_BYTES];     /* of an invalid request */
};

/* Translates a request of size bytes, which is changed. Returns true, or false with an error. */
bool gateway_translation_request(struct gateway_translation *translation, char *json, size_t size);

/* Prints the error of a request, with its reference. */
void gateway_translation_print_error(FILE *out, const struct gateway_translation *translation);

/* Prints a line `result` or `error` of the server as JSON. value is the line after its first word,
 * and is changed. Returns NULL, or what is wrong with the line as a static string. */
const char *gateway_translation_print_result(FILE *out, char *value);
const char *gateway_translation_print_refusal(FILE *out, char *value);

#endif
