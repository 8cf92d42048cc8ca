/* Tests of commands that wait for Redis. */
#include "ctl/bridge/append_queue.h"

#include <criterion/criterion.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 1024 };

static struct append_queue queue;
static alignas(RING_BUFFER_ALIGNMENT) uint8_t memory[ROOM];

static void begin(void)
{
    append_queue_init(&queue, memory, sizeof memory);
}

TestSuite(append_queue, .init = begin, .timeout = 10);

static bool add(const char *text)
{
    struct text_buffer command = {0};
    text_buffer_add(&command, text);
    bool is_added = append_queue_add(&queue, &command);
    text_buffer_free(&command);
    return is_added;
}

static void expect_sent(const char *text)
{
    struct text_buffer out = {0};
    cr_assert(append_queue_send(&queue, &out), "%s", text);
    cr_assert_eq(out.size, strlen(text));
    cr_assert_arr_eq(out.bytes, text, out.size);
    text_buffer_free(&out);
}

static void expect_nothing_to_send(void)
{
    struct text_buffer out = {0};
    cr_assert_not(append_queue_send(&queue, &out));
}

Test(append_queue, a_command_leaves_when_it_has_its_answer)
{
    add("one");
    add("two");
    expect_sent("one");
    expect_sent("two");
    expect_nothing_to_send();
    cr_assert_eq(queue.sent, 2);
    append_queue_acknowledge(&queue);
    cr_assert_not(append_queue_is_empty(&queue));
    add("three");
    expect_sent("three");
    append_queue_acknowledge(&queue);
    append_queue_acknowledge(&queue);
    cr_assert(append_queue_is_empty(&queue));
    append_queue_acknowledge(&queue);
    add("four");
    expect_sent("four");
}

Test(append_queue, commands_without_an_answer_are_sent_again)
{
    add("one");
    add("two");
    add("three");
    expect_sent("one");
    expect_sent("two");
    append_queue_acknowledge(&queue);
    append_queue_rewind(&queue);
    expect_sent("two");
    expect_sent("three");
    expect_nothing_to_send();
}

Test(append_queue, a_full_queue_takes_no_more_until_an_answer_comes)
{
    char text[200];
    unsigned count = 0;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    while (add(text))
        count++;
    cr_assert_eq(count, 4);
    append_queue_lose(&queue, 3);
    expect_sent(text);
    cr_assert_not(add(text));
    append_queue_acknowledge(&queue);
    cr_assert(add(text));
    cr_assert_eq(append_queue_take_lost(&queue), 3);
    cr_assert_eq(append_queue_take_lost(&queue), 0);
}
