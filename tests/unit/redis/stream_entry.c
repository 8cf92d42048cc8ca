/* Tests of the fields of an entry that is published. */
#include "redis/stream_entry.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(stream_entry, .timeout = 10);

static struct stream_entry entry;
static char long_value[CONFIG_MESSAGE_BYTES_MAX + 1];

/* Adds pairs of a name and a value, up to NULL. */
static void make(const char *const *pairs)
{
    stream_entry_begin(&entry, &(struct entry_id){1, 2});
    for (; *pairs != NULL; pairs += 2)
        stream_entry_add(&entry, stream_field_find(pairs[0], strlen(pairs[0])), pairs[1],
                         strlen(pairs[1]));
    stream_entry_end(&entry);
}

#define MAKE(...) make((const char *[]){__VA_ARGS__, NULL})

Test(stream_entry, takes_the_payload_and_ignores_fields_of_others)
{
    MAKE("from", "x", "payload", "hello", "payloads", "y");
    cr_assert_null(entry.wrong);
    cr_expect_eq(entry.payload_size, 5);
    cr_expect_arr_eq(entry.payload, "hello", 5);
    cr_expect_eq(entry.selector_size, 0);
    cr_expect_not(entry.confirms);
    cr_expect_eq(entry.id.sequence, 2);
}

Test(stream_entry, an_empty_payload_is_one)
{
    MAKE("payload", "");
    cr_assert_null(entry.wrong);
    cr_expect_eq(entry.payload_size, 0);
}

Test(stream_entry, selectors_become_words)
{
    static const char words[] = "to=10.0.0.0/8 to=192.0.2.1 listener=unix:/run/a idle-max=10m ";
    MAKE("to", "10.0.0.0/8", "payload", "x", "to", "192.0.2.1", "listener", "unix:/run/a",
         "idle_max", "10m");
    cr_assert_null(entry.wrong);
    cr_expect_eq(entry.selector_size, strlen(words));
    cr_expect_arr_eq(entry.selector, words, strlen(words));
}

Test(stream_entry, confirm_and_within_are_taken)
{
    MAKE("payload", "x", "confirm", "true", "within", "10s");
    cr_assert_null(entry.wrong);
    cr_expect(entry.confirms);
    cr_expect_str_eq(entry.within, "10s");
    MAKE("payload", "x", "confirm", "false");
    cr_assert_null(entry.wrong);
    cr_expect_not(entry.confirms);
}

static void expect_wrong(const char *part)
{
    cr_assert_not_null(entry.wrong, "%s", part);
    cr_expect_not_null(strstr(entry.wrong, part), "'%s' has no '%s'", entry.wrong, part);
}

Test(stream_entry, reports_why_an_entry_cannot_be_published)
{
    MAKE("text", "x");
    expect_wrong("it has no field 'payload'");
    MAKE("payload", "x", "payload", "y");
    expect_wrong("more than one field 'payload'");
    MAKE("payload", "x", "to", "10.0.0.0/8 payload");
    expect_wrong("has a blank");
    MAKE("payload", "x", "to", "");
    expect_wrong("a selector is empty");
    MAKE("payload", "x", "listener", "a\n");
    expect_wrong("not printable");
    MAKE("payload", "x", "listener", "a", "listener", "b");
    expect_wrong("more than one field 'listener'");
    MAKE("payload", "x", "idle_max", "1s", "idle_max", "2s");
    expect_wrong("more than one field 'idle_max'");
    MAKE("payload", "x", "confirm", "yes");
    expect_wrong("'confirm' is neither");
    MAKE("payload", "x", "within", "10s");
    expect_wrong("'within' is without 'confirm'");
    MAKE("payload", "x", "confirm", "true", "within", "2h");
    expect_wrong("from 1s to 1h");
    MAKE("payload", "x", "confirm", "true", "within", "10 s");
    expect_wrong("not a duration");
}

static void add_payload(uint64_t size, bool confirms)
{
    memset(long_value, 'p', sizeof long_value);
    stream_entry_begin(&entry, &(struct entry_id){1, 0});
    stream_entry_add(&entry, STREAM_FIELD_PAYLOAD, size > sizeof long_value ? NULL : long_value,
                     size);
    if (confirms)
        stream_entry_add(&entry, STREAM_FIELD_CONFIRM, "true", 4);
    stream_entry_end(&entry);
}

Test(stream_entry, a_payload_has_at_most_what_a_datagram_has)
{
    add_payload(65507, false);
    cr_expect_null(entry.wrong);
    add_payload(65508, false);
    expect_wrong("longer than 65507 bytes");
    add_payload(UINT64_C(1) << 29, false);
    expect_wrong("longer than 65507 bytes");
    add_payload(65493, true);
    cr_expect_null(entry.wrong);
    add_payload(65494, true);
    expect_wrong("longer than 65493 bytes");
}

Test(stream_entry, selectors_have_a_limit)
{
    char block[400];
    memset(block, '1', sizeof block);
    stream_entry_begin(&entry, &(struct entry_id){1, 0});
    for (int i = 0; i < 5; i++)
        stream_entry_add(&entry, STREAM_FIELD_TO, block, sizeof block);
    cr_expect_null(entry.wrong);
    stream_entry_add(&entry, STREAM_FIELD_TO, block, sizeof block);
    expect_wrong("longer than 2048 bytes");
    stream_entry_begin(&entry, &(struct entry_id){1, 0});
    stream_entry_add(&entry, STREAM_FIELD_TO, NULL, UINT64_MAX);
    expect_wrong("a selector is empty");
}
