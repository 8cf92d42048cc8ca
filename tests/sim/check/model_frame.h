#ifndef SIM_CHECK_MODEL_FRAME_H
#define SIM_CHECK_MODEL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a datagram is, by its first bytes. */
enum model_frame {
    FRAME_IS_NONE,
    FRAME_IS_ANSWER = 2,
    FRAME_IS_LEAVE = 3,
    FRAME_IS_PING = 4,
    FRAME_IS_CONFIRM = 7,
    FRAME_IS_HELLO = 8,
    FRAME_IS_BAD = 99
};
bool model_has_magic(const void *bytes, size_t size);
enum model_frame model_frame_of(const uint8_t *bytes, size_t size);

#endif
