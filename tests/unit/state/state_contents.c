/* Tests of state/state_contents: whole files. Each prefix and each single changed bit of a small
 * one is refused, and so is each impossible content with a right checksum. */
#include "state/state_contents.h"

#include "state_bytes_fixture.h"

#include <errno.h>

static struct state_bytes file;
static struct state_contents contents;

static state_fault read_file(void)
{
    const struct state_input input = state_bytes_input(&file);
    return state_contents_read(&contents, &input);
}

static void expect_refused(const char *why)
{
    state_fault fault = read_file();
    cr_assert_not_null(fault, "expected '%s'", why);
    cr_assert_str_eq(fault, why);
}

/* Expects that the file is accepted and has the sample clients. */
static void expect_sample(void)
{
    struct state_client client;
    size_t count = 0;
    cr_assert_null(read_file());
    struct state_position position = state_contents_first(&contents);
    for (; state_contents_next(&contents, &position, &client); count++) {
        struct state_client expected = state_sample_client(count);
        struct state_time copied = state_sample_copied(count < 2 ? 0 : 1);
        cr_assert(state_client_is_same(&client, &expected), "client %zu", count);
        cr_assert_eq(position.copied.wall_ms, copied.wall_ms);
        cr_assert_eq(position.copied.boot_ms, copied.boot_ms);
    }
    cr_assert_eq(count, STATE_SAMPLE_CLIENTS);
    cr_assert_not(state_contents_next(&contents, &position, &client), "it stays at its end");
    cr_assert_eq(contents.server.names, NAMES_KEYED);
    cr_assert_eq(contents.end.last_job, 42);
    cr_assert_eq(contents.end.streams, 2);
    cr_assert(contents.end.clients_proven);
    cr_assert_eq(contents.end.counters.received, 1);
    cr_assert_eq(contents.error, 0);
}

TestSuite(state_contents);

Test(state_contents, are_read_as_they_were_written)
{
    state_bytes_make_sample(&file);
    expect_sample();
}

Test(state_contents, without_clients_are_read)
{
    struct state_client client;
    const struct state_server server = state_sample_server();
    const struct state_end end = {.clients = 0};
    for (int blocks = 0; blocks < 3; blocks++) {
        state_bytes_begin(&file);
        state_bytes_add_server(&file, &server);
        for (int i = 0; i < blocks; i++)
            state_bytes_add_clients(&file, &server.begun, NULL, 0);
        state_bytes_add_end(&file, &end);
        cr_assert_null(read_file());
        struct state_position position = state_contents_first(&contents);
        cr_assert_not(state_contents_next(&contents, &position, &client), "%d blocks", blocks);
    }
}

/* The reader asserts that nothing beyond the end is read. */
Test(state_contents, each_prefix_is_refused)
{
    state_bytes_make_sample(&file);
    for (size_t whole = file.size, size = 0; size < whole; size++) {
        file.size = size;
        cr_assert_str_eq(read_file(), "it ends too early", "%zu of %zu bytes", size, whole);
    }
}

Test(state_contents, each_changed_bit_is_found)
{
    state_bytes_make_sample(&file);
    for (size_t bit = 0; bit < 8 * file.size; bit++) {
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_not_null(read_file(), "bit %zu", bit);
        file.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    expect_sample();
}

Test(state_contents, each_changed_byte_is_found)
{
    state_bytes_make_sample(&file);
    for (size_t at = 0; at < file.size; at++)
        for (int change = 1; change < 256; change += change < 4 ? 1 : 83) {
            file.bytes[at] ^= (uint8_t)change;
            cr_assert_not_null(read_file(), "byte %zu, by %d", at, change);
            file.bytes[at] ^= (uint8_t)change;
        }
}

/* A disk that lost power may leave a sector of zeros. */
Test(state_contents, zeros_in_place_of_bytes_are_found)
{
    state_bytes_make_sample(&file);
    for (size_t at = 0; at + 16 <= file.size; at += 5) {
        uint8_t before[16], zeros[16] = {0};
        memcpy(before, file.bytes + at, 16);
        memset(file.bytes + at, 0, 16);
        if (memcmp(before, zeros, 16) != 0)
            cr_assert_not_null(read_file(), "%zu", at);
        memcpy(file.bytes + at, before, 16);
    }
}

Test(state_contents, of_another_program_or_version_are_refused)
{
    enum { VERSION_AT = 12 };
    state_bytes_make_sample(&file);
    file.bytes[VERSION_AT] = STATE_VERSION + 1;
    expect_refused("it is of another version of udpsrv");
    file.bytes[VERSION_AT] = 0;
    expect_refused("it is of another version of udpsrv");
    file.bytes[VERSION_AT] = STATE_VERSION;
    file.bytes[VERSION_AT + 3] = 1;
    expect_refused("it is of another version of udpsrv");
    memcpy(file.bytes, "udpsrv stats", VERSION_AT);
    expect_refused("it is no state file of udpsrv");
}

Test(state_contents, with_blocks_in_another_order_are_refused)
{
    const struct state_server server = state_sample_server();
    const struct state_end end = state_sample_end();
    const struct state_time copied = state_sample_copied(0);
    state_bytes_begin(&file);
    state_bytes_add_end(&file, &end);
    expect_refused("its first block is of another kind");
    state_bytes_begin(&file);
    state_bytes_add_clients(&file, &copied, NULL, 0);
    expect_refused("its first block is of another kind");
    state_bytes_begin(&file);
    state_bytes_add_server(&file, &server);
    state_bytes_add_server(&file, &server);
    expect_refused("it has a block of a kind that no udpsrv writes there");
    state_bytes_begin(&file);
    state_bytes_add_server(&file, &server);
    state_bytes_add(&file, 0, "", 0);
    expect_refused("it has a block of a kind that no udpsrv writes there");
    state_bytes_begin(&file);
    state_bytes_add_server(&file, &server);
    state_bytes_add(&file, 4, "", 0);
    expect_refused("it has a block of a kind that no udpsrv writes there");
}

Test(state_contents, with_bytes_after_their_end_are_refused)
{
    state_bytes_make_sample(&file);
    file.bytes[file.size++] = 0;
    expect_refused("something follows its last block");
    state_bytes_make_sample(&file);
    const struct state_end end = state_sample_end();
    state_bytes_add_end(&file, &end);
    expect_refused("something follows its last block");
}

Test(state_contents, with_another_number_of_clients_than_in_their_end_are_refused)
{
    const struct state_server server = state_sample_server();
    struct state_client client = state_sample_client(0);
    for (uint64_t count = 0; count < 4; count++) {
        struct state_end end = {.clients = count};
        state_bytes_begin(&file);
        state_bytes_add_server(&file, &server);
        state_bytes_add_clients(&file, &server.begun, &client, 1);
        state_bytes_add_clients(&file, &server.begun, &client, 1);
        state_bytes_add_end(&file, &end);
        if (count == 2)
            cr_assert_null(read_file());
        else
            expect_refused("it has not as many clients as its last block says");
    }
}

/* Makes a file whose only client is that, with right checksums. */
static void make_with(const struct state_client *client)
{
    const struct state_server server = state_sample_server();
    const struct state_end end = {.clients = 1};
    state_bytes_begin(&file);
    state_bytes_add_server(&file, &server);
    state_bytes_add_clients(&file, &server.begun, client, 1);
    state_bytes_add_end(&file, &end);
}

Test(state_contents, with_an_impossible_client_are_refused_in_spite_of_their_checksum)
{
    static const char why[] = "it has a client that no udpsrv writes";
    struct state_client client = state_sample_client(2);
    make_with(&client);
    cr_assert_null(read_file());
    client.left_ms = 0;
    make_with(&client);
    expect_refused(why);
    client = state_sample_client(2);
    client.source.port = 0;
    make_with(&client);
    expect_refused(why);
    client = state_sample_client(2);
    client.listener = STATE_SAMPLE_LISTENERS;
    make_with(&client);
    expect_refused(why);
    client = state_sample_client(2);
    client.join_number = STATE_NUMBER_MAX + 1;
    make_with(&client);
    expect_refused(why);
    client = state_sample_client(2);
    client.source = (struct addr){.family = ADDR_IPV4, .ip = {224, 0, 0, 1}, .port = 1};
    make_with(&client);
    expect_refused(why);
}

Test(state_contents, with_a_block_of_clients_that_is_too_short_are_refused)
{
    const struct state_server server = state_sample_server();
    const struct state_end end = {.clients = 0};
    uint8_t body[17] = {0};
    for (size_t size = 0; size <= sizeof body; size++) {
        state_bytes_begin(&file);
        state_bytes_add_server(&file, &server);
        state_bytes_add(&file, STATE_BLOCK_CLIENTS, body, size);
        state_bytes_add_end(&file, &end);
        if (size == 16)
            cr_assert_null(read_file());
        else
            expect_refused(size < 16 ? "it has a block of clients without their time"
                                     : "it has a client that no udpsrv writes");
    }
}

/* ---- errors of the input ---- */

/* Fails from the nth read on, from 0. */
static size_t reads_until_error;

static int read_or_fail(void *state, uint64_t offset, void *bytes, size_t size)
{
    if (reads_until_error == 0)
        return -EIO;
    reads_until_error--;
    return state_bytes_read(state, offset, bytes, size);
}

Test(state_contents, of_which_a_part_cannot_be_read_are_refused_with_the_error)
{
    state_bytes_make_sample(&file);
    struct state_input input = state_bytes_input(&file);
    input.read = read_or_fail;
    for (size_t reads = 0;; reads++) {
        reads_until_error = reads;
        state_fault fault = state_contents_read(&contents, &input);
        if (fault == NULL) {
            cr_assert_gt(reads, 5, "it reads each block by itself");
            break;
        }
        cr_assert_str_eq(fault, strerror(EIO));
        cr_assert_eq(contents.error, -EIO);
    }
}

/* A file that is truncated while it is read has no more clients than it had before. */
Test(state_contents, that_cannot_be_read_again_or_have_changed_end_early)
{
    state_bytes_make_sample(&file);
    for (int fault = 0; fault < 2; fault++) {
        struct state_client client;
        struct state_input input = state_bytes_input(&file);
        input.read = read_or_fail;
        reads_until_error = SIZE_MAX;
        cr_assert_null(state_contents_read(&contents, &input));
        struct state_position position = state_contents_first(&contents);
        for (int i = 0; i < 2; i++)
            cr_assert(state_contents_next(&contents, &position, &client));
        if (fault == 0)
            reads_until_error = 0;
        else
            file.bytes[position.at + STATE_BLOCK_HEAD_BYTES] ^= 1;
        cr_assert_not(state_contents_next(&contents, &position, &client));
        cr_assert_eq(contents.error, fault == 0 ? -EIO : 0);
    }
}
