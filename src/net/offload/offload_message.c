#include "net/offload/offload_message.h"

#include <errno.h>
#include <string.h>

/* RFC 1071. The sum of up to 616 words has no more than 32 bits. */
static uint16_t sum_words(const uint8_t *bytes, size_t size)
{
    uint32_t sum = 0;
    uint16_t word;

    for (size_t i = 0; i < size; i += sizeof word) {
        memcpy(&word, bytes + i, sizeof word);
        sum += word;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

int offload_message_set(struct offload_message *message, const uint8_t *bytes, size_t size)
{
    if (size > sizeof message->bytes)
        return -EMSGSIZE;
    memset(message, 0, sizeof *message);
    message->size = (uint32_t)size;
    if (size > 0)
        memcpy(message->bytes, bytes, size);
    message->sum = sum_words(message->bytes, sizeof message->bytes);
    return 0;
}
