/* Tests of when a client answers a datagram as a challenge. */
#include "client/challenge_answer.h"

#include <criterion/criterion.h>

static const uint8_t CHALLENGE[] = "\0UDP\1"
                                   "0123456789abcdef";
enum { SIZE = sizeof CHALLENGE - 1 };

Test(challenge_answer, is_needed_for_a_challenge_of_a_udp_service)
{
    struct peer peer = {.stream = false};
    cr_assert(challenge_answer_is_needed(&peer, CHALLENGE, SIZE));
    cr_assert_not(challenge_answer_is_needed(&peer, CHALLENGE, SIZE - 1), "truncated");
    cr_assert_not(challenge_answer_is_needed(&peer, CHALLENGE + 1, SIZE - 1),
                  "it begins with other bytes");
}

Test(challenge_answer, is_never_needed_on_a_stream_or_in_a_group)
{
    struct peer stream = {.stream = true}, group = {.group = true};
    cr_assert_not(challenge_answer_is_needed(&stream, CHALLENGE, SIZE));
    cr_assert_not(challenge_answer_is_needed(&group, CHALLENGE, SIZE));
}
