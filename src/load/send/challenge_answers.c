/* Challenges, answered a batch at a time. */
#include "load/send/challenge_answers.h"

#include "wire/frame.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* For each datagram of a batch an answer, all with the same request behind the head; so only heads
 * are ever written. */
struct challenge_answers {
    size_t bytes; /* of an answer */
    uint8_t answers[];
};

struct challenge_answers *challenge_answers_new(const void *request, size_t size)
{
    size_t bytes = FRAME_ANSWER_HEAD_BYTES + size;
    struct challenge_answers *proofs = malloc(sizeof *proofs + BATCH_MAX * bytes);
    if (!proofs)
        return NULL;
    proofs->bytes = bytes;
    for (size_t i = 0; i < BATCH_MAX && size > 0; i++)
        memcpy(proofs->answers + i * bytes + FRAME_ANSWER_HEAD_BYTES, request, size);
    return proofs;
}

void challenge_answers_free(struct challenge_answers *proofs)
{
    free(proofs);
}

bool challenge_answers_is_wanted(const struct datagram *datagram)
{
    return frame_has_magic(datagram->bytes, datagram->size) &&
           frame_read(datagram->bytes, datagram->size).type == FRAME_CHALLENGE;
}

static const uint8_t *cookie_of(const struct batch *batch, int i)
{
    const struct datagram *challenge = &batch_datagrams(batch)[i];
    return frame_read(challenge->bytes, challenge->size).cookie;
}

_Static_assert((int)FRAME_CHALLENGE_BYTES <= (int)FRAME_ANSWER_HEAD_BYTES,
               "a leave frame fits where the head of an answer stands");

void challenge_answers_leave(struct challenge_answers *proofs, struct batch *batch, int i)
{
    uint8_t *leave = proofs->answers + (size_t)i * proofs->bytes;
    batch_answer(batch, batch, i, leave, frame_write_leave(leave, cookie_of(batch, i)));
}

void challenge_answers_answer(struct challenge_answers *proofs, struct batch *batch, int i)
{
    uint8_t *answer = proofs->answers + (size_t)i * proofs->bytes;
    frame_write_answer_head(answer, cookie_of(batch, i));
    batch_answer(batch, batch, i, answer, proofs->bytes);
}
