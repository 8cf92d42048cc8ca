/* Tests of state/state_server: the first block, with no listener up to the most, and impossible
 * contents. */
#include "state/state_server.h"

#include "state_bytes_fixture.h"

enum { PROVEN_AT = 16, COUNT_AT = 33 }; /* in the body */

static uint8_t bytes[STATE_BLOCK_BYTES_MAX];

static struct state_reader write_server(const struct state_server *server)
{
    size_t size = state_server_write(server, bytes, sizeof bytes);
    return (struct state_reader){.bytes = bytes + STATE_BLOCK_HEAD_BYTES,
                                 .size = size - STATE_BLOCK_HEAD_BYTES};
}

static void expect_same(const struct state_server *a, const struct state_server *b)
{
    cr_assert_eq(a->wall_ms, b->wall_ms);
    cr_assert_eq(a->last_job, b->last_job);
    cr_assert_eq(a->clients_proven, b->clients_proven);
    cr_assert_arr_eq(a->boot_id, b->boot_id, sizeof a->boot_id);
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

Test(state_server, keeps_its_limits)
{
    struct state_server read, server = {.wall_ms = UINT64_MAX, .last_job = UINT64_MAX};
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
    body[PROVEN_AT] = 2;
    expect_refused(reader, "a truth value of 2");
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
