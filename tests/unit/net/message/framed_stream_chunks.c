/* Line streams that deliver chunks: what one read brings, limits, pausing, the end of input. */
#include "framed_stream_fixture.h"

TestSuite(framed_stream_chunks, .timeout = 20);

static void send_bytes(struct owner *owner, char byte, size_t size)
{
    char *bytes = malloc(size);
    memset(bytes, byte, size);
    cr_assert_eq(unix_client_write_all(owner->peer, bytes, size), 0);
    free(bytes);
}

/* ---- What a chunk is ---- */

Test(framed_stream_chunks, a_chunk_is_delivered_as_it_is_with_its_newlines)
{
    struct owner owner;
    open_owner_of_chunks(&owner, 100);
    send_text(&owner, "one\ntwo\r\n\n");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one\ntwo\r\n\n]");
    close_owner(&owner);
}

Test(framed_stream_chunks, what_arrives_later_is_another_chunk)
{
    struct owner owner;
    open_owner_of_chunks(&owner, 100);
    send_text(&owner, "one");
    settle(&owner);
    send_text(&owner, "two");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one][two]");
    close_owner(&owner);
}

Test(framed_stream_chunks, what_arrives_at_once_is_one_chunk)
{
    struct owner owner;
    open_owner_of_chunks(&owner, 100);
    send_text(&owner, "one");
    send_text(&owner, "two");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[onetwo]");
    close_owner(&owner);
}

Test(framed_stream_chunks, a_chunk_may_contain_nuls)
{
    struct owner owner;
    open_owner_of_chunks(&owner, 100);
    cr_assert_eq(unix_client_write_all(owner.peer, "\0a\0", 3), 0);
    settle(&owner);
    cr_assert_eq(owner.lines, 1);
    cr_assert_eq(owner.last_size, 3);
    close_owner(&owner);
}

/* ---- Chunks that are too long ---- */

Test(framed_stream_chunks, a_chunk_over_the_limit_is_dropped_and_the_next_one_is_delivered)
{
    static const size_t limits[] = {1, 100, 4095, 4096, 4097, 65507};
    /* Also around the size of the buffer into which the rest is dropped. */
    static const size_t over[] = {0, 1, 2, 4096, 4097, 4098, 8193, 10000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (size_t k = 0; k < sizeof over / sizeof *over; k++) {
            struct owner owner;
            open_owner_of_chunks(&owner, limits[i]);
            send_bytes(&owner, 'x', limits[i] + over[k]);
            settle(&owner);
            cr_assert_eq(owner.lines, over[k] == 0, "%zu + %zu", limits[i], over[k]);
            cr_assert_eq(owner.too_long, over[k] > 0, "%zu + %zu", limits[i], over[k]);
            owner.received[0] = '\0';
            send_text(&owner, "n");
            settle(&owner);
            cr_assert_str_eq(owner.received, "[n]", "%zu + %zu", limits[i], over[k]);
            close_owner(&owner);
        }
    }
}

Test(framed_stream_chunks, the_end_of_a_chunk_that_is_too_long_is_found_without_another_event)
{
    /* The first read, and each of those that drop the rest, fill their buffers. */
    static const size_t sizes[] = {101, 101 + 4096, 101 + 2 * 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct owner owner;
        open_owner_of_chunks(&owner, 100);
        send_bytes(&owner, 'x', sizes[i]);
        settle(&owner);
        cr_assert_eq(owner.too_long, 1);
        send_text(&owner, "next");
        settle(&owner);
        cr_assert_str_eq(owner.received, "[next]", "%zu", sizes[i]);
        close_owner(&owner);
    }
}

Test(framed_stream_chunks, a_peer_that_sends_without_a_pause_sends_one_chunk_that_is_too_long)
{
    struct owner owner;
    char bytes[4096] = {0};
    size_t sent = 0;
    open_owner_of_chunks(&owner, 100);
    /* The buffers of the kernel are full whenever the stream reads. */
    while (sent < 4 << 20) {
        ssize_t result = send(owner.peer, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        sent += result > 0 ? (size_t)result : 0;
        if (result < 0)
            run_round(&owner);
    }
    cr_assert_eq(owner.too_long, 0, "its end was not yet found");
    cr_assert_eq(owner.lines, 0);
    for (int rounds = 0; rounds < 200; rounds++) /* 800 KiB, more than the buffers have */
        settle(&owner);
    send_text(&owner, "next");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[next]");
    cr_assert_eq(owner.too_long, 1);
    cr_assert_eq(owner.closes, 0);
    close_owner(&owner);
}

static void free_here(struct owner *owner)
{
    framed_stream_free(owner->stream);
    owner->stream = NULL;
}

Test(framed_stream_chunks, a_stream_may_be_freed_when_a_chunk_is_too_long)
{
    struct owner owner;
    open_owner_of_chunks(&owner, 4);
    owner.on_too_long = free_here;
    send_text(&owner, "much too long");
    settle(&owner);
    cr_assert_eq(owner.too_long, 1);
    cr_assert_eq(owner.closes, 0);
    close_owner(&owner);
}

/* ---- Pausing ---- */

Test(framed_stream_chunks, a_paused_stream_reads_nothing_and_then_all_that_has_arrived_as_one_chunk)
{
    struct owner owner;
    open_owner_of_chunks(&owner, 100);
    owner.on_line = pause_here;
    send_text(&owner, "one");
    settle(&owner);
    send_text(&owner, "two");
    settle(&owner);
    send_text(&owner, "three");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one]");
    framed_stream_resume(owner.stream);
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one][twothree]");
    close_owner(&owner);
}

static void pause_when_drained(struct owner *owner)
{
    framed_stream_pause(owner->stream);
}

static void read_all(const struct owner *owner)
{
    char bytes[65536];
    while (recv(owner->peer, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        ;
}

/* Has the stream read the text, and then pauses it before the text is delivered. */
static void read_and_pause(struct owner *owner, const char *text)
{
    static const char bytes[65536];
    owner->on_drained = pause_when_drained;
    while (!framed_stream_is_backed_up(owner->stream))
        cr_assert(framed_stream_write(owner->stream, bytes, sizeof bytes));
    send_text(owner, text);
    read_all(owner);
    settle(owner);
    read_all(owner); /* otherwise the peer's end is a reset */
    cr_assert_eq(owner->drains, 1);
    cr_assert_eq(owner->lines, 0);
    cr_assert_eq(owner->too_long, 0);
}

Test(framed_stream_chunks, a_chunk_that_waits_is_not_joined_with_the_next_one)
{
    struct owner owner;
    open_owner_of_chunks(&owner, 100);
    read_and_pause(&owner, "one");
    send_text(&owner, "two");
    framed_stream_resume(owner.stream);
    /* The event of the end comes before the chunk that waits is delivered. */
    close_peer(&owner);
    run(&owner);
    cr_assert_str_eq(owner.received, "[one][two]");
    cr_assert_eq(owner.closes, 1);
    cr_assert_eq(owner.error, 0);
    close_owner(&owner);
}

Test(framed_stream_chunks, a_chunk_that_is_too_long_is_reported_after_the_pause)
{
    struct owner owner;
    open_owner_of_chunks(&owner, 4);
    read_and_pause(&owner, "much too long");
    framed_stream_resume(owner.stream);
    settle(&owner);
    cr_assert_eq(owner.too_long, 1);
    send_text(&owner, "next");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[next]");
    close_owner(&owner);
}

/* ---- The end of input ---- */

Test(framed_stream_chunks, the_end_is_reported_after_the_last_chunk_which_needs_no_newline)
{
    struct owner owner;
    char reply[8] = {0};
    open_owner_of_chunks(&owner, 100);
    send_text(&owner, "last");
    shutdown(owner.peer, SHUT_WR);
    run(&owner);
    cr_assert_str_eq(owner.received, "[last]");
    cr_assert_eq(owner.closes, 1);
    cr_assert_eq(owner.error, 0);
    cr_assert(framed_stream_write(owner.stream, "reply", 5));
    cr_assert_eq(recv(owner.peer, reply, sizeof reply, 0), 5);
    close_owner(&owner);
}

Test(framed_stream_chunks, the_end_after_a_chunk_that_is_too_long_is_an_end_without_an_error)
{
    struct owner owner;
    open_owner_of_chunks(&owner, 100);
    send_bytes(&owner, 'x', 20000);
    shutdown(owner.peer, SHUT_WR);
    run(&owner);
    cr_assert_eq(owner.too_long, 1);
    cr_assert_eq(owner.lines, 0);
    cr_assert_eq(owner.closes, 1);
    cr_assert_eq(owner.error, 0);
    close_owner(&owner);
}

Test(framed_stream_chunks, chunks_before_a_closed_connection_are_delivered)
{
    struct owner owner;
    open_owner_of_chunks(&owner, 100);
    send_text(&owner, "one");
    close_peer(&owner);
    run(&owner);
    cr_assert_str_eq(owner.received, "[one]");
    cr_assert_eq(owner.error, 0);
    close_owner(&owner);
}
