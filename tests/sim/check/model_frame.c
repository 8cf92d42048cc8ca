#include "sim/check/model_frame.h"

#include "sim/check/hello.h"

#include <string.h>

enum { HEAD_BYTES = 5, COOKIE_BYTES = 16, CONFIRM_BYTES = HEAD_BYTES + 8 };

bool model_has_magic(const void *bytes, size_t size)
{
    return size >= 4 && memcmp(bytes, "\0UDP", 4) == 0;
}

enum model_frame model_frame_of(const uint8_t *bytes, size_t size)
{
    if (!model_has_magic(bytes, size))
        return FRAME_IS_NONE;
    uint8_t type = size > 4 ? bytes[4] : 0;
    size_t head = HEAD_BYTES + COOKIE_BYTES;
    if (type == FRAME_IS_ANSWER && size >= head && !model_has_magic(bytes + head, size - head))
        return FRAME_IS_ANSWER;
    if (type == FRAME_IS_LEAVE && (size == HEAD_BYTES || size == head))
        return FRAME_IS_LEAVE;
    if (type == FRAME_IS_PING && size <= head)
        return FRAME_IS_PING;
    if (type == FRAME_IS_CONFIRM && size == CONFIRM_BYTES)
        return FRAME_IS_CONFIRM;
    if (type == FRAME_IS_HELLO && hello_is_valid(bytes + HEAD_BYTES, size - HEAD_BYTES))
        return FRAME_IS_HELLO;
    return FRAME_IS_BAD;
}
