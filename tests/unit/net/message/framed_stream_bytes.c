/* Streams whose input is delivered as it arrives, in pieces. */
#include "framed_stream_fixture.h"

TestSuite(framed_stream_bytes, .timeout = 20);

static void open_owner_of_bytes(struct owner *owner, size_t most)
{
    open_owner(owner, most);
    framed_stream_deliver_bytes(owner->stream);
}

Test(framed_stream_bytes, what_arrives_is_delivered_as_it_is)
{
    struct owner owner;
    open_owner_of_bytes(&owner, 100);
    send_text(&owner, "one\r\ntwo");
    settle(&owner);
    send_text(&owner, "\n");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one\r\ntwo][\n]");
    close_owner(&owner);
}

Test(framed_stream_bytes, more_than_a_piece_comes_in_several_and_nothing_is_dropped)
{
    struct owner owner;
    open_owner_of_bytes(&owner, 4);
    send_text(&owner, "123456789");
    for (int i = 0; i < 3; i++)
        run_round(&owner);
    cr_assert_str_eq(owner.received, "[1234][5678][9]");
    cr_assert_eq(owner.closes, 0);
    close_owner(&owner);
}

Test(framed_stream_bytes, the_end_of_the_peer_is_reported_after_its_last_bytes)
{
    struct owner owner;
    open_owner_of_bytes(&owner, 4);
    send_text(&owner, "12345");
    shutdown(owner.peer, SHUT_WR);
    run(&owner);
    cr_assert_str_eq(owner.received, "[1234][5]");
    cr_assert_eq(owner.closes, 1);
    cr_assert_eq(owner.error, 0);
    close_owner(&owner);
}
