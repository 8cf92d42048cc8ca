/* When a client takes a datagram for a challenge. */
#include "client/proof.h"

#include <criterion/criterion.h>

static const uint8_t CHALLENGE[] = "\0UDP\1"
                                   "0123456789abcdef";
enum { SIZE = sizeof CHALLENGE - 1 };

Test(client_proof, is_wanted_by_a_challenge_of_a_service_by_datagrams)
{
    struct peer peer = {.stream = false};
    cr_assert(proof_is_wanted(&peer, CHALLENGE, SIZE));
    cr_assert_not(proof_is_wanted(&peer, CHALLENGE, SIZE - 1), "cut short");
    cr_assert_not(proof_is_wanted(&peer, CHALLENGE + 1, SIZE - 1), "it begins otherwise");
}

Test(client_proof, is_nothing_that_a_stream_or_a_group_could_ask_for)
{
    struct peer stream = {.stream = true}, group = {.group = true};
    cr_assert_not(proof_is_wanted(&stream, CHALLENGE, SIZE));
    cr_assert_not(proof_is_wanted(&group, CHALLENGE, SIZE));
}
