#include "address/cidr.h"
#include "text/number_with_unit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static uint8_t address_bits(uint8_t family)
{
    return family == ADDR_IPV4 ? 32 : 128;
}

/* Clears all but the first bits. Returns whether any of the others was set. */
static bool clear_after(uint8_t ip[16], unsigned bits)
{
    unsigned cleared = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned kept = bits > 8 * i ? bits - 8 * i : 0;
        unsigned mask = kept >= 8 ? 0xffU : 0xff00U >> kept & 0xffU;
        cleared |= ip[i] & ~mask;
        ip[i] = (uint8_t)(ip[i] & mask);
    }
    return cleared != 0;
}

/* Whether all addresses of a block are IPv4-mapped (RFC 4291 section 2.5.5.2). */
static bool is_mapped(const struct cidr *cidr)
{
    static const uint8_t head[12] = {[10] = 0xff, 0xff};
    return cidr->family == ADDR_IPV6 && cidr->bits >= 8 * sizeof head &&
           memcmp(cidr->ip, head, sizeof head) == 0;
}

const char *cidr_parse(struct cidr *cidr, const char *text)
{
    struct cidr read = {.family = ADDR_NONE};
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);

    *cidr = read;
    if (length >= sizeof host)
        return "not an IPv4 or IPv6 address";
    memcpy(host, text, length);
    host[length] = '\0';
    if (inet_pton(AF_INET, host, read.ip) == 1)
        read.family = ADDR_IPV4;
    else if (inet_pton(AF_INET6, host, read.ip) == 1)
        read.family = ADDR_IPV6;
    else
        return "not an IPv4 or IPv6 address";

    uint64_t bits = address_bits(read.family);
    if (slash && number_parse(slash + 1, 0, bits, &bits))
        return read.family == ADDR_IPV4 ? "the prefix length is not a number from 0 to 32"
                                        : "the prefix length is not a number from 0 to 128";
    read.bits = (uint8_t)bits;
    if (clear_after(read.ip, read.bits))
        return "the address has bits set after the prefix";
    if (is_mapped(&read))
        return "IPv4-mapped addresses: write them as IPv4, such as 192.0.2.0/24";
    *cidr = read;
    return NULL;
}

const char *cidr_format(const struct cidr *cidr, char text[CIDR_TEXT_BYTES])
{
    bool ipv4 = cidr->family == ADDR_IPV4;
    inet_ntop(ipv4 ? AF_INET : AF_INET6, cidr->ip, text, CIDR_TEXT_BYTES);
    size_t length = strlen(text);
    if (cidr->bits < address_bits(cidr->family))
        snprintf(text + length, CIDR_TEXT_BYTES - length, "/%u", cidr->bits);
    return text;
}

struct cidr cidr_of(const struct addr *addr, uint8_t bits)
{
    struct cidr cidr = {.family = addr->family, .bits = address_bits(addr->family)};
    if (bits < cidr.bits)
        cidr.bits = bits;
    memcpy(cidr.ip, addr->ip, sizeof cidr.ip);
    clear_after(cidr.ip, cidr.bits);
    return cidr;
}

bool cidr_contains(const struct cidr *cidr, const struct addr *addr)
{
    unsigned bytes = cidr->bits / 8, bits = cidr->bits % 8;
    if (addr->family != cidr->family || memcmp(addr->ip, cidr->ip, bytes) != 0)
        return false;
    return bits == 0 || (addr->ip[bytes] ^ cidr->ip[bytes]) >> (8 - bits) == 0;
}

int cidr_compare(const struct cidr *a, const struct cidr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    int by = memcmp(a->ip, b->ip, sizeof a->ip);
    return by != 0 ? by : (a->bits > b->bits) - (a->bits < b->bits);
}
