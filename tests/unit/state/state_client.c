/* Tests of state/state_client: each kind of record, its size, and impossible contents. */
#include "state/state_client.h"

#include "state_bytes_fixture.h"

static uint8_t bytes[1024];

/* Writes one record to a block, and returns a reader of it. */
static struct state_reader write_client(const struct state_client *client)
{
    struct state_writer block;
    state_block_begin(&block, bytes, sizeof bytes, STATE_BLOCK_CLIENTS);
    cr_assert(state_client_put(&block, client));
    return (struct state_reader){.bytes = bytes + STATE_BLOCK_HEAD_BYTES,
                                 .size = block.size - STATE_BLOCK_HEAD_BYTES};
}

static size_t record_bytes(const struct state_client *client)
{
    return write_client(client).size;
}

/* Whether a record is accepted. */
static bool accepts(const struct state_client *client)
{
    struct state_client read;
    struct state_reader reader = write_client(client);
    return state_client_get(&reader, STATE_SAMPLE_LISTENERS, &read);
}

Test(state_client, of_each_kind_is_read_as_it_was_written)
{
    for (size_t i = 0; i < STATE_SAMPLE_CLIENTS; i++) {
        struct state_client client = state_sample_client(i), read;
        struct state_reader reader = write_client(&client);
        cr_assert(state_client_get(&reader, STATE_SAMPLE_LISTENERS, &read));
        cr_assert(state_client_is_same(&client, &read), "client %zu", i);
        cr_assert_eq(reader.at, reader.size);
    }
}

Test(state_client, keeps_the_limits_of_its_numbers)
{
    struct state_client read, client = {
                                  .source = state_addr6(255, UINT32_MAX, UINT16_MAX),
                                  .local = state_addr6(254, UINT32_MAX, 0),
                                  .join_number = STATE_NUMBER_MAX,
                                  .left_ms = UINT32_MAX,
                                  .idle_ms = UINT32_MAX,
                                  .age_s = UINT32_MAX,
                                  .received = UINT32_MAX,
                                  .listener = CONFIG_LISTEN_MAX - 1,
                                  .frames = true,
                              };
    char name[DEVICE_NAME_BYTES_MAX + 1] = {0};
    memset(name, 'n', DEVICE_NAME_BYTES_MAX);
    state_set_name(&client, name);
    struct state_reader reader = write_client(&client);
    cr_assert(state_client_get(&reader, CONFIG_LISTEN_MAX, &read));
    cr_assert(state_client_is_same(&client, &read));
    cr_assert_leq(reader.size, STATE_CLIENT_BYTES_MAX);
    client = (struct state_client){
        .source = state_addr4(0, 1), .join_number = 0, .left_ms = 1, .received = 1};
    reader = write_client(&client);
    cr_assert(state_client_get(&reader, 1, &read));
    cr_assert(state_client_is_same(&client, &read));
}

/* The goal is 48 bytes for a client over IPv4. */
Test(state_client, takes_as_many_bytes_as_its_header_says)
{
    struct state_client client = state_sample_client(0);
    cr_assert_eq(record_bytes(&client), 32);
    client.local = state_addr4(1, 0);
    cr_assert_eq(record_bytes(&client), 40);
    client = state_sample_client(1);
    cr_assert_eq(record_bytes(&client), 48);
    client.local = state_addr6(1, 0, 0);
    cr_assert_eq(record_bytes(&client), 68);
}

Test(state_client, that_does_not_fit_leaves_the_block_as_it_was)
{
    for (size_t i = 0; i < STATE_SAMPLE_CLIENTS; i++) {
        struct state_client client = state_sample_client(i);
        size_t size = STATE_BLOCK_HEAD_BYTES + record_bytes(&client);
        struct state_writer block;
        for (size_t room = STATE_BLOCK_HEAD_BYTES; room < size; room++) {
            state_block_begin(&block, bytes, room, STATE_BLOCK_CLIENTS);
            cr_assert_not(state_client_put(&block, &client));
            cr_assert_eq(block.size, STATE_BLOCK_HEAD_BYTES);
            cr_assert_not(block.overflowed);
        }
        state_block_begin(&block, bytes, size, STATE_BLOCK_CLIENTS);
        cr_assert(state_client_put(&block, &client));
    }
}

Test(state_client, that_is_truncated_is_refused)
{
    for (size_t i = 0; i < STATE_SAMPLE_CLIENTS; i++) {
        struct state_client read, client = state_sample_client(i);
        struct state_reader whole = write_client(&client);
        for (size_t size = 0; size < whole.size; size++) {
            struct state_reader reader = {.bytes = whole.bytes, .size = size};
            cr_assert_not(state_client_get(&reader, STATE_SAMPLE_LISTENERS, &read));
        }
    }
}

Test(state_client, that_no_server_writes_is_refused)
{
    struct state_client client = state_sample_client(2);
    cr_assert(accepts(&client));
    client.listener = STATE_SAMPLE_LISTENERS;
    cr_assert_not(accepts(&client), "a listener that the file does not have");
    client = state_sample_client(2);
    client.source.port = 0;
    cr_assert_not(accepts(&client), "port 0");
    client = state_sample_client(2);
    client.left_ms = 0;
    cr_assert_not(accepts(&client), "it has expired");
    client = state_sample_client(2);
    client.received = 0;
    cr_assert_not(accepts(&client), "it has sent nothing");
    client = state_sample_client(2);
    client.join_number = STATE_NUMBER_MAX + 1;
    cr_assert_not(accepts(&client), "a join number after which no client could join");
}

Test(state_client, whose_source_is_not_a_single_host_is_refused)
{
    static const struct addr sources[] = {
        {.family = ADDR_IPV4, .ip = {224, 0, 0, 1}, .port = 1},
        {.family = ADDR_IPV4, .ip = {239, 255, 255, 255}, .port = 1},
        {.family = ADDR_IPV4, .ip = {0}, .port = 1},
        {.family = ADDR_IPV6, .ip = {0xff, 0x02, [15] = 1}, .scope = 2, .port = 1},
        {.family = ADDR_IPV6, .ip = {0}, .port = 1},
    };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct state_client client = state_sample_client(0);
        client.source = sources[i];
        cr_assert_not(accepts(&client), "source %zu", i);
    }
}

Test(state_client, with_unknown_flags_is_refused)
{
    for (int flag = 16; flag <= 128; flag *= 2) {
        struct state_client read, client = state_sample_client(0);
        struct state_reader reader = write_client(&client);
        bytes[STATE_BLOCK_HEAD_BYTES] |= (uint8_t)flag;
        cr_assert_not(state_client_get(&reader, STATE_SAMPLE_LISTENERS, &read), "flag %d", flag);
    }
}

Test(state_client, with_bytes_that_are_no_name_is_refused)
{
    struct state_client read, client = state_sample_client(0);
    state_set_name(&client, "lamp");
    struct state_reader reader = write_client(&client);
    size_t size_at = STATE_BLOCK_HEAD_BYTES + reader.size - 5;
    static const uint8_t control[] = {4, 'a', '\n', 'b', 'c'}, utf8[] = {4, 'a', 0xff, 'b', 'c'},
                         empty[] = {0, 'a', 'b', 'c', 'd'}, longer[] = {5, 'a', 'b', 'c', 'd'};
    static const uint8_t *const names[] = {control, utf8, empty, longer};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        memcpy(bytes + size_at, names[i], 5);
        struct state_reader again = {.bytes = reader.bytes, .size = reader.size};
        cr_assert_not(state_client_get(&again, STATE_SAMPLE_LISTENERS, &read), "name %zu", i);
    }
}
