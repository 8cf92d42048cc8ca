#include "admission/device_key.h"

#include "text/hex.h"

#include <string.h>

const char *names_key_parse(struct names_key *key, const char *text, size_t size)
{
    enum { DIGITS = 2 * DEVICE_KEY_BYTES };
    if (size > 0 && text[size - 1] == '\n')
        size--;
    if (size != DIGITS)
        return "it does not have 64 hexadecimal digits";
    return hex_decode(key->bytes, text, size) ? NULL
                                              : "it has other characters than hexadecimal digits";
}

void names_key_id(const struct names_key *key, uint8_t id[NAMES_KEY_ID_BYTES])
{
    struct hmac_sha256 hmac;
    uint8_t code[SHA256_BYTES];
    hmac_sha256_init(&hmac, key->bytes, sizeof key->bytes);
    hmac_sha256_finish(&hmac, code);
    memcpy(id, code, NAMES_KEY_ID_BYTES);
    explicit_bzero(code, sizeof code);
}

void device_key_derive(const struct names_key *key, const struct device_name *name,
                       uint8_t device_key[DEVICE_KEY_BYTES])
{
    struct hmac_sha256 hmac;
    hmac_sha256_init(&hmac, key->bytes, sizeof key->bytes);
    hmac_sha256_add(&hmac, name->bytes, name->size);
    hmac_sha256_finish(&hmac, device_key);
}

void device_key_mac(const uint8_t device_key[DEVICE_KEY_BYTES], const uint8_t cookie[COOKIE_BYTES],
                    const struct device_name *name, uint8_t mac[DEVICE_MAC_BYTES])
{
    uint8_t whole[SHA256_BYTES];
    struct hmac_sha256 hmac;
    hmac_sha256_init(&hmac, device_key, DEVICE_KEY_BYTES);
    hmac_sha256_add(&hmac, cookie, COOKIE_BYTES);
    hmac_sha256_add(&hmac, name->bytes, name->size);
    hmac_sha256_finish(&hmac, whole);
    memcpy(mac, whole, DEVICE_MAC_BYTES);
}

bool device_key_is_proven(const struct names_key *key, const uint8_t cookie[COOKIE_BYTES],
                          const struct device_name *name, const uint8_t mac[DEVICE_MAC_BYTES])
{
    uint8_t device_key[DEVICE_KEY_BYTES], right[DEVICE_MAC_BYTES];
    device_key_derive(key, name, device_key);
    device_key_mac(device_key, cookie, name, right);
    explicit_bzero(device_key, sizeof device_key);
    return hmac_sha256_equal(mac, right, sizeof right);
}
