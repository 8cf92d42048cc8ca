#include "text/bad_value.h"

#include "text/printable.h"

#include <stdio.h>
#include <string.h>

const char *bad_value_message(char *out, size_t room, const char *what, const char *value,
                              const char *why)
{
    char escaped[200];
    printable_ascii(escaped, sizeof escaped, value, strlen(value));
    snprintf(out, room, "bad %s '%s': %s", what, escaped, why);
    return out;
}
