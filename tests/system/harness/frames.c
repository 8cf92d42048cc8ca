/* In-band frames: see frames.h. */
#define HARNESS_INTERNAL
#include "frames.h"

#include <string.h>

void frame_send(int udp, const struct endpoint *to, uint8_t type, const uint8_t *cookie,
                const char *text)
{
    uint8_t bytes[FRAME_CHALLENGE + 256] = {0x00, 0x55, 0x44, 0x50, type};
    size_t size = FRAME_HEAD;

    if (cookie != NULL) {
        memcpy(bytes + size, cookie, FRAME_COOKIE);
        size += FRAME_COOKIE;
    }
    memcpy(bytes + size, text, strlen(text));
    udp_send(udp, to, bytes, size + strlen(text));
}

void frame_expect_challenge(int udp, const struct endpoint *from, uint8_t cookie[FRAME_COOKIE])
{
    uint8_t bytes[256];
    struct endpoint source;
    ssize_t size = udp_receive(udp, bytes, sizeof bytes, &source);

    harness_equal("the bytes of a challenge", size, FRAME_CHALLENGE);
    expect(memcmp(bytes, "\0UDP\1", FRAME_HEAD) == 0, "expected a challenge");
    expect(endpoint_same(from, &source), "expected it from %s", endpoint_text(from));
    memcpy(cookie, bytes + FRAME_HEAD, FRAME_COOKIE);
}

void frame_request_challenge(int udp, const struct endpoint *server, uint8_t cookie[FRAME_COOKIE])
{
    udp_send_text(udp, server, "hi");
    frame_expect_challenge(udp, server, cookie);
}

void frame_join(int udp, const struct endpoint *server)
{
    uint8_t cookie[FRAME_COOKIE];

    frame_request_challenge(udp, server, cookie);
    frame_send(udp, server, 2, cookie, "hi");
    udp_expect(udp, server, "yes");
}
