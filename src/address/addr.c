#include "address/addr.h"
#include "text/decimal.h"
#include "text/number_with_unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* The parts of an address's text, before they are parsed. */
struct parts {
    char host[INET6_ADDRSTRLEN];
    char zone[ADDR_ZONE_BYTES];
    const char *port; /* NULL: none */
    bool bracketed;
    bool zoned;
};

static bool copy_part(char *out, size_t room, const char *from, const char *to)
{
    size_t length = (size_t)(to - from);
    if (length == 0 || length >= room)
        return false;
    memcpy(out, from, length);
    out[length] = '\0';
    return true;
}

static const char *split(struct parts *parts, const char *text)
{
    *parts = (struct parts){.bracketed = text[0] == '['};
    const char *host = text, *end, *colon = strchr(text, ':');
    if (parts->bracketed) {
        host = text + 1;
        end = strchr(host, ']');
        if (!end)
            return "']' is missing";
        if (end[1] == ':')
            parts->port = end + 2;
        else if (end[1])
            return "only ':' and a port may follow ']'";
    } else if (colon && !strchr(colon + 1, ':')) {
        end = colon;
        parts->port = colon + 1;
    } else {
        end = text + strlen(text);
    }

    const char *percent = memchr(host, '%', (size_t)(end - host));
    parts->zoned = percent != NULL;
    if (percent && !copy_part(parts->zone, sizeof parts->zone, percent + 1, end))
        return "not a valid interface name";
    if (!copy_part(parts->host, sizeof parts->host, host, percent ? percent : end))
        return "not an IPv4 or IPv6 address";
    return NULL;
}

/* Parses a zone: a number into addr, or a name, which is copied to name (NULL: it is an error). */
static const char *read_zone(const struct parts *parts, struct addr *addr, char *name)
{
    if (!addr_is_link_local(addr) && !addr_is_multicast(addr))
        return "only a link-local IPv6 address has a zone";
    uint64_t scope;
    if (!number_parse(parts->zone, 0, UINT32_MAX, &scope)) {
        addr->scope = (uint32_t)scope;
        return NULL;
    }
    if (!name)
        return "the zone is not a number";
    for (const char *c = parts->zone; *c; c++) {
        if (*c <= ' ' || *c > '~' || *c == '/' || *c == ':') /* the kernel refuses these in names */
            return "not a valid interface name";
    }
    memcpy(name, parts->zone, ADDR_ZONE_BYTES);
    return NULL;
}

const char *addr_parse(struct addr *addr, char zone[ADDR_ZONE_BYTES], const char *text,
                       uint16_t default_port)
{
    struct addr read = {.port = default_port};
    struct parts parts;
    *addr = (struct addr){0};
    if (zone)
        memset(zone, 0, ADDR_ZONE_BYTES);

    const char *wrong = split(&parts, text);
    if (wrong)
        return wrong;
    if (!parts.bracketed && inet_pton(AF_INET, parts.host, read.ip) == 1)
        read.family = ADDR_IPV4;
    else if (inet_pton(AF_INET6, parts.host, read.ip) == 1)
        read.family = ADDR_IPV6;
    else
        return parts.bracketed ? "not an IPv6 address" : "not an IPv4 or IPv6 address";

    if (parts.port) {
        uint64_t port;
        if (number_parse(parts.port, 0, UINT16_MAX, &port))
            return "the port is not a number from 0 to 65535";
        read.port = (uint16_t)port;
    }
    if (parts.zoned) {
        wrong = read_zone(&parts, &read, zone);
        if (wrong)
            return wrong;
    }
    *addr = read;
    return NULL;
}

bool addr_is_ambiguous(const char *text)
{
    const char *colon = strrchr(text, ':');
    char front[ADDR_TEXT_BYTES];
    struct addr addr;
    uint64_t port;

    if (text[0] == '[' || !colon || (size_t)(colon - text) >= sizeof front ||
        number_parse(colon + 1, 1, UINT16_MAX, &port))
        return false;
    memcpy(front, text, (size_t)(colon - text));
    front[colon - text] = '\0';
    return !addr_parse(&addr, NULL, front, 0) && addr.family == ADDR_IPV6;
}

/* Not by inet_ntop and printf, which take ten times as long: each message of `listen` has an
 * address. */
static void format_ipv4(const struct addr *addr, char *text)
{
    for (size_t i = 0; i < 4; i++) {
        text = decimal_write(text, addr->ip[i]);
        *text++ = i < 3 ? '.' : ':';
    }
    *decimal_write(text, addr->port) = '\0';
}

const char *addr_format(const struct addr *addr, char text[ADDR_TEXT_BYTES])
{
    char ip[INET6_ADDRSTRLEN];
    if (addr->family == ADDR_IPV4) {
        format_ipv4(addr, text);
    } else if (addr->family == ADDR_IPV6) {
        char scope[12] = "";
        if (addr->scope != 0)
            snprintf(scope, sizeof scope, "%%%u", addr->scope);
        inet_ntop(AF_INET6, addr->ip, ip, sizeof ip);
        snprintf(text, ADDR_TEXT_BYTES, "[%s%s]:%u", ip, scope, addr->port);
    } else {
        memcpy(text, "-", 2);
    }
    return text;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0 && a->scope == b->scope && a->port == b->port &&
           a->family == b->family;
}

static int order(uint32_t a, uint32_t b)
{
    return (a > b) - (a < b);
}

int addr_compare(const struct addr *a, const struct addr *b)
{
    int by = order(a->family, b->family);
    if (by == 0)
        by = memcmp(a->ip, b->ip, sizeof a->ip);
    if (by == 0)
        by = order(a->scope, b->scope);
    return by ? by : order(a->port, b->port);
}

static const uint8_t IPV6_LOOPBACK[16] = {[15] = 1};
static const uint8_t ZEROES[16];

bool addr_is_loopback(const struct addr *addr)
{
    if (addr->family == ADDR_IPV6)
        return memcmp(addr->ip, IPV6_LOOPBACK, 16) == 0;
    return addr->family == ADDR_IPV4 && addr->ip[0] == 127;
}

bool addr_is_multicast(const struct addr *addr)
{
    if (addr->family == ADDR_IPV6)
        return addr->ip[0] == 0xff;
    return addr->family == ADDR_IPV4 && addr->ip[0] >> 4 == 14;
}

bool addr_is_wildcard(const struct addr *addr)
{
    return addr->family != ADDR_NONE && memcmp(addr->ip, ZEROES, 16) == 0;
}

bool addr_is_link_local(const struct addr *addr)
{
    return addr->family == ADDR_IPV6 && addr->ip[0] == 0xfe && addr->ip[1] >> 6 == 2;
}

bool addr_is_link_scoped_group(const struct addr *addr)
{
    return addr->family == ADDR_IPV6 && addr_is_multicast(addr) && (addr->ip[1] & 0xf) <= 2;
}
