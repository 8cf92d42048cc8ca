#ifndef UNIT_ADDR_FIXTURE_H
#define UNIT_ADDR_FIXTURE_H

#include "base/addr.h"

#include <criterion/criterion.h>
#include <endian.h>
#include <string.h>

/* Sources, all of port 9: by the number of an IPv4 address, and by text. */
static inline struct addr ipv4(uint32_t ip)
{
    struct addr addr = {.family = ADDR_IPV4, .port = 9};
    ip = htobe32(ip);
    memcpy(addr.ip, &ip, sizeof ip);
    return addr;
}

static inline struct addr parsed(const char *text)
{
    struct addr addr;
    cr_assert_null(addr_parse(&addr, NULL, text, 9));
    return addr;
}

#endif
