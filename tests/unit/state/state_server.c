/* Tests of state/state_server: the first block, with no listener up to the most, and impossible
 * contents. */
#include "state/state_server.h"

#include "state_bytes_fixture.h"

enum { NAMES_AT = 32, COUNT_AT = 41 }; /* in the body */

static uint8_t bytes[STATE_BLOCK_BYTES_MAX];

static struct state_reader write_server(const struct state_server *server)
{
    size_t size = state_server_write(server, bytes, sizeof bytes);
    return (struct state_reader){.bytes = bytes + STATE_BLOCK_HEAD_BYTES,
                                 .size = size - STATE_BLOCK_HEAD_BYTES};
}

static void expect_same(const struct state_server *a, const struct state_server *b)
{
    cr_assert_eq(a->begun.wall_ms, b->begun.wall_ms);
    cr_assert_eq(a->begun.boot_ms, b->begun.boot_ms);
    cr_assert_arr_eq(a->boot_id, b->boot_id, sizeof a->boot_id);
    cr_assert_eq(a->names, b->names);
    cr_assert_arr_eq(a->key_id, b->key_id, sizeof a->key_id);
    cr_assert_eq(a->listener_count, b->listener_count);
    for (size_t i = 0; i < a->listener_count; i++)
        cr_assert_str_eq(a->listeners[i], b->listeners[i]);
}

static void expect_refused(struct state_reader reader, const char *what)
{
    struct state_server read;
    state_fault fault = state_server_read(&read, &reader);
    cr_assert_not_null(fault, "%s", what);
    cr_assert_str_eq(fault, "its first block has contents that no udpsrv writes");
}

Test(state_server, is_read_as_it_was_written)
{
    struct state_server read, server = state_sample_server();
    struct state_reader reader = write_server(&server);
    cr_assert_null(state_server_read(&read, &reader));
    expect_same(&read, &server);
}

Test(state_server, writes_the_names_as_the_documented_numbers)
{
    static const enum config_names names[] = {NAMES_OFF, NAMES_TRUSTED, NAMES_KEYED};
    for (uint8_t i = 0; i < 3; i++) {
        const struct state_server server = {.names = names[i]};
        cr_assert_eq(write_server(&server).bytes[NAMES_AT], i);
    }
}

Test(state_server, keeps_its_limits)
{
    struct state_server read, server = {
                                  .begun = {.wall_ms = UINT64_MAX, .boot_ms = UINT64_MAX},
                                  .names = NAMES_TRUSTED,
                                  .key_id = {255, [7] = 255},
                              };
    struct state_reader reader = write_server(&server);
    cr_assert_null(state_server_read(&read, &reader), "no listener");
    expect_same(&read, &server);
    server.listener_count = CONFIG_LISTEN_MAX;
    for (size_t i = 0; i < CONFIG_LISTEN_MAX; i++)
        memset(server.listeners[i], 'a' + (int)(i % 26), CONFIG_LISTEN_TEXT_BYTES - 1);
    reader = write_server(&server);
    cr_assert_null(state_server_read(&read, &reader), "the most and longest listeners");
    expect_same(&read, &server);
}

Test(state_server, that_is_truncated_or_longer_is_refused)
{
    struct state_server server = state_sample_server();
    struct state_reader whole = write_server(&server);
    for (size_t size = 0; size < whole.size; size++)
        expect_refused((struct state_reader){.bytes = whole.bytes, .size = size}, "truncated");
    whole.size++;
    expect_refused(whole, "longer");
}

Test(state_server, with_impossible_contents_is_refused)
{
    struct state_server server = state_sample_server();
    struct state_reader reader = write_server(&server);
    uint8_t *body = bytes + STATE_BLOCK_HEAD_BYTES;
    body[NAMES_AT] = NAMES_KEYED + 1;
    expect_refused(reader, "names of another kind");
    reader = write_server(&server);
    body[COUNT_AT] = CONFIG_LISTEN_MAX + 1;
    expect_refused(reader, "too many listeners");
    reader = write_server(&server);
    body[COUNT_AT]--;
    expect_refused(reader, "a listener more than it says");
    reader = write_server(&server);
    body[COUNT_AT + 1 + 3] = '\0';
    expect_refused(reader, "a NUL in a listener");
    reader = write_server(&server);
    body[COUNT_AT + 1] = CONFIG_LISTEN_TEXT_BYTES;
    reader.size = COUNT_AT + 2 + CONFIG_LISTEN_TEXT_BYTES;
    body[COUNT_AT] = 1;
    memset(body + COUNT_AT + 2, 'x', CONFIG_LISTEN_TEXT_BYTES);
    expect_refused(reader, "a listener that is too long");
}
