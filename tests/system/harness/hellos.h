#ifndef SYSTEM_HELLOS_H
#define SYSTEM_HELLOS_H

#include "frames.h"

/* Hellos with names, and their answers (docs/protocol.md). */

#define NAMES_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

enum {
    NAMED_UNUSED = 0,
    NAMED_GIVEN = 1,
    NAMED_FULL = 2,
    NAMED_BAD_MAC = 3,
    NAMED_WRONG_MODE = 5,
    KEYED_HELLO_HEAD = 6 + 16 + 16, /* before the name */
    HELLO_ROOM = KEYED_HELLO_HEAD + 64,
};

/* Sends a hello with a name, without a key. */
void hello_send(int udp, const struct endpoint *server, const char *name);

/* Builds a keyed hello with the MAC of the device `device` under NAMES_KEY. Returns its size. */
size_t hello_make_keyed(uint8_t hello[HELLO_ROOM], const uint8_t cookie[FRAME_COOKIE],
                        const char *device, const char *name);

/* Expects that the next datagram is a named with this status and name. */
void hello_expect(int udp, const struct endpoint *server, uint8_t status, const char *name);

/* Sends a hello with a name, and expects that it is given. */
void hello_ask(int udp, const struct endpoint *server, const char *name);

/* Sends "hi" and a hello with a name, and expects that "hi" is answered by `answer`, and that the
 * name is given. The two are sent at once, so that the client does not expire between them. */
void hello_join(int udp, const struct endpoint *server, const char *answer, const char *name);

#ifndef HARNESS_INTERNAL
#define hello_expect(...) HERE(hello_expect(__VA_ARGS__))
#define hello_ask(...)    HERE(hello_ask(__VA_ARGS__))
#define hello_join(...)   HERE(hello_join(__VA_ARGS__))
#endif

#endif
