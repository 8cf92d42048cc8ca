#include "server/manager/status_text.h"

#include "text/printable.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    ADDRESS_BYTES = 4 * CONFIG_LISTEN_TEXT_BYTES + 1, /* escaped */
    REST_BYTES = sizeof " and 64 more; waiting for and 64 more",
};

/* Appends the addresses that are missing, or those that are not, each after a blank. */
static size_t add_addresses(char text[STATUS_TEXT_BYTES], size_t size,
                            const struct listeners *listeners, bool missing)
{
    size_t left_out = 0;
    for (size_t i = 0; i < listeners->count; i++) {
        char address[ADDRESS_BYTES];
        const struct listener *listener = &listeners->list[i];
        if (listener->missing != missing)
            continue;
        printable_ascii(address, sizeof address, listener->text, strlen(listener->text));
        if (left_out > 0 || size + 1 + strlen(address) + REST_BYTES > STATUS_TEXT_BYTES)
            left_out++;
        else
            size += (size_t)snprintf(text + size, STATUS_TEXT_BYTES - size, " %s", address);
    }
    if (left_out > 0)
        size += (size_t)snprintf(text + size, STATUS_TEXT_BYTES - size, " and %zu more", left_out);
    return size;
}

static size_t count_missing(const struct listeners *listeners)
{
    size_t count = 0;
    for (size_t i = 0; i < listeners->count; i++)
        count += listeners->list[i].missing;
    return count;
}

const char *status_text(char text[STATUS_TEXT_BYTES], const struct listeners *listeners,
                        uint64_t clients)
{
    size_t missing = count_missing(listeners), size;
    size = (size_t)snprintf(text, STATUS_TEXT_BYTES, "%" PRIu64 " client%s", clients,
                            clients == 1 ? "" : "s");
    if (missing < listeners->count) {
        size += (size_t)snprintf(text + size, STATUS_TEXT_BYTES - size, " at");
        size = add_addresses(text, size, listeners, false);
    }
    if (missing > 0) {
        size += (size_t)snprintf(text + size, STATUS_TEXT_BYTES - size, "; waiting for");
        add_addresses(text, size, listeners, true);
    }
    return text;
}
