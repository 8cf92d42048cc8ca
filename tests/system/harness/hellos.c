/* Hellos with names, and their answers. */

#define HARNESS_INTERNAL
#include "hellos.h"

#include "base/hmac_sha256.h"
#include "text/hex.h"

#include <string.h>

void hello_send(int udp, const struct endpoint *server, const char *name)
{
    frame_send(udp, server, 8, NULL, harness_format("\x01%s", name));
}

static void hmac(uint8_t mac[SHA256_BYTES], const void *key, size_t key_size, const void *cookie,
                 size_t cookie_size, const char *name)
{
    struct hmac_sha256 state;
    hmac_sha256_init(&state, key, key_size);
    hmac_sha256_add(&state, cookie, cookie_size);
    hmac_sha256_add(&state, name, strlen(name));
    hmac_sha256_finish(&state, mac);
}

size_t hello_make_keyed(uint8_t hello[HELLO_ROOM], const uint8_t cookie[FRAME_COOKIE],
                        const char *device, const char *name)
{
    uint8_t key[SHA256_BYTES], device_key[SHA256_BYTES], mac[SHA256_BYTES];
    expect(hex_decode(key, NAMES_KEY, 2 * SHA256_BYTES), "expected a key");
    hmac(device_key, key, sizeof key, NULL, 0, device);
    hmac(mac, device_key, sizeof device_key, cookie, FRAME_COOKIE, name);
    memcpy(hello, "\0UDP\x08\x03", 6);
    memcpy(hello + 6, cookie, FRAME_COOKIE);
    memcpy(hello + 6 + FRAME_COOKIE, mac, 16);
    memcpy(hello + KEYED_HELLO_HEAD, name, strlen(name));
    return KEYED_HELLO_HEAD + strlen(name);
}

void hello_expect(int udp, const struct endpoint *server, uint8_t status, const char *name)
{
    uint8_t bytes[128] = {0}, expected[128] = "\0UDP\x09";
    struct endpoint from;
    size_t size = 6 + strlen(name);
    expected[5] = status;
    memcpy(expected + 6, name, strlen(name));
    ssize_t received = udp_receive(udp, bytes, sizeof bytes, &from);
    if (received != (ssize_t)size || memcmp(bytes, expected, size) != 0)
        harness_fail("expected a named of status %d and name '%s', got %zd bytes: type %d, status "
                     "%d, '%s'",
                     status, name, received, bytes[4], bytes[5], (const char *)bytes + 6);
    if (!endpoint_same(server, &from))
        harness_fail("expected it from %s", endpoint_text(server));
}

void hello_ask(int udp, const struct endpoint *server, const char *name)
{
    hello_send(udp, server, name);
    hello_expect(udp, server, NAMED_GIVEN, name);
}

void hello_join(int udp, const struct endpoint *server, const char *answer, const char *name)
{
    udp_send_text(udp, server, "hi");
    hello_send(udp, server, name);
    udp_expect(udp, server, answer);
    hello_expect(udp, server, NAMED_GIVEN, name);
}
