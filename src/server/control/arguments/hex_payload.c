#include "server/control/arguments/hex_payload.h"

#include "config/config.h"
#include "text/hex.h"

#include <string.h>

bool hex_payload_decode(char *hex, size_t *size)
{
    if (hex == NULL || hex[0] == '\0')
        return false;
    size_t length = strcmp(hex, "-") == 0 ? 0 : strlen(hex);
    *size = length / 2;
    return *size <= CONFIG_MESSAGE_BYTES_MAX && hex_decode((uint8_t *)hex, hex, length);
}
