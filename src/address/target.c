#include "address/target.h"

#include "text/number_with_unit.h"

#include <string.h>

/* HOST:PORT with a host name has only one colon. */
static bool looks_like_ipv6(const char *text)
{
    const char *colon = strchr(text, ':');
    return text[0] == '[' || (colon && strchr(colon + 1, ':'));
}

static const char *parse_name(struct target *target, const char *text, uint16_t default_port)
{
    const char *colon = strchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : strlen(text);
    uint64_t port = default_port;

    if (length == 0)
        return "the host is missing";
    if (length >= sizeof target->host)
        return "the host name is longer than 253 characters";
    if (colon && number_parse(colon + 1, 1, UINT16_MAX, &port))
        return "the port is not a number from 1 to 65535";
    memcpy(target->host, text, length);
    target->port = (uint16_t)port;
    return NULL;
}

const char *target_parse(struct target *target, const char *text, uint16_t default_port)
{
    *target = (struct target){0};
    const char *wrong = addr_parse(&target->addr, target->zone, text, default_port);
    if (!wrong && addr_is_ambiguous(text))
        return ADDR_AMBIGUOUS;
    if (!wrong)
        return target->addr.port ? NULL : "nothing can be sent to port 0";
    *target = (struct target){0};
    return looks_like_ipv6(text) ? wrong : parse_name(target, text, default_port);
}

static const char *parse_path(struct target *target, const char *path)
{
    size_t length = strlen(path);
    if (length == 0)
        return "the path of the socket is missing";
    if (length >= sizeof target->path)
        return "the path of a Unix socket has at most 107 bytes";
    memcpy(target->path, path, length + 1);
    return NULL;
}

const char *target_parse_any(struct target *target, const char *text, uint16_t default_port)
{
    enum transport transport;
    const char *rest = transport_split(text, &transport);
    *target = (struct target){.transport = transport};
    if (transport == TRANSPORT_UNIX)
        return parse_path(target, rest);
    const char *wrong = target_parse(target, rest, default_port);
    if (!wrong && addr_is_multicast(&target->addr))
        wrong = "a multicast group needs --group";
    target->transport = transport;
    return wrong;
}

const char *target_parse_group(struct target *target, const char *text)
{
    *target = (struct target){.transport = TRANSPORT_UDP};
    const char *wrong = addr_parse(&target->addr, target->zone, text, 0);
    if (!wrong && !addr_is_multicast(&target->addr))
        wrong = "not a multicast group (224.0.0.0 to 239.255.255.255, ff00::/8)";
    if (!wrong && target->addr.port == 0)
        wrong = "a group needs a port, as in 239.1.2.3:3000";
    return wrong;
}
