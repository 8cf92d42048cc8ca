#include "address/transport.h"

#include <stddef.h>
#include <string.h>

static const char *after_prefix(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

const char *transport_split(const char *text, enum transport *transport)
{
    const char *rest = after_prefix(text, TRANSPORT_TCP_PREFIX);
    *transport = TRANSPORT_TCP;
    if (rest != NULL)
        return rest;
    rest = after_prefix(text, TRANSPORT_UNIX_PREFIX);
    *transport = rest != NULL ? TRANSPORT_UNIX : TRANSPORT_UDP;
    return rest != NULL ? rest : text;
}

const char *transport_check_path(const char *path)
{
    if (path[0] != '/')
        return "the path of a Unix socket begins with '/', as in unix:/run/udpsrv/chat";
    if (strlen(path) >= TRANSPORT_PATH_BYTES)
        return "the path of a Unix socket has at most 107 bytes";
    for (const char *c = path; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7f)
            return "the path contains a blank or a control character";
    return NULL;
}
