#ifndef TEXT_BAD_VALUE_H
#define TEXT_BAD_VALUE_H

#include <stddef.h>

/* The message about an invalid value: writes "bad WHAT 'value': why" to out and returns out. The
 * value is escaped and truncated to 199 bytes. With 512 bytes of room the message is complete if
 * what and why have at most 300 bytes together. */
const char *bad_value_message(char *out, size_t room, const char *what, const char *value,
                              const char *why);

#endif
