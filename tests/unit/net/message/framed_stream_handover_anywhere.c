/* A conversation in which the stream is handed over at any byte: the peer sees the same. */
#include "net/message/framed_stream_handover.h"

#include "framed_stream_fixture.h"
#include "handover_fixture.h"

TestSuite(framed_stream_handover_anywhere, .timeout = 60);

enum { LINE_BYTES = 12, SEEN_BYTES = 4096 };

/* With a line that is too long at its end. */
static const char conversation[] = "one\ntwo\r\n\n\nsomewhat\nfo\rur\nx\n\r\nexactly 12 b\nlong\n"
                                   "last 12345678901234\nunread";

static void reply(struct owner *owner, char *line, size_t size)
{
    char text[64];
    int length = snprintf(text, sizeof text, "<%d:%.*s>", owner->lines, (int)size, line);
    framed_stream_write(owner->stream, text, (size_t)length);
    if (owner->lines % 3 == 0)
        framed_stream_pause(owner->stream);
}

static void next_loop(struct owner *owner, bool chunks)
{
    struct handover_writer writer = {.size = 0};
    struct loop *before = owner->loop;
    handover_begin(&writer, 1);
    framed_stream_hand_over(owner->stream, &writer);
    handover_end(&writer);
    struct handover_reader reader = handover_received(&writer);
    framed_stream_free(owner->stream);
    owner->loop = loop_new();
    owner->stream = framed_stream_take_over(owner->loop, &reader, LINE_BYTES, &callbacks, owner);
    cr_assert_not_null(owner->stream);
    if (chunks)
        framed_stream_deliver_chunks(owner->stream, record_too_long);
    loop_free(before);
    handover_forget(&reader);
    handover_writer_free(&writer);
}

struct plan {
    size_t at;    /* the byte before which the stream is handed over, or every `every` bytes */
    size_t every; /* 0: only once */
    int rounds;   /* that the loop runs before */
    bool chunks;
};

/* Sends the conversation byte by byte. Returns what the peer has seen, and in the last bytes the
 * callbacks that were called. */
static void talk(const struct plan *plan, char seen[SEEN_BYTES])
{
    struct owner owner;
    size_t size = 0;
    open_owner(&owner, LINE_BYTES);
    if (plan->chunks)
        framed_stream_deliver_chunks(owner.stream, record_too_long);
    owner.on_line = reply;
    owner.discard_when_closed = true;
    for (size_t i = 0; i < sizeof conversation - 1; i++) {
        cr_assert_eq(send(owner.peer, &conversation[i], 1, MSG_NOSIGNAL), 1);
        if (plan->every > 0 ? i % plan->every == 0 : i == plan->at) {
            for (int round = 0; round < plan->rounds; round++)
                run_round(&owner);
            next_loop(&owner, plan->chunks);
        }
        settle(&owner);
        framed_stream_resume(owner.stream);
        settle(&owner);
        ssize_t got = recv(owner.peer, seen + size, SEEN_BYTES - size, MSG_DONTWAIT);
        size += got > 0 ? (size_t)got : 0;
    }
    cr_assert_eq(shutdown(owner.peer, SHUT_WR), 0);
    settle(&owner);
    cr_assert_lt(size, (size_t)SEEN_BYTES - 64);
    snprintf(seen + size, 64, " lines %d too-long %d drains %d closes %d error %d", owner.lines,
             owner.too_long, owner.drains, owner.closes, owner.error);
    close_owner(&owner);
}

static void expect_the_same(bool chunks)
{
    static char expected[SEEN_BYTES], seen[SEEN_BYTES];
    talk(&(struct plan){.at = SIZE_MAX, .chunks = chunks}, expected);
    cr_assert_gt(strlen(expected), sizeof conversation / 2, "%s", expected);
    for (size_t at = 0; at < sizeof conversation - 1; at++)
        for (int rounds = 0; rounds < 3; rounds++) {
            talk(&(struct plan){.at = at, .rounds = rounds, .chunks = chunks}, seen);
            cr_assert_str_eq(seen, expected, "byte %zu", at);
        }
    for (size_t every = 1; every < 9; every++) {
        talk(&(struct plan){.every = every, .rounds = 1, .chunks = chunks}, seen);
        cr_assert_str_eq(seen, expected, "every %zu bytes", every);
    }
}

Test(framed_stream_handover_anywhere, peer_of_lines_sees_the_same)
{
    expect_the_same(false);
}

Test(framed_stream_handover_anywhere, peer_of_chunks_sees_the_same)
{
    expect_the_same(true);
}

/* A peer that reads a few bytes now and then, while the stream goes from process to process. */
static void read_slowly(size_t handed_over_every, char *seen, size_t *size)
{
    struct owner owner;
    int small = 2048;
    open_owner(&owner, LINE_BYTES);
    cr_assert_eq(setsockopt(owner.peer, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    for (unsigned i = 0; i < 20000; i++) {
        char text[16];
        int length = snprintf(text, sizeof text, "%u,", i);
        cr_assert(framed_stream_write(owner.stream, text, (size_t)length));
    }
    cr_assert(framed_stream_is_backed_up(owner.stream));
    for (size_t turn = 1; framed_stream_is_backed_up(owner.stream); turn++) {
        ssize_t got = recv(owner.peer, seen + *size, 2999, MSG_DONTWAIT);
        *size += got > 0 ? (size_t)got : 0;
        if (turn % handed_over_every == 0)
            next_loop(&owner, false);
        settle(&owner);
    }
    cr_assert_eq(owner.drains, 1);
    framed_stream_free(owner.stream);
    owner.stream = NULL;
    for (ssize_t got = 1; got > 0; *size += (size_t)got)
        got = recv(owner.peer, seen + *size, 4096, 0);
    close_owner(&owner);
}

Test(framed_stream_handover_anywhere, slow_reader_gets_all_output_in_order)
{
    char *expected = calloc(1, 1 << 18), *seen = calloc(1, 1 << 18);
    size_t expected_size = 0;
    read_slowly(SIZE_MAX, expected, &expected_size);
    for (size_t every = 1; every < 8; every++) {
        size_t size = 0;
        read_slowly(every, seen, &size);
        cr_assert_eq(size, expected_size);
        cr_assert_arr_eq(seen, expected, size);
    }
    free(expected);
    free(seen);
}
