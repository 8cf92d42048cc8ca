#ifndef ADMISSION_DEVICE_KEY_H
#define ADMISSION_DEVICE_KEY_H

#include "address/device_name.h"
#include "admission/cookie.h"
#include "base/hmac_sha256.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The keys of named devices, for clients.names = keyed: who may use a name.
 *
 * The server has one key, that of clients.names-key-file. The key of a device is derived from it:
 * HMAC-SHA-256(key of the file, name). So the server stores nothing for a device, and a device that
 * is taken apart reveals its own key only. A table of keys would have to be kept in step with the
 * devices that are sold; the price of deriving them is that one device's key cannot be replaced
 * without a new name.
 *
 * A hello proves the key by a code over the client's cookie and the name. The cookie is the
 * server's, and valid for one source and at most two minutes (admission/cookie), so a recorded
 * hello is worth nothing from another address, and no clock of the device is needed. */

enum {
    DEVICE_KEY_BYTES = SHA256_BYTES, /* of the key of the file, and of a device's key */
    /* Half of the code's bytes, as RFC 2104 (section 5) permits: a guess succeeds once in 2^128. */
    DEVICE_MAC_BYTES = 16,
};

/* The key of the file. A plain value; wipe it by explicit_bzero. */
struct names_key {
    uint8_t bytes[DEVICE_KEY_BYTES];
};

/* Parses the contents of a key file: 64 hexadecimal digits, and at most one end of line after them.
 * Returns NULL or why not, as the reason of a message. */
const char *names_key_parse(struct names_key *key, const char *text, size_t size);

enum { NAMES_KEY_ID_BYTES = 8 };

/* Writes a number by which a key is known again, and from which it cannot be computed: the first
 * bytes of HMAC-SHA-256(key, nothing), which is the key of no device, since each has a name. */
void names_key_id(const struct names_key *key, uint8_t id[NAMES_KEY_ID_BYTES]);

/* Writes the key of a device. */
void device_key_derive(const struct names_key *key, const struct device_name *name,
                       uint8_t device_key[DEVICE_KEY_BYTES]);

/* Writes the code of a hello: the first half of HMAC-SHA-256(device key, cookie || name). */
void device_key_mac(const uint8_t device_key[DEVICE_KEY_BYTES], const uint8_t cookie[COOKIE_BYTES],
                    const struct device_name *name, uint8_t mac[DEVICE_MAC_BYTES]);

/* Whether the code of a hello is right. Its duration depends only on the size of the name. It takes
 * ten blocks of SHA-256, or eleven for a name of more than 39 bytes: about 3 microseconds. */
bool device_key_is_proven(const struct names_key *key, const uint8_t cookie[COOKIE_BYTES],
                          const struct device_name *name, const uint8_t mac[DEVICE_MAC_BYTES]);

#endif
