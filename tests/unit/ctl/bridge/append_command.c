/* Tests of messages and events as commands that append them to a stream. */
#include "ctl/bridge/append_command.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(append_command, .timeout = 10);

static const struct append_target target = {.stream = "inbox", .node = "n1", .max_entries = 1000};
static struct text_buffer out;
static struct message_sender sender;

#define HEAD "XADD inbox MAXLEN ~ 1000 * node n1 time 5"

/* Compares the command with its words, which have no blanks. */
static void expect_words(const char *words)
{
    char expected[512], rest[256];
    size_t count = 0;
    expected[0] = '\0';
    snprintf(rest, sizeof rest, "%s", words);
    for (char *at = rest, *word; (word = strsep(&at, " ")) != NULL; count++)
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "$%zu\r\n%s\r\n",
                 strlen(word), word);
    char head[16];
    size_t head_size = (size_t)snprintf(head, sizeof head, "*%zu\r\n", count);
    cr_assert_eq(out.size, head_size + strlen(expected), "%.*s", (int)out.size, out.bytes);
    cr_expect_arr_eq(out.bytes, head, head_size);
    cr_expect_arr_eq(out.bytes + head_size, expected, strlen(expected));
    text_buffer_free(&out);
}

static const char *message(const char *line)
{
    char value[256];
    snprintf(value, sizeof value, "%s", line);
    return append_command_message(&out, &target, &sender, value);
}

static const char *event(const char *line)
{
    char value[256];
    snprintf(value, sizeof value, "%s", line);
    return append_command_event(&out, &target, value);
}

Test(append_command, a_message_has_its_payload_as_bytes)
{
    cr_assert_null(message("5 127.0.0.1:9 6869 127.0.0.1:3000"));
    expect_words(HEAD " address 127.0.0.1:9 listener 127.0.0.1:3000 payload hi");
    cr_assert_null(message("5 127.0.0.1:9 - unix:/run/a"));
    expect_words(HEAD " address 127.0.0.1:9 listener unix:/run/a payload ");
}

Test(append_command, a_message_has_the_name_of_its_sender_once)
{
    message_output_from(&sender, "lamp");
    cr_assert_null(message("5 127.0.0.1:9 61 l"));
    expect_words(HEAD " address 127.0.0.1:9 name lamp listener l payload a");
    cr_assert_null(message("5 127.0.0.1:9 61 l"));
    expect_words(HEAD " address 127.0.0.1:9 listener l payload a");
}

Test(append_command, an_event_has_its_kind_and_members)
{
    cr_assert_null(event("5 joined address=127.0.0.1:9 name=lamp listener=l"));
    expect_words(HEAD " event joined address 127.0.0.1:9 name lamp listener l");
    cr_assert_null(event("5 reloaded"));
    expect_words(HEAD " event reloaded");
}

Test(append_command, a_loss_has_the_number)
{
    append_command_lost(&out, &target, 12, 5);
    expect_words(HEAD " lost 12");
}

Test(append_command, refuses_lines_of_another_form)
{
    static const char *const messages[] = {"",         "5",       "5 a",     "5 a 61",
                                           "x a 61 l", "5 a 6 l", "5 a zz l"};
    static const char *const events[] = {"", "5", "x joined", "5 joined address"};
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        cr_expect_not_null(message(messages[i]), "%s", messages[i]);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        cr_expect_not_null(event(events[i]), "%s", events[i]);
    cr_expect_eq(out.size, 0);
}
