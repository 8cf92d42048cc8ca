#include "address/device_name.h"

#include "text/printable.h"
#include "text/utf8.h"

#include <string.h>

static bool is_control(uint32_t code)
{
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

const char *device_name_check(const void *bytes, size_t size)
{
    if (size == 0)
        return "the name is empty";
    if (size > DEVICE_NAME_BYTES_MAX)
        return "the name is longer than 64 bytes";
    for (size_t at = 0; at < size;) {
        uint32_t code;
        size_t length = utf8_decode((const uint8_t *)bytes + at, size - at, &code);
        if (length == 0)
            return "the name is not UTF-8";
        if (is_control(code))
            return "the name contains a control character";
        at += length;
    }
    return NULL;
}

const char *device_name_set(struct device_name *name, const void *bytes, size_t size)
{
    const char *wrong = device_name_check(bytes, size);
    if (wrong != NULL)
        return wrong;
    memcpy(name->bytes, bytes, size);
    name->size = (uint8_t)size;
    return NULL;
}

bool device_name_equal(const struct device_name *a, const struct device_name *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

const char *device_name_format(const struct device_name *name, char text[DEVICE_NAME_TEXT_BYTES])
{
    char *end = text;
    *end = '\0';
    /* In lists "-" stands for no name. */
    if (name->size == 1 && name->bytes[0] == '-')
        return strcpy(text, "\\x2d");
    for (size_t i = 0; i < name->size; i++) {
        /* A blank would end the word. */
        if (name->bytes[i] == ' ')
            end = memcpy(end, "\\x20", 5);
        else
            printable_ascii(end, 5, &name->bytes[i], 1);
        end += strlen(end);
    }
    return text;
}

const char *device_name_parse(struct device_name *name, const char *text)
{
    uint8_t bytes[DEVICE_NAME_BYTES_MAX + 1]; /* one more than a name, so that it is too long */
    size_t size = 0;
    while (*text != '\0' && size < sizeof bytes) {
        bytes[size] = (uint8_t)*text++;
        if (bytes[size] == '\\') {
            size_t length = printable_unescape(text, &bytes[size]);
            if (length == 0)
                return "the name has a backslash that begins no escape";
            text += length;
        }
        size++;
    }
    return device_name_set(name, bytes, size);
}

void device_name_hand_over(const struct device_name *name, struct handover_writer *writer)
{
    handover_put8(writer, name->size);
    handover_put_bytes(writer, name->bytes, name->size);
}

struct device_name device_name_take_over(struct handover_reader *reader)
{
    struct device_name name = {.size = 0};
    size_t size = handover_get8(reader);
    const uint8_t *bytes = handover_get_bytes(reader, size);
    if (bytes == NULL || size == 0)
        return name;
    if (device_name_set(&name, bytes, size) != NULL)
        reader->failed = true;
    return name;
}
