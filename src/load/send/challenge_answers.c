#include "load/send/challenge_answers.h"

#include "wire/frame.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One answer for each datagram of a batch. All end in the same request, so that only their heads
 * are written later. */
struct challenge_answers {
    size_t answer_bytes;
    uint8_t bytes[];
};

struct challenge_answers *challenge_answers_new(const void *request, size_t size)
{
    size_t bytes = FRAME_ANSWER_HEAD_BYTES + size;
    struct challenge_answers *answers = malloc(sizeof *answers + BATCH_MAX * bytes);
    if (!answers)
        return NULL;
    answers->answer_bytes = bytes;
    for (size_t i = 0; i < BATCH_MAX && size > 0; i++)
        memcpy(answers->bytes + i * bytes + FRAME_ANSWER_HEAD_BYTES, request, size);
    return answers;
}

void challenge_answers_free(struct challenge_answers *answers)
{
    free(answers);
}

bool challenge_answers_is_challenge(const struct datagram *datagram)
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
               "a leave frame fits into the head of an answer");

void challenge_answers_queue_leave(struct challenge_answers *answers, struct batch *batch, int i)
{
    uint8_t *leave = answers->bytes + (size_t)i * answers->answer_bytes;
    batch_add_reply(batch, batch, i, leave, frame_write_leave(leave, cookie_of(batch, i)));
}

void challenge_answers_queue(struct challenge_answers *answers, struct batch *batch, int i)
{
    uint8_t *answer = answers->bytes + (size_t)i * answers->answer_bytes;
    frame_write_answer_head(answer, cookie_of(batch, i));
    batch_add_reply(batch, batch, i, answer, answers->answer_bytes);
}
