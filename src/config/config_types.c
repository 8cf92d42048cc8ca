#include "config/config_types.h"
#include "text/printable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *config_value_of(const struct config_key *key, const struct config *config)
{
    return (char *)config + key->offset;
}

int config_refuse(char reason[CONFIG_REASON_BYTES], const char *why)
{
    snprintf(reason, CONFIG_REASON_BYTES, "%s", why);
    return -EINVAL;
}

char *config_quote_item(const void *item, size_t size)
{
    char *text = malloc(4 * size + 3);
    if (!text)
        return NULL;
    const char *bytes = item;
    size_t length = printable_ascii(text + 1, 4 * size + 2, item, size);
    bool plain = length == size && size > 0 && bytes[0] != ' ' && bytes[size - 1] != ' ' &&
                 !memchr(bytes, ',', size) && !memchr(bytes, '#', size) &&
                 !memchr(bytes, ';', size);
    if (plain) {
        memmove(text, text + 1, size + 1);
    } else {
        text[0] = '"';
        memcpy(text + 1 + length, "\"", 2);
    }
    return text;
}
