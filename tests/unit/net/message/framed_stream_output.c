/* Output of framed streams: buffering, limits, and freeing a stream within its callbacks. */
#include "framed_stream_fixture.h"

#include "os/process/clock.h"

#include <pthread.h>

/* ---- Buffering ---- */

enum { MUCH = 4 << 20 };

/* Returns a byte of a long sequence whose period is not the size of any buffer. */
static char nth(size_t i)
{
    return (char)(i % 251);
}

static void write_much(struct owner *owner)
{
    char piece[10007];
    for (size_t at = 0; at < MUCH;) {
        size_t size = MUCH - at < sizeof piece ? MUCH - at : sizeof piece;
        for (size_t i = 0; i < size; i++)
            piece[i] = nth(at + i);
        cr_assert(framed_stream_write(owner->stream, piece, size));
        at += size;
    }
}

struct reader {
    struct loop_handler handler;
    size_t got;
    size_t wrong;
};

static void read_some(void *state, unsigned events)
{
    static char piece[65536];
    struct reader *reader = state;
    (void)events;
    ssize_t got = recv(reader->handler.fd, piece, sizeof piece, MSG_DONTWAIT);
    for (ssize_t i = 0; i < got; i++)
        reader->wrong += piece[i] != nth(reader->got + (size_t)i);
    if (got > 0)
        reader->got += (size_t)got;
    else
        loop_stop(reader->handler.loop);
}

Test(framed_stream_output, buffers_what_the_kernel_does_not_accept_and_reports_when_it_is_sent)
{
    struct owner owner;
    struct reader reader = {0};
    open_owner(&owner, 100);
    write_much(&owner);
    cr_assert(framed_stream_is_backed_up(owner.stream));
    settle(&owner);
    cr_assert_eq(owner.drains, 0);
    cr_assert_eq(loop_add(owner.loop, &reader.handler, owner.peer, LOOP_READ, read_some, &reader),
                 0);
    owner.stop_when_drained = true;
    run(&owner);
    cr_assert_eq(owner.drains, 1);
    cr_assert_not(framed_stream_is_backed_up(owner.stream));
    framed_stream_finish(owner.stream);
    owner.stream = NULL;
    run(&owner);
    cr_assert_eq(reader.got, MUCH);
    cr_assert_eq(reader.wrong, 0);
    loop_remove(&reader.handler);
    close_owner(&owner);
}

Test(framed_stream_output, write_does_not_overtake_buffered_output)
{
    struct owner owner;
    char piece[65536], last = 0;
    bool got = false;
    open_owner(&owner, 100);
    memset(piece, 'a', sizeof piece);
    while (!framed_stream_is_backed_up(owner.stream))
        cr_assert(framed_stream_write(owner.stream, piece, sizeof piece));
    /* The kernel accepts more again, but the loop has not noticed it yet. */
    while (recv(owner.peer, piece, sizeof piece, MSG_DONTWAIT) > 0)
        got = true;
    cr_assert(got);
    cr_assert(framed_stream_write(owner.stream, "z", 1));
    framed_stream_finish(owner.stream);
    owner.stream = NULL;
    settle(&owner);
    for (ssize_t size; (size = recv(owner.peer, piece, sizeof piece, MSG_DONTWAIT)) > 0;) {
        cr_assert_eq(memchr(piece, 'z', (size_t)size - 1), NULL);
        last = piece[size - 1];
    }
    cr_assert_eq(last, 'z');
    close_owner(&owner);
}

Test(framed_stream_output, small_write_is_sent_at_once_and_not_reported)
{
    struct owner owner;
    char byte = 0;
    open_owner(&owner, 100);
    cr_assert(framed_stream_write(owner.stream, "x", 1));
    cr_assert_not(framed_stream_is_backed_up(owner.stream));
    cr_assert_eq(recv(owner.peer, &byte, 1, MSG_DONTWAIT), 1);
    settle(&owner);
    cr_assert_eq(owner.drains, 0);
    close_owner(&owner);
}

Test(framed_stream_output, finished_stream_is_freed_when_its_last_byte_is_sent)
{
    struct owner owner;
    struct reader reader = {0};
    open_owner(&owner, 100);
    write_much(&owner);
    framed_stream_finish(owner.stream);
    owner.stream = NULL;
    send_text(&owner, "not delivered\n");
    cr_assert_eq(loop_add(owner.loop, &reader.handler, owner.peer, LOOP_READ, read_some, &reader),
                 0);
    run(&owner);
    cr_assert_eq(reader.got, MUCH);
    cr_assert_eq(reader.wrong, 0);
    cr_assert_eq(owner.lines + owner.drains + owner.closes, 0);
    loop_remove(&reader.handler);
    close_owner(&owner);
}

Test(framed_stream_output, finished_stream_is_freed_when_its_peer_closes)
{
    struct owner owner;
    open_owner(&owner, 100);
    write_much(&owner);
    framed_stream_finish(owner.stream);
    owner.stream = NULL;
    close_peer(&owner);
    settle(&owner);
    cr_assert_eq(owner.drains + owner.closes, 0);
    close_owner(&owner);
}

Test(framed_stream_output, endless_output_ends_the_connection)
{
    static char piece[1 << 20];
    struct owner owner;
    int written = 0;
    open_owner(&owner, 100);
    while (written < 100 && framed_stream_write(owner.stream, piece, sizeof piece))
        written++;
    cr_assert_geq(written, 64);
    cr_assert_lt(written, 100);
    run(&owner);
    cr_assert_eq(owner.error, -ENOBUFS);
    close_owner(&owner);
}

/* ---- Freeing within a callback ---- */

static void free_here(struct owner *owner, char *line, size_t size)
{
    framed_stream_free(owner->stream);
    owner->stream = NULL;
    memset(line, 'x', size);
    loop_stop(owner->loop);
}

Test(framed_stream_output, may_be_freed_in_line)
{
    struct owner owner;
    open_owner(&owner, 100);
    owner.on_line = free_here;
    send_text(&owner, "one\ntwo\n");
    run(&owner);
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one]");
    cr_assert_eq(owner.closes, 0);
    close_owner(&owner);
}

static void finish_here(struct owner *owner, char *line, size_t size)
{
    cr_assert(framed_stream_write(owner->stream, line, size));
    framed_stream_finish(owner->stream);
    owner->stream = NULL;
    loop_stop(owner->loop);
}

Test(framed_stream_output, may_be_finished_in_line)
{
    struct owner owner;
    char answer[8] = {0};
    open_owner(&owner, 100);
    owner.on_line = finish_here;
    send_text(&owner, "one\ntwo\n");
    run(&owner);
    cr_assert_str_eq(owner.received, "[one]");
    cr_assert_eq(recv(owner.peer, answer, sizeof answer, 0), 3);
    cr_assert_str_eq(answer, "one");
    close_owner(&owner);
}

static void free_drained(void *state)
{
    struct owner *owner = state;
    framed_stream_free(owner->stream);
    owner->stream = NULL;
    owner->drains++;
}

static void free_closed(void *state, int error)
{
    struct owner *owner = state;
    framed_stream_free(owner->stream);
    owner->stream = NULL;
    record_closed(state, error);
}

static const struct framed_stream_callbacks freeing = {record_line, free_drained, free_closed};

Test(framed_stream_output, may_be_freed_in_closed)
{
    struct owner owner;
    int fds[2];
    open_owner(&owner, 100);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    framed_stream_free(owner.stream);
    owner.stream = framed_stream_new(owner.loop, fds[0], 100, &freeing, &owner);
    close(fds[1]);
    run(&owner);
    cr_assert_eq(owner.closes, 1);
    cr_assert_eq(owner.stream, NULL);
    close_owner(&owner);
}

Test(framed_stream_output, may_be_freed_in_drained)
{
    struct owner owner;
    struct reader reader = {0};
    int fds[2];
    open_owner(&owner, 100);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    framed_stream_free(owner.stream);
    owner.stream = framed_stream_new(owner.loop, fds[0], 100, &freeing, &owner);
    write_much(&owner);
    cr_assert_eq(loop_add(owner.loop, &reader.handler, fds[1], LOOP_READ, read_some, &reader), 0);
    run(&owner);
    cr_assert_eq(owner.drains, 1);
    cr_assert_eq(reader.got, MUCH);
    loop_remove(&reader.handler);
    close(fds[1]);
    close_owner(&owner);
}

static void free_other(void *state)
{
    struct owner *owner = state;
    framed_stream_free(owner->stream);
    owner->stream = NULL;
}

Test(framed_stream_output, stream_freed_after_resume_delivers_nothing)
{
    struct owner owner;
    open_owner(&owner, 100);
    struct loop_task task = {.run = free_other, .state = &owner};
    owner.on_line = pause_here;
    send_text(&owner, "one\ntwo\n");
    settle(&owner);
    loop_defer(owner.loop, &task);
    framed_stream_resume(owner.stream);
    settle(&owner);
    cr_assert_str_eq(owner.received, "[one]");
    close_owner(&owner);
}

Test(framed_stream_output, single_write_is_buffered_whatever_the_limit)
{
    struct owner owner;
    static char bytes[1 << 20];
    open_owner(&owner, 100);
    framed_stream_limit_output(owner.stream, 4096);
    cr_assert(framed_stream_write(owner.stream, bytes, sizeof bytes));
    cr_assert_gt(framed_stream_unsent_bytes(owner.stream), 4096);
    cr_assert_not(framed_stream_write(owner.stream, bytes, 1));
    run(&owner);
    cr_assert_eq(owner.error, -ENOBUFS);
    close_owner(&owner);
}

Test(framed_stream_output, output_has_the_limit_that_it_is_given)
{
    struct owner owner;
    static char bytes[1000];
    size_t unsent = 0;
    open_owner(&owner, 100);
    framed_stream_limit_output(owner.stream, 5000);
    while (framed_stream_write(owner.stream, bytes, sizeof bytes)) {
        cr_assert_leq(framed_stream_unsent_bytes(owner.stream), 5000);
        unsent = framed_stream_unsent_bytes(owner.stream);
    }
    cr_assert_gt(unsent, 4000);
    cr_assert_eq(framed_stream_unsent_bytes(owner.stream), 0);
    run(&owner);
    cr_assert_eq(owner.error, -ENOBUFS);
    close_owner(&owner);
}

/* ---- Before the end of the process ---- */

static void *read_all(void *state)
{
    static char piece[65536];
    size_t got = 0;
    for (ssize_t part; got < MUCH && (part = recv(*(int *)state, piece, sizeof piece, 0)) > 0;)
        got += (size_t)part;
    return got == MUCH ? state : NULL;
}

Test(framed_stream_output, a_flush_waits_until_the_peer_has_read_what_is_buffered)
{
    struct owner owner;
    pthread_t reader;
    void *got_all;
    open_owner(&owner, 100);
    write_much(&owner);
    cr_assert(framed_stream_is_backed_up(owner.stream));
    cr_assert_eq(pthread_create(&reader, NULL, read_all, &owner.peer), 0);
    framed_stream_flush(owner.stream, clock_now_ms() + 10000);
    cr_expect_not(framed_stream_is_backed_up(owner.stream));
    cr_assert_eq(pthread_join(reader, &got_all), 0);
    cr_expect_not_null(got_all);
    cr_expect_eq(owner.drains, 0);
    close_owner(&owner);
}

Test(framed_stream_output, a_flush_ends_at_its_time_if_the_peer_does_not_read)
{
    struct owner owner;
    open_owner(&owner, 100);
    write_much(&owner);
    uint64_t until_ms = clock_now_ms() + 30;
    framed_stream_flush(owner.stream, until_ms);
    cr_expect(framed_stream_is_backed_up(owner.stream));
    cr_expect_geq(clock_now_ms(), until_ms);
    close_owner(&owner);
}
