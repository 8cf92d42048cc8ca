/* When a client takes a datagram for a challenge. */
#include "client/challenge_answer.h"

#include <criterion/criterion.h>

static const uint8_t CHALLENGE[] = "\0UDP\1"
                                   "0123456789abcdef";
enum { SIZE = sizeof CHALLENGE - 1 };

Test(challenge_answer, is_wanted_by_a_challenge_of_a_service_by_datagrams)
{
    struct peer peer = {.stream = false};
    cr_assert(challenge_answer_is_wanted(&peer, CHALLENGE, SIZE));
    cr_assert_not(challenge_answer_is_wanted(&peer, CHALLENGE, SIZE - 1), "cut short");
    cr_assert_not(challenge_answer_is_wanted(&peer, CHALLENGE + 1, SIZE - 1),
                  "it begins otherwise");
}

Test(challenge_answer, is_nothing_that_a_stream_or_a_group_could_ask_for)
{
    struct peer stream = {.stream = true}, group = {.group = true};
    cr_assert_not(challenge_answer_is_wanted(&stream, CHALLENGE, SIZE));
    cr_assert_not(challenge_answer_is_wanted(&group, CHALLENGE, SIZE));
}
