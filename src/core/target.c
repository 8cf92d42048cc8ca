/* HOST[:PORT] as people write it. */
#include "core/target.h"

#include "core/text.h"

#include <string.h>

/* Two colons never stand in HOST:PORT. */
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
    if (colon && text_number(colon + 1, 1, UINT16_MAX, &port))
        return "the port is not a number from 1 to 65535";
    memcpy(target->host, text, length);
    target->port = (uint16_t)port;
    return NULL;
}

const char *target_parse(struct target *target, const char *text, uint16_t default_port)
{
    *target = (struct target){0};
    const char *wrong = addr_parse(&target->addr, target->zone, text, default_port);
    if (!wrong)
        return target->addr.port ? NULL : "nothing can be sent to port 0";
    *target = (struct target){0};
    return looks_like_ipv6(text) ? wrong : parse_name(target, text, default_port);
}
