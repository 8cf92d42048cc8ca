#ifndef SIM_CORE_DEVICE_MAC_H
#define SIM_CORE_DEVICE_MAC_H

#include <stddef.h>
#include <stdint.h>

/* The code by which a device proves its name, as docs/protocol.md states it: the first half of
 * HMAC-SHA-256(device key, cookie || name), with the device key HMAC-SHA-256(key of the file,
 * name). Written from FIPS 180-4 and RFC 2104 and not from the product, so that each tests the
 * other. */

enum {
    DEVICE_KEY_FILE_BYTES = 32,
    DEVICE_COOKIE_BYTES = 16,
    DEVICE_CODE_BYTES = 16,
    DEVICE_LABEL_BYTES_MAX = 64, /* of a name */
};

void device_mac(uint8_t code[DEVICE_CODE_BYTES], const uint8_t key[DEVICE_KEY_FILE_BYTES],
                const uint8_t cookie[DEVICE_COOKIE_BYTES], const uint8_t *name, size_t size);

#endif
