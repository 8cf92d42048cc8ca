#include "address/client_name.h"

#include "text/number_with_unit.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

const char *client_name_parse(struct client_name *name, char zone[ADDR_ZONE_BYTES],
                              const char *text)
{
    if (zone != NULL)
        zone[0] = '\0';
    *name = (struct client_name){.number = 0};
    const char *rest = transport_split(text, &name->transport);
    if (name->transport == TRANSPORT_UNIX) {
        uint64_t number;
        if (rest[0] != '#' || number_parse(rest + 1, 1, UINT32_MAX, &number) != NULL)
            return "a client of a Unix socket is named by its number, as in unix:#7";
        name->number = (uint32_t)number;
        return NULL;
    }
    const char *wrong = addr_parse(&name->addr, zone, rest, 0);
    if (wrong == NULL && name->addr.port == 0)
        wrong = "a client's address has a port, as in 192.0.2.1:4000 or [2001:db8::1]:4000";
    return wrong;
}

const char *client_name_format(const struct client_name *name, char text[TRANSPORT_TEXT_BYTES])
{
    if (name->transport == TRANSPORT_UNIX) {
        snprintf(text, TRANSPORT_TEXT_BYTES, TRANSPORT_UNIX_PREFIX "#%u", name->number);
        return text;
    }
    size_t length = 0;
    if (name->transport == TRANSPORT_TCP) {
        memcpy(text, TRANSPORT_TCP_PREFIX, sizeof TRANSPORT_TCP_PREFIX);
        length = sizeof TRANSPORT_TCP_PREFIX - 1;
    }
    addr_format(&name->addr, text + length);
    return text;
}

int client_name_compare(const struct client_name *a, const struct client_name *b)
{
    if (a->transport != b->transport)
        return a->transport < b->transport ? -1 : 1;
    int by = addr_compare(&a->addr, &b->addr);
    return by != 0 ? by : (a->number > b->number) - (a->number < b->number);
}
