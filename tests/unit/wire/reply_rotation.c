/* Tests of wire/reply_rotation: turns, modes, references, several threads. */
#include "wire/reply_rotation.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE(text)                                              \
    {                                                              \
        .bytes = (const uint8_t *)(text), .size = sizeof(text) - 1 \
    }

static const struct message cars[] = {MESSAGE("audi"), MESSAGE("toyota"), MESSAGE("bmw")};

static struct reply *make(enum reply_mode mode, const struct message *messages, size_t count)
{
    struct reply *reply = reply_rotation_new(mode, messages, count);
    cr_assert_not_null(reply);
    cr_assert_eq(reply_rotation_mode(reply), mode);
    return reply;
}

static void expect_message(const struct reply *reply, size_t turn, struct message expected)
{
    const struct message *message = reply_rotation_message(reply, turn);
    cr_assert_eq(message->size, expected.size);
    cr_assert_arr_eq(message->bytes, expected.bytes, expected.size);
}

Test(reply_rotation, gives_each_turn_the_next_message_of_the_list)
{
    struct reply *reply = make(REPLY_ROTATE, cars, 3);
    for (size_t i = 0; i < 10; i++)
        expect_message(reply, reply_rotation_take(reply, 1), cars[i % 3]);
    reply_rotation_release(reply);
}

Test(reply_rotation, reserves_the_turns_of_a_batch_at_once)
{
    struct reply *reply = make(REPLY_ROTATE, cars, 3);
    size_t expected = 0;
    for (size_t count = 0; count <= 64; count++) {
        size_t turn = reply_rotation_take(reply, count);
        cr_assert_eq(turn, expected % 3, "the batch of %zu begins elsewhere", count);
        for (size_t i = 0; i < count; i++, turn = reply_rotation_next(reply, turn))
            expect_message(reply, turn, cars[expected++ % 3]);
    }
    reply_rotation_release(reply);
}

Test(reply_rotation, repeats_a_list_of_one)
{
    struct reply *reply = make(REPLY_ROTATE, cars, 1);
    cr_assert_eq(reply_rotation_take(reply, 5), 0);
    cr_assert_eq(reply_rotation_next(reply, 0), 0);
    cr_assert_eq(reply_rotation_take(reply, 1), 0);
    expect_message(reply, 0, cars[0]);
    reply_rotation_release(reply);
}

Test(reply_rotation, needs_no_messages_for_echo_and_none)
{
    struct reply *echo = make(REPLY_ECHO, NULL, 0), *none = make(REPLY_NONE, NULL, 0);
    cr_assert_not(reply_rotation_equal(echo, none));
    cr_assert(reply_rotation_equal(echo, echo));
    reply_rotation_release(echo);
    reply_rotation_release(none);
}

Test(reply_rotation, copies_its_messages)
{
    char *text = strdup("volvo");
    struct message given = {.bytes = (const uint8_t *)text, .size = 5};
    struct reply *reply = make(REPLY_ROTATE, &given, 1);
    memset(text, 'x', 5);
    free(text);
    given = (struct message){.bytes = NULL, .size = 0};
    expect_message(reply, 0, (struct message)MESSAGE("volvo"));
    reply_rotation_release(reply);
}

Test(reply_rotation, accepts_nuls_empty_messages_and_the_longest_datagram)
{
    enum { LONGEST = 65507 };
    uint8_t *longest = malloc(LONGEST);
    cr_assert_not_null(longest);
    for (size_t i = 0; i < LONGEST; i++)
        longest[i] = (uint8_t)(i * 7);
    const struct message odd[] = {
        MESSAGE(""), MESSAGE("\0"), MESSAGE("a\0b"), {.bytes = longest, .size = LONGEST}};
    struct reply *reply = make(REPLY_ROTATE, odd, 4);
    for (size_t i = 0; i < 4; i++)
        expect_message(reply, i, odd[i]);
    reply_rotation_release(reply);
    free(longest);
}

Test(reply_rotation, accepts_an_empty_message_without_bytes)
{
    const struct message empty[] = {{.bytes = NULL, .size = 0}, MESSAGE("")};
    struct reply *a = make(REPLY_ROTATE, &empty[0], 1), *b = make(REPLY_ROTATE, &empty[1], 1);
    cr_assert_eq(reply_rotation_message(a, 0)->size, 0);
    cr_assert(reply_rotation_equal(a, b));
    reply_rotation_release(a);
    reply_rotation_release(b);
}

Test(reply_rotation, is_equal_to_one_of_the_same_mode_and_messages)
{
    const struct message again[] = {MESSAGE("audi"), MESSAGE("toyota"), MESSAGE("bmw")};
    struct reply *a = make(REPLY_ROTATE, cars, 3), *b = make(REPLY_ROTATE, again, 3);
    reply_rotation_take(a, 2);
    cr_assert(reply_rotation_equal(a, b) && reply_rotation_equal(b, a));
    reply_rotation_release(a);
    reply_rotation_release(b);
}

Test(reply_rotation, differs_from_one_of_another_mode_count_order_or_byte)
{
    const struct message swapped[] = {cars[1], cars[0], cars[2]};
    const struct message longer[] = {cars[0], cars[1], MESSAGE("bmw\0")};
    const struct message shorter[] = {cars[0], cars[1], MESSAGE("bm")};
    const struct message changed[] = {cars[0], cars[1], MESSAGE("bmv")};
    const struct message joined[] = {MESSAGE("auditoyota"), MESSAGE(""), cars[2]};
    struct reply *reply = make(REPLY_ROTATE, cars, 3);
    struct reply *others[] = {
        make(REPLY_ECHO, cars, 3),      make(REPLY_ROTATE, cars, 2),
        make(REPLY_ROTATE, swapped, 3), make(REPLY_ROTATE, longer, 3),
        make(REPLY_ROTATE, shorter, 3), make(REPLY_ROTATE, changed, 3),
        make(REPLY_ROTATE, joined, 3),
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        cr_assert_not(reply_rotation_equal(reply, others[i]), "other %zu", i);
        cr_assert_not(reply_rotation_equal(others[i], reply), "other %zu", i);
        reply_rotation_release(others[i]);
    }
    reply_rotation_release(reply);
}

Test(reply_rotation, begins_at_the_first_message_in_a_new_object)
{
    struct reply *before = make(REPLY_ROTATE, cars, 3), *after = make(REPLY_ROTATE, cars, 3);
    reply_rotation_take(before, 2);
    cr_assert_eq(reply_rotation_take(after, 1), 0);
    cr_assert_eq(reply_rotation_take(before, 1), 2);
    reply_rotation_release(before);
    reply_rotation_release(after);
}

Test(reply_rotation, ignores_the_release_of_null)
{
    reply_rotation_release(NULL);
}

Test(reply_rotation, has_a_number_of_messages_and_a_longest_one)
{
    struct reply *reply = make(REPLY_ROTATE, cars, 3), *echo = make(REPLY_ECHO, NULL, 0);
    cr_assert_eq(reply_rotation_count(reply), 3);
    cr_assert_eq(reply_rotation_max_bytes(reply), 6);
    cr_assert_eq(reply_rotation_count(echo), 0);
    cr_assert_eq(reply_rotation_max_bytes(echo), 0);
    reply_rotation_release(reply);
    reply_rotation_release(echo);
}

Test(reply_rotation, is_shared_as_long_as_there_are_other_references)
{
    struct reply *reply = make(REPLY_ROTATE, cars, 3);
    cr_assert_not(reply_rotation_is_shared(reply));
    struct reply *other = reply_rotation_retain(reply);
    cr_assert(reply_rotation_is_shared(reply));
    reply_rotation_release(other);
    cr_assert_not(reply_rotation_is_shared(reply));
    reply_rotation_release(reply);
}

Test(reply_rotation, continues_a_count_of_turns_in_other_memory_and_back)
{
    struct reply *reply = make(REPLY_ROTATE, cars, 3);
    uint64_t turns = 99;
    reply_rotation_take(reply, 4);
    reply_rotation_use_turns(reply, &turns);
    cr_assert_eq(turns, 4);
    cr_assert_eq(reply_rotation_take(reply, 3), 1);
    cr_assert_eq(turns, 7);
    turns += 4; /* as another program takes them */
    cr_assert_eq(reply_rotation_take(reply, 1), 2);
    reply_rotation_use_turns(reply, NULL);
    turns = 100;
    cr_assert_eq(reply_rotation_take(reply, 1), 0);
    cr_assert_eq(turns, 100);
    reply_rotation_release(reply);
}

/* As many messages as turns: each must be taken once, by any thread. */
enum { THREADS = 4, TURNS = 60000, BATCH_MAX = 64 };

struct taker {
    struct reply *reply;
    atomic_size_t *left; /* turns that no thread has claimed */
    atomic_uchar *taken; /* how often each turn was taken */
};

/* Claims up to wanted turns. Returns how many it got. */
static size_t claim(atomic_size_t *left, size_t wanted)
{
    size_t seen = atomic_load(left), got;
    do {
        got = wanted < seen ? wanted : seen;
    } while (!atomic_compare_exchange_weak(left, &seen, seen - got));
    return got;
}

static void *take_turns(void *argument)
{
    const struct taker *taker = argument;
    for (size_t batch = 1;; batch = batch % BATCH_MAX + 1) {
        size_t count = claim(taker->left, batch);
        if (count == 0)
            return NULL;
        size_t turn = reply_rotation_take(taker->reply, count);
        for (; count > 0; count--, turn = reply_rotation_next(taker->reply, turn))
            atomic_fetch_add(&taker->taken[turn], 1);
    }
}

Test(reply_rotation, gives_each_turn_to_one_of_several_threads)
{
    struct message *messages = calloc(TURNS, sizeof *messages);
    atomic_uchar *taken = calloc(TURNS, sizeof *taken);
    cr_assert(messages != NULL && taken != NULL);
    for (size_t i = 0; i < TURNS; i++)
        messages[i] = cars[i % 3];
    atomic_size_t left = TURNS;
    struct taker taker = {
        .reply = make(REPLY_ROTATE, messages, TURNS), .left = &left, .taken = taken};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, take_turns, &taker), 0);
    for (size_t i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < TURNS; i++)
        cr_assert_eq(taken[i], 1, "turn %zu was taken %d times", i, taken[i]);
    cr_assert_eq(reply_rotation_take(taker.reply, 1), 0, "the list is a ring");
    reply_rotation_release(taker.reply);
    free(taken);
    free(messages);
}

/* ---- an upgrade ---- */

static struct handover_writer handed_over(const struct reply *reply)
{
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    reply_rotation_hand_over(reply, &writer);
    handover_end(&writer);
    return writer;
}

static int take_over(struct reply *reply, const struct handover_writer *writer, size_t size)
{
    struct handover_reader reader = {.bytes = writer->bytes, .size = size};
    if (handover_next(&reader) == 0)
        return -EPROTO;
    int error = reply_rotation_take_over(reply, &reader);
    cr_assert(error != 0 || handover_is_at_end(&reader));
    return error;
}

Test(reply_rotation, goes_on_in_the_next_process_if_mode_and_messages_are_the_same)
{
    struct reply *former = make(REPLY_ROTATE, cars, 3), *next = make(REPLY_ROTATE, cars, 3);
    reply_rotation_take(former, 5);
    struct handover_writer writer = handed_over(former);
    cr_assert_eq(take_over(next, &writer, writer.size), 0);
    cr_assert_eq(reply_rotation_take(next, 1), 2);
    handover_writer_free(&writer);
    reply_rotation_release(former);
    reply_rotation_release(next);
}

Test(reply_rotation, goes_on_in_the_next_process_with_turns_in_other_memory)
{
    struct reply *former = make(REPLY_ROTATE, cars, 3), *next = make(REPLY_ROTATE, cars, 3);
    uint64_t former_turns, next_turns;
    reply_rotation_use_turns(former, &former_turns);
    reply_rotation_use_turns(next, &next_turns);
    former_turns += 5;
    struct handover_writer writer = handed_over(former);
    cr_assert_eq(take_over(next, &writer, writer.size), 0);
    cr_assert_eq(next_turns, 5);
    cr_assert_eq(reply_rotation_take(next, 1), 2);
    handover_writer_free(&writer);
    reply_rotation_release(former);
    reply_rotation_release(next);
}

Test(reply_rotation, begins_anew_in_the_next_process_otherwise)
{
    /* The same bytes in other parts, or in another order, are other messages. */
    static const struct message parts[] = {{(const uint8_t *)"ab", 2}, {(const uint8_t *)"c", 1}};
    static const struct message others[] = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"bc", 2}};
    struct reply *former = make(REPLY_ROTATE, parts, 2);
    struct reply *next[] = {make(REPLY_ROTATE, others, 2), make(REPLY_ECHO, parts, 2),
                            make(REPLY_ROTATE, parts, 1), make(REPLY_ROTATE, cars, 3)};
    reply_rotation_take(former, 1);
    struct handover_writer writer = handed_over(former);
    for (size_t i = 0; i < sizeof next / sizeof next[0]; i++) {
        cr_assert_eq(take_over(next[i], &writer, writer.size), 0);
        cr_assert_eq(reply_rotation_take(next[i], 1), 0, "%zu", i);
        reply_rotation_release(next[i]);
    }
    handover_writer_free(&writer);
    reply_rotation_release(former);
}

Test(reply_rotation, is_not_changed_by_a_record_that_is_too_short)
{
    struct reply *reply = make(REPLY_ROTATE, cars, 3);
    struct handover_writer writer = {.size = 0};
    handover_begin(&writer, 1);
    handover_put32(&writer, 1);
    handover_end(&writer);
    cr_assert_eq(take_over(reply, &writer, writer.size), -EPROTO);
    cr_assert_eq(reply_rotation_take(reply, 1), 0);
    handover_writer_free(&writer);
    reply_rotation_release(reply);
}
