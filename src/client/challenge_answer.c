#include "client/challenge_answer.h"

#include "net/message/datagram.h"
#include "wire/frame.h"

#include <errno.h>
#include <string.h>

bool challenge_answer_is_needed(const struct peer *peer, const uint8_t *datagram, size_t size)
{
    return peer_sends_frames(peer) && frame_read(datagram, size).type == FRAME_CHALLENGE;
}

int challenge_answer_send(struct peer *peer, const uint8_t *challenge, const uint8_t *request,
                          size_t size)
{
    uint8_t answer[DATAGRAM_BYTES_MAX];
    size_t head =
        frame_write_answer_head(answer, frame_read(challenge, FRAME_CHALLENGE_BYTES).cookie);
    if (size > sizeof answer - head)
        return -EMSGSIZE;
    if (size > 0)
        memcpy(answer + head, request, size);
    return peer_send(peer, answer, head + size);
}
