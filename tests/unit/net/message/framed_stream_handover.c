/* A stream that goes on in another process: another loop, with other descriptors of the same files.
 */
#include "net/message/framed_stream_handover.h"

#include "framed_stream_fixture.h"
#include "handover_fixture.h"

TestSuite(framed_stream_handover, .timeout = 20);

enum { LINE_BYTES = 100, SMALL_BUFFER = 4096 };

/* Writes a record of the stream. */
static void write_record(const struct owner *owner, struct handover_writer *writer)
{
    handover_begin(writer, 1);
    framed_stream_hand_over(owner->stream, writer);
    handover_end(writer);
}

/* Hands the stream of `from` over to `to`, a copy of it with a loop of its own. from is free then.
 */
static void hand_over_within(struct owner *from, struct owner *to, size_t max_line_bytes)
{
    struct handover_writer writer = {.size = 0};
    write_record(from, &writer);
    struct handover_reader reader = handover_received(&writer);
    *to = *from;
    to->loop = loop_new();
    to->stream = framed_stream_take_over(to->loop, &reader, max_line_bytes, &callbacks, to);
    cr_assert_not_null(to->stream);
    cr_assert(handover_is_at_end(&reader));
    handover_forget(&reader);
    handover_writer_free(&writer);
    framed_stream_free(from->stream);
    loop_free(from->loop);
}

static void hand_over(struct owner *from, struct owner *to)
{
    hand_over_within(from, to, LINE_BYTES);
}

/* Fills the buffers of the kernel, so that `count` bytes stay unsent. */
static void back_up(struct owner *owner, size_t count)
{
    char bytes[256];
    memset(bytes, '-', sizeof bytes);
    while (!framed_stream_is_backed_up(owner->stream))
        cr_assert(framed_stream_write(owner->stream, bytes, sizeof bytes));
    for (size_t i = framed_stream_unsent_bytes(owner->stream); i < count; i++)
        cr_assert(framed_stream_write(owner->stream, "+", 1));
}

/* Reads what has arrived at the peer. Returns whether it has also seen the end. */
static bool read_all(const struct owner *owner, size_t *pluses)
{
    char bytes[4096];
    ssize_t got;
    while ((got = recv(owner->peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        for (ssize_t i = 0; i < got; i++)
            *pluses += bytes[i] == '+';
    return got == 0;
}

/* ---- input ---- */

Test(framed_stream_handover, half_a_line_is_completed_by_the_other_process)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    send_text(&first, "whole\nha");
    settle(&first);
    hand_over(&first, &second);
    settle(&second);
    cr_assert_str_eq(second.received, "[whole]");
    send_text(&second, "lf\n");
    settle(&second);
    cr_assert_str_eq(second.received, "[whole][half]");
    close_owner(&second);
}

Test(framed_stream_handover, bytes_that_the_kernel_has_are_read_by_the_other_process)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    send_text(&first, "unread\n");
    hand_over(&first, &second);
    settle(&second);
    cr_assert_str_eq(second.received, "[unread]");
    close_owner(&second);
}

Test(framed_stream_handover, paused_stream_delivers_nothing_until_it_is_resumed)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    first.on_line = pause_here;
    send_text(&first, "one\ntwo\nthree\n");
    settle(&first);
    hand_over(&first, &second);
    settle(&second);
    cr_assert_str_eq(second.received, "[one]");
    framed_stream_resume(second.stream);
    settle(&second);
    cr_assert_str_eq(second.received, "[one][two]");
    second.on_line = NULL;
    framed_stream_resume(second.stream);
    settle(&second);
    cr_assert_str_eq(second.received, "[one][two][three]");
    close_owner(&second);
}

Test(framed_stream_handover, line_whose_delivery_was_due_is_delivered_without_an_event)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    first.on_line = pause_here;
    send_text(&first, "one\ntwo\n");
    settle(&first);
    framed_stream_resume(first.stream);
    hand_over(&first, &second);
    settle(&second);
    cr_assert_str_eq(second.received, "[one][two]");
    close_owner(&second);
}

Test(framed_stream_handover, end_of_input_that_was_seen_is_reported_after_the_lines)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    first.on_line = pause_here;
    send_text(&first, "one\ntwo\nthr");
    cr_assert_eq(shutdown(first.peer, SHUT_WR), 0);
    settle(&first);
    hand_over(&first, &second);
    framed_stream_accept_partial_line(second.stream);
    second.on_line = NULL;
    settle(&second);
    cr_assert_eq(second.closes, 0);
    framed_stream_resume(second.stream);
    settle(&second);
    cr_assert_str_eq(second.received, "[one][two][thr]");
    cr_assert_eq(second.closes, 1);
    cr_assert_eq(second.error, 0);
    close_owner(&second);
}

Test(framed_stream_handover, reported_end_of_input_is_not_reported_again)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    cr_assert_eq(shutdown(first.peer, SHUT_WR), 0);
    settle(&first);
    cr_assert_eq(first.closes, 1);
    hand_over(&first, &second);
    settle(&second);
    cr_assert_eq(second.closes, 1);
    cr_assert(framed_stream_write(second.stream, "reply", 5));
    char reply[8] = {0};
    cr_assert_eq(recv(second.peer, reply, sizeof reply, 0), 5);
    close_owner(&second);
}

Test(framed_stream_handover, failure_that_was_not_reported_is_reported_by_the_other_process)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    close_peer(&first);
    cr_assert_not(framed_stream_write(first.stream, "x", 1));
    hand_over(&first, &second);
    settle(&second);
    cr_assert_eq(first.closes, 0);
    cr_assert_eq(second.closes, 1);
    cr_assert_eq(second.error, -EPIPE);
    close_owner(&second);
}

Test(framed_stream_handover, hangup_of_a_paused_stream_is_reported_by_the_other_process)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    first.on_line = pause_here;
    send_text(&first, "one\n");
    settle(&first);
    close_peer(&first);
    hand_over(&first, &second);
    settle(&second);
    cr_assert_eq(second.closes, 1);
    cr_assert_eq(second.error, -EPIPE);
    close_owner(&second);
}

/* ---- output ---- */

Test(framed_stream_handover, unsent_output_follows_what_the_kernel_has_and_drained_is_called_once)
{
    struct owner first, second;
    size_t pluses = 0;
    open_owner(&first, LINE_BYTES);
    back_up(&first, 5000);
    settle(&first);
    hand_over(&first, &second);
    settle(&second);
    cr_assert_eq(second.drains, 0);
    for (int i = 0; second.drains == 0 && i < 1000; i++) {
        read_all(&second, &pluses);
        settle(&second);
    }
    cr_assert(framed_stream_write(second.stream, "+", 1));
    read_all(&second, &pluses);
    cr_assert_eq(second.drains, 1);
    cr_assert_gt(pluses, 4000);
    cr_assert_not(framed_stream_is_backed_up(second.stream));
    close_owner(&second);
}

Test(framed_stream_handover, connection_stays_open_when_the_first_process_frees_its_stream)
{
    struct owner first, second;
    size_t pluses = 0;
    open_owner(&first, LINE_BYTES);
    hand_over(&first, &second);
    cr_assert_not(read_all(&second, &pluses), "the peer sees no end");
    cr_assert(framed_stream_write(second.stream, "+", 1));
    read_all(&second, &pluses);
    cr_assert_eq(pluses, 1);
    close_owner(&second);
}

Test(framed_stream_handover, first_process_can_go_on_when_the_other_one_does_not)
{
    struct owner owner;
    struct handover_writer writer = {.size = 0};
    open_owner(&owner, LINE_BYTES);
    send_text(&owner, "ha");
    settle(&owner);
    write_record(&owner, &writer);
    struct handover_reader reader = handover_received(&writer);
    handover_forget(&reader);
    handover_writer_free(&writer);
    send_text(&owner, "lf\n");
    settle(&owner);
    cr_assert_str_eq(owner.received, "[half]");
    close_owner(&owner);
}

Test(framed_stream_handover, our_side_ends_once_the_other_process_has_sent_the_reason)
{
    struct owner first, second;
    size_t pluses = 0;
    bool has_ended = false;
    open_owner(&first, 4);
    first.discard_when_closed = true;
    back_up(&first, 5000);
    send_text(&first, "much too long\n");
    settle(&first);
    cr_assert_eq(first.error, -EMSGSIZE);
    hand_over_within(&first, &second, 4);
    settle(&second);
    send_text(&second, "and more\n");
    for (int i = 0; !has_ended && i < 1000; i++) {
        has_ended = read_all(&second, &pluses);
        settle(&second);
    }
    cr_assert(has_ended);
    cr_assert_gt(pluses, 4000);
    cr_assert_eq(second.drains, 0);
    close_peer(&second);
    settle(&second);
    cr_assert_eq(second.drains, 1);
    cr_assert_eq(second.lines, 0);
    close_owner(&second);
}

/* ---- chunks ---- */

Test(framed_stream_handover, chunk_that_was_not_delivered_is_delivered_by_the_other_process)
{
    struct owner first, second;
    open_owner_of_chunks(&first, LINE_BYTES);
    first.on_line = pause_here;
    send_text(&first, "one\n");
    settle(&first);
    send_text(&first, "two\n");
    hand_over(&first, &second);
    framed_stream_deliver_chunks(second.stream, record_too_long);
    framed_stream_resume(second.stream);
    settle(&second);
    cr_assert_str_eq(second.received, "[one\n][two\n]");
    close_owner(&second);
}

Test(framed_stream_handover, chunk_that_is_too_long_is_dropped_to_its_end_and_reported_once)
{
    struct owner first, second;
    char bytes[LINE_BYTES + 1 + 4096 + 50]; /* the last part is no longer than a chunk */
    memset(bytes, 'x', sizeof bytes);
    open_owner_of_chunks(&first, LINE_BYTES);
    cr_assert_eq(unix_client_write_all(first.peer, bytes, sizeof bytes), 0);
    run_round(&first);
    cr_assert_eq(first.too_long, 0, "a part of it was dropped");
    hand_over(&first, &second);
    framed_stream_deliver_chunks(second.stream, record_too_long);
    for (int i = 0; i < 5; i++)
        settle(&second);
    send_text(&second, "next");
    settle(&second);
    cr_assert_eq(second.too_long, 1);
    cr_assert_str_eq(second.received, "[next]");
    close_owner(&second);
}

static void pause_when_drained(struct owner *owner)
{
    framed_stream_pause(owner->stream);
}

Test(framed_stream_handover, dropped_chunk_that_was_not_reported_is_reported_by_the_other_process)
{
    struct owner first, second;
    char bytes[LINE_BYTES + 1] = {0};
    size_t pluses = 0;
    open_owner_of_chunks(&first, LINE_BYTES);
    first.on_drained = pause_when_drained;
    back_up(&first, 1);
    read_all(&first, &pluses);
    cr_assert_eq(unix_client_write_all(first.peer, bytes, sizeof bytes), 0);
    settle(&first);
    cr_assert_eq(first.drains, 1);
    cr_assert_eq(first.too_long, 0);
    hand_over(&first, &second);
    framed_stream_deliver_chunks(second.stream, record_too_long);
    framed_stream_resume(second.stream);
    settle(&second);
    cr_assert_eq(second.too_long, 1);
    close_owner(&second);
}

/* ---- another configuration ---- */

Test(framed_stream_handover, unread_lines_become_chunks_that_are_not_too_long)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    first.on_line = pause_here;
    send_text(&first, "one\ntwo\r\nthree\nfo");
    settle(&first);
    hand_over_within(&first, &second, 4);
    framed_stream_deliver_chunks(second.stream, record_too_long);
    second.on_line = NULL;
    framed_stream_resume(second.stream);
    settle(&second);
    cr_assert_str_eq(second.received, "[one][two\r][\nthr][ee\nf][o]");
    cr_assert_eq(second.too_long, 0);
    close_owner(&second);
}

Test(framed_stream_handover, unread_chunk_is_split_into_lines)
{
    struct owner first, second;
    size_t pluses = 0;
    open_owner_of_chunks(&first, LINE_BYTES);
    first.on_drained = pause_when_drained;
    back_up(&first, 1);
    read_all(&first, &pluses);
    send_text(&first, "one\ntwo\nth");
    settle(&first);
    cr_assert_str_eq(first.received, "");
    hand_over(&first, &second);
    framed_stream_resume(second.stream);
    send_text(&second, "ree\n");
    settle(&second);
    cr_assert_str_eq(second.received, "[one][two][three]");
    close_owner(&second);
}

Test(framed_stream_handover, rest_of_a_dropped_chunk_is_input_where_lines_are_read)
{
    struct owner first, second;
    char bytes[20000];
    memset(bytes, '\n', sizeof bytes);
    open_owner_of_chunks(&first, LINE_BYTES);
    cr_assert_eq(unix_client_write_all(first.peer, bytes, sizeof bytes), 0);
    run_round(&first);
    hand_over(&first, &second);
    for (int i = 0; i < 100; i++)
        settle(&second);
    cr_assert_gt(second.lines, 0);
    second.received[0] = '\0';
    send_text(&second, "next\n");
    settle(&second);
    cr_assert_str_eq(second.received, "[next]");
    close_owner(&second);
}

Test(framed_stream_handover, unread_part_of_a_line_beyond_a_lower_limit_ends_the_input)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    send_text(&first, "twelve bytes");
    settle(&first);
    hand_over_within(&first, &second, 5);
    settle(&second);
    cr_assert_eq(second.closes, 1);
    cr_assert_eq(second.error, -EMSGSIZE);
    close_owner(&second);
}

Test(framed_stream_handover, lines_before_one_beyond_a_lower_limit_are_delivered)
{
    struct owner first, second;
    open_owner(&first, LINE_BYTES);
    first.on_line = pause_here;
    send_text(&first, "one\ntwo\nthree\ntwelve bytes");
    settle(&first);
    hand_over_within(&first, &second, 5);
    second.on_line = NULL;
    framed_stream_resume(second.stream);
    settle(&second);
    cr_assert_str_eq(second.received, "[one][two][three]");
    cr_assert_eq(second.error, -EMSGSIZE);
    close_owner(&second);
}

Test(framed_stream_handover, more_unsent_output_than_a_lower_limit_stays_until_more_is_written)
{
    struct owner first, second;
    size_t pluses = 0;
    open_owner(&first, LINE_BYTES);
    back_up(&first, 5000);
    hand_over(&first, &second);
    framed_stream_limit_output(second.stream, 100);
    settle(&second);
    cr_assert_eq(second.closes, 0);
    cr_assert_eq(framed_stream_unsent_bytes(second.stream), 5000);
    cr_assert_not(framed_stream_write(second.stream, "x", 1));
    settle(&second);
    cr_assert_eq(second.error, -ENOBUFS);
    read_all(&second, &pluses);
    cr_assert_eq(pluses, 0);
    close_owner(&second);
}

/* ---- damaged records ---- */

Test(framed_stream_handover, record_that_is_truncated_anywhere_is_refused_and_its_descriptor_closed)
{
    struct owner owner;
    struct handover_writer writer = {.size = 0};
    open_owner(&owner, LINE_BYTES);
    send_text(&owner, "part of a line");
    settle(&owner);
    back_up(&owner, 300);
    write_record(&owner, &writer);
    for (size_t end = 9; end < writer.size; end++) {
        struct handover_reader reader = {.bytes = writer.bytes,
                                         .size = writer.size,
                                         .at = 9,
                                         .end = end,
                                         .descriptors = (int[]){dup(writer.descriptors[0])},
                                         .descriptor_count = 1};
        int fd = reader.descriptors[0];
        cr_assert_null(
            framed_stream_take_over(owner.loop, &reader, LINE_BYTES, &callbacks, &owner));
        cr_assert(reader.failed);
        cr_assert_eq(fcntl(fd, F_GETFD), -1);
    }
    handover_writer_free(&writer);
    close_owner(&owner);
}

Test(framed_stream_handover, stream_can_be_read_over_and_its_descriptor_closed)
{
    struct owner owner;
    struct handover_writer writer = {.size = 0};
    open_owner(&owner, LINE_BYTES);
    send_text(&owner, "part of a line");
    settle(&owner);
    back_up(&owner, 300);
    write_record(&owner, &writer);
    struct handover_reader reader = handover_received(&writer);
    int fd = reader.descriptors[0];
    framed_stream_close_handed_over(&reader);
    cr_assert(handover_is_at_end(&reader));
    cr_assert_eq(fcntl(fd, F_GETFD), -1);
    handover_forget(&reader);
    handover_writer_free(&writer);
    close_owner(&owner);
}
