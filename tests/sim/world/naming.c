#include "sim/world/naming.h"

#include "sim/core/device_mac.h"
#include "sim/core/draw.h"
#include "sim/world/settings.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    FLAGS_AT = 5,
    BODY_AT = FLAGS_AT + 1,
    NAME_BYTES = 6,
    KEY_BYTES = DEVICE_COOKIE_BYTES + DEVICE_CODE_BYTES,
    IS_KEYED = 2,
    UNKNOWN_FLAG = 4,
    NAMES = 4,
    RECORDED_MAX = 8,
};

/* The last hellos that were proven, which thieves replay from their own addresses. */
static struct {
    uint8_t bytes[NAMING_HELLO_BYTES];
    size_t size;
} recorded[RECORDED_MAX];
static size_t recorded_count;

static size_t write_name(uint8_t *bytes)
{
    memcpy(bytes, "lamp-7", NAME_BYTES);
    if (setup.names_max > 0)
        bytes[NAME_BYTES - 1] = (uint8_t)('0' + draw_below(DRAW_NAMES, NAMES));
    return NAME_BYTES;
}

/* ---- where names need no proof ---- */

/* With a name or without, and now and then keyed, or with a flag that does not exist. */
static size_t draw_trusted(uint8_t *bytes, const struct naming_cookies *cookies)
{
    size_t size = BODY_AT;
    if (draw_below(DRAW_CLIENTS, 8) == 0) {
        bytes[FLAGS_AT] |= IS_KEYED;
        memcpy(bytes + size, cookies->last, DEVICE_COOKIE_BYTES);
        size += KEY_BYTES;
    } else if (draw_below(DRAW_CLIENTS, 16) == 0) {
        bytes[FLAGS_AT] |= UNKNOWN_FLAG;
    }
    if (draw_below(DRAW_CLIENTS, 2) == 0)
        size += write_name(bytes + size);
    return size;
}

/* ---- where they need one ---- */

static size_t write_keyed(uint8_t *bytes, const uint8_t cookie[DEVICE_COOKIE_BYTES])
{
    uint8_t *code = bytes + BODY_AT + DEVICE_COOKIE_BYTES, *name = code + DEVICE_CODE_BYTES;
    bytes[FLAGS_AT] |= IS_KEYED;
    memcpy(bytes + BODY_AT, cookie, DEVICE_COOKIE_BYTES);
    size_t size = write_name(name);
    device_mac(code, setup.names_key, cookie, name, size);
    return BODY_AT + KEY_BYTES + size;
}

static size_t write_proven(uint8_t *bytes, const uint8_t cookie[DEVICE_COOKIE_BYTES])
{
    size_t size = write_keyed(bytes, cookie), at = recorded_count++ % RECORDED_MAX;
    memcpy(recorded[at].bytes, bytes, size);
    recorded[at].size = size;
    return size;
}

/* A code that is wrong in one bit, so that it is right in all others: often in the last byte. */
static size_t write_guessed(uint8_t *bytes, const uint8_t cookie[DEVICE_COOKIE_BYTES])
{
    size_t size = write_keyed(bytes, cookie);
    uint8_t *code = bytes + BODY_AT + DEVICE_COOKIE_BYTES;
    uint64_t bit = draw_below(DRAW_NAMES, 8 * DEVICE_CODE_BYTES);
    if (draw_below(DRAW_NAMES, 2) == 0)
        bit = 8 * DEVICE_CODE_BYTES - 1;
    code[bit / 8] ^= (uint8_t)(1 << bit % 8);
    return size;
}

static size_t write_replay(uint8_t *bytes)
{
    size_t known = recorded_count < RECORDED_MAX ? recorded_count : RECORDED_MAX;
    size_t at = draw_below(DRAW_NAMES, known);
    memcpy(bytes, recorded[at].bytes, recorded[at].size);
    return recorded[at].size;
}

/* Of a client that has no key: without a code, with a guessed one, or what another client sent. */
static size_t draw_theft(uint8_t *bytes, const struct naming_cookies *cookies)
{
    uint64_t way = draw_below(DRAW_NAMES, 4);
    if (way == 0)
        return BODY_AT + write_name(bytes + BODY_AT);
    if (way == 1 && recorded_count > 0)
        return write_replay(bytes);
    return write_guessed(bytes, cookies->last);
}

/* Of one that has the keys of all names: without a name, with the cookie of another time or
 * address, or as it has to be. */
static size_t draw_keyed(uint8_t *bytes, const struct naming_cookies *cookies)
{
    uint64_t way = draw_below(DRAW_NAMES, 20);
    if (way == 0)
        return BODY_AT;
    if (way == 1)
        return write_keyed(bytes, cookies->before);
    return write_proven(bytes, cookies->last);
}

size_t naming_draw_hello(uint8_t bytes[NAMING_HELLO_BYTES], const struct naming_cookies *cookies,
                         bool has_key)
{
    memcpy(bytes, "\0UDP\10", FLAGS_AT);
    bytes[FLAGS_AT] = (uint8_t)draw_below(DRAW_CLIENTS, 2);
    if (!setup.has_keys)
        return draw_trusted(bytes, cookies);
    return has_key ? draw_keyed(bytes, cookies) : draw_theft(bytes, cookies);
}

/* ---- operators ---- */

struct command naming_draw_lookup(char line[NAMING_LINE_BYTES])
{
    struct command command = {.kind = COMMAND_NAMED};
    write_name((uint8_t *)command.name);
    snprintf(line, NAMING_LINE_BYTES, "client @%s\n", command.name);
    return command;
}
