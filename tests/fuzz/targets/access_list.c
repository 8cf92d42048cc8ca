/* address/cidr: a block that was parsed from text is formatted and parsed as the same block.
 * admission/access_list: lists of blocks give the same results as a search of all blocks. The first
 * byte of the input selects one of the two. */
#include "target.h"

#include "admission/access_list.h"

#include <stdbool.h>
#include <string.h>

enum { BLOCKS_MAX = 24 };

static void try_text(const uint8_t *bytes, size_t size)
{
    char text[128], written[CIDR_TEXT_BYTES];
    struct cidr cidr, again;
    if (size >= sizeof text)
        size = sizeof text - 1;
    memcpy(text, bytes, size);
    text[size] = '\0';
    if (cidr_parse(&cidr, text) != NULL) {
        must(cidr.family == ADDR_NONE);
        return;
    }
    must(strlen(cidr_format(&cidr, written)) < sizeof written);
    must(cidr_parse(&again, written) == NULL);
    must(cidr_compare(&cidr, &again) == 0 && memcmp(&cidr, &again, sizeof cidr) == 0);
}

/* Makes addresses of few different bytes, so that blocks nest and adjoin. */
static struct addr take_addr(struct script *script)
{
    static const uint8_t bytes[4] = {0x00, 0x01, 0x80, 0xff};
    uint32_t kind = take(script);
    struct addr addr = {.family = kind & 1 ? ADDR_IPV6 : ADDR_IPV4};
    int width = kind & 1 ? 16 : 4;
    for (int i = 0; i < width; i++)
        addr.ip[i] = kind & 2 ? (uint8_t)take(script) : bytes[(kind >> (2 + i % 3 * 2)) & 3];
    return addr;
}

static size_t take_list(struct script *script, struct cidr *list)
{
    size_t count = take(script) % (BLOCKS_MAX + 1);
    for (size_t i = 0; i < count; i++) {
        struct addr addr = take_addr(script);
        list[i] = cidr_of(&addr, (uint8_t)(take(script) % (addr.family == ADDR_IPV4 ? 33 : 129)));
    }
    return count;
}

/* The length of the longest block that contains the source, -1 if there is none. */
static int longest(const struct cidr *list, size_t count, const struct addr *source)
{
    int bits = -1;
    for (size_t i = 0; i < count; i++) {
        struct cidr of = cidr_of(source, list[i].bits);
        if (cidr_compare(&of, &list[i]) == 0 && list[i].bits > bits)
            bits = list[i].bits;
    }
    return bits;
}

static void check(const struct access_list *acl, const struct cidr *allow, size_t allow_count,
                  const struct cidr *deny, size_t deny_count, const struct addr *source)
{
    int allowed = longest(allow, allow_count, source), denied = longest(deny, deny_count, source);
    if (allow_count == 0 && allowed < 0)
        allowed = 0;
    must(access_list_admits(acl, source) == (allowed > denied));
}

/* Moves to a neighbouring address: errors are most likely at the ends of a block. */
static void step(struct addr *addr, int by)
{
    for (int i = addr->family == ADDR_IPV4 ? 3 : 15; i >= 0; i--) {
        addr->ip[i] = (uint8_t)(addr->ip[i] + by);
        if (addr->ip[i] != (by > 0 ? 0x00 : 0xff))
            return;
    }
}

static void try_lists(struct script script)
{
    struct cidr allow[BLOCKS_MAX], deny[BLOCKS_MAX];
    size_t allow_count = take_list(&script, allow), deny_count = take_list(&script, deny);
    struct access_list *acl = access_list_new(allow, allow_count, deny, deny_count);
    must(acl != NULL);
    for (size_t i = 0; i < allow_count + deny_count; i++) {
        const struct cidr *block = i < allow_count ? &allow[i] : &deny[i - allow_count];
        struct addr first = {.family = block->family}, last;
        memcpy(first.ip, block->ip, sizeof first.ip);
        last = first;
        for (int bit = block->bits; bit < (block->family == ADDR_IPV4 ? 32 : 128); bit++)
            last.ip[bit / 8] = (uint8_t)(last.ip[bit / 8] | 0x80 >> bit % 8);
        for (int by = -1; by <= 1; by++) {
            struct addr near_first = first, near_last = last;
            if (by != 0) {
                step(&near_first, by);
                step(&near_last, by);
            }
            check(acl, allow, allow_count, deny, deny_count, &near_first);
            check(acl, allow, allow_count, deny, deny_count, &near_last);
        }
    }
    while (script.next < script.end) {
        struct addr source = take_addr(&script);
        check(acl, allow, allow_count, deny, deny_count, &source);
    }
    access_list_free(acl);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    if (bytes[0] & 1)
        try_text(bytes + 1, size - 1);
    else
        try_lists((struct script){bytes + 1, bytes + size});
    return 0;
}
