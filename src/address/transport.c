/* The names of clients and listeners of every kind. */
#include "address/transport.h"

#include "text/text.h"

#include <stdio.h>
#include <string.h>

static const char TCP[] = "tcp:", UNIX[] = "unix:";

static const char *behind(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

const char *transport_split(const char *text, enum transport *transport)
{
    const char *rest = behind(text, TCP);
    *transport = TRANSPORT_TCP;
    if (rest != NULL)
        return rest;
    rest = behind(text, UNIX);
    *transport = rest != NULL ? TRANSPORT_UNIX : TRANSPORT_UDP;
    return rest != NULL ? rest : text;
}

const char *client_name_parse(struct client_name *name, char zone[ADDR_ZONE_BYTES],
                              const char *text)
{
    if (zone != NULL)
        zone[0] = '\0';
    *name = (struct client_name){.number = 0};
    const char *rest = transport_split(text, &name->transport);
    if (name->transport == TRANSPORT_UNIX) {
        uint64_t number;
        if (rest[0] != '#' || text_number(rest + 1, 1, UINT32_MAX, &number) != NULL)
            return "a client of a Unix socket is known by its number, as in unix:#7";
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
        snprintf(text, TRANSPORT_TEXT_BYTES, "%s#%u", UNIX, name->number);
        return text;
    }
    size_t length = 0;
    if (name->transport == TRANSPORT_TCP) {
        memcpy(text, TCP, sizeof TCP);
        length = sizeof TCP - 1;
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

const char *transport_check_path(const char *path)
{
    if (path[0] != '/')
        return "the path of a Unix socket begins with '/', as in unix:/run/udpsrv/chat";
    if (strlen(path) >= TRANSPORT_PATH_BYTES)
        return "the path of a Unix socket has at most 107 bytes";
    for (const char *c = path; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return "the path holds a blank or a control character";
    return NULL;
}
