#include "net/socket/name_lookup.h"

#include "net/socket/socket_address.h"

#include <netdb.h>
#include <stdbool.h>
#include <string.h>

static bool is_among(const struct addr *addrs, int count, const struct addr *addr)
{
    for (int i = 0; i < count; i++)
        if (addr_equal(&addrs[i], addr))
            return true;
    return false;
}

int name_lookup(const char *host, uint16_t port, struct addr *addrs, int max)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    int count = 0;

    int error = getaddrinfo(host, NULL, &hints, &found);
    if (error)
        return error;
    for (const struct addrinfo *at = found; at != NULL && count < max; at = at->ai_next) {
        union socket_address name = {0};
        struct addr addr;
        if (at->ai_addrlen > sizeof name)
            continue;
        memcpy(&name, at->ai_addr, at->ai_addrlen);
        if (addr_from_sockaddr(&addr, &name) == 0)
            continue;
        addr.port = port;
        if (!is_among(addrs, count, &addr))
            addrs[count++] = addr;
    }
    freeaddrinfo(found);
    return count > 0 ? count : EAI_NONAME;
}

const char *name_lookup_error(int error)
{
    return gai_strerror(error);
}
