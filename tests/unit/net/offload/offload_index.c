#include "net/offload/offload_index.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* The server's side of the index of clients, in plain memory. The key of the hash is fixed, so that
 * each client has the same lines each time; what is expected holds for both orders of bytes. */

enum { RECORDS_MAX = 10000 };

static struct offload_index_line table[1 + RECORDS_MAX / OFFLOAD_LINE_RECORDS];
static struct offload_record records[RECORDS_MAX];
static const struct offload_index lines = {(void *)table, records};

enum { INTERFACE = 0x7a5a5a }; /* the clients' */

static const struct addr LOCAL4 = {{198, 51, 100, 1}, INTERFACE, 3000, ADDR_IPV4};
static const struct addr LOCAL6 = {{0x20, 1, 0xd, 0xb8, [15] = 1}, INTERFACE, 3000, ADDR_IPV6};

/* Makes the index for that many records. */
static void set_up(uint32_t count)
{
    cr_assert_eq(offload_index_init(lines.head, count), 0);
    lines.head->secret[0] = UINT64_C(0x2123456789abcdef);
    lines.head->secret[1] = UINT64_C(0xfedcba9876543211);
}

static struct addr source_of(uint32_t number)
{
    return (struct addr){{192, 0, (uint8_t)(number >> 8), (uint8_t)number}, 0, 40000, ADDR_IPV4};
}

static int add(uint32_t record, const struct addr *source)
{
    const struct offload_client client = {record, 3, record % 100 + 1};

    return offload_index_add(&lines, source, source->family == ADDR_IPV4 ? &LOCAL4 : &LOCAL6,
                             &client);
}

/* The number of entries that name a record, of which each must be in the line of its hash, with its
 * mark and the tag that add gives. */
static size_t count_entries(uint32_t record)
{
    const struct offload_key key = {
        .ports = offload_ports_without_worker(records[record].key.ports),
        .addresses = {records[record].key.addresses[0], records[record].key.addresses[1],
                      records[record].key.addresses[2], records[record].key.addresses[3]}};
    const uint64_t hash =
        offload_key_hash(lines.head, &key, offload_ports_is_ipv6(key.ports) ? 4 : 1);
    size_t count = 0;

    for (uint64_t line = 1; line <= lines.head->lines; line++)
        for (size_t i = 0; i < OFFLOAD_LINE_CLIENTS; i++) {
            const uint64_t entry = table[line].entries[i];
            if (entry == 0 || offload_entry_record(entry) != record)
                continue;
            count++;
            cr_expect(line == offload_hash_line(hash, 0, lines.head->lines) ||
                      line == offload_hash_line(hash, 1, lines.head->lines));
            cr_expect_eq(offload_entry_mark(entry), offload_hash_mark(hash));
            cr_expect_eq(offload_entry_tag(entry), record % 100 + 1);
        }
    return count;
}

static void expect_ports(uint32_t record, const char *source_port, bool is_ipv6)
{
    const uint64_t ports = records[record].key.ports;
    const uint16_t source = (uint16_t)ports, local = (uint16_t)(ports >> 16);

    cr_expect_arr_eq(&source, source_port, sizeof source);
    cr_expect_arr_eq(&local, "\x0b\xb8", sizeof local);
    cr_expect_eq((ports >> 32 & 0x7fffff), INTERFACE);
    cr_expect_eq(offload_ports_is_ipv6(ports), is_ipv6);
    cr_expect_eq(offload_ports_worker(ports), 3);
}

Test(offload_index, writes_the_addresses_as_they_stand_in_a_packet)
{
    const struct addr source6 = {{0x20, 1, 0xd, 0xb8, [7] = 7, [15] = 0x77}, 0, 50001, ADDR_IPV6};
    const struct addr source4 = source_of(0x0203);

    set_up(10);
    cr_assert_eq(add(1, &source4), 0);
    cr_assert_eq(add(2, &source6), 0);
    cr_expect_arr_eq(&records[1].key.addresses, "\xc0\x00\x02\x03\xc6\x33\x64\x01", 8);
    expect_ports(1, "\x9c\x40", false);
    cr_expect_arr_eq(&records[2].key.addresses[0], source6.ip, 16);
    cr_expect_arr_eq(&records[2].key.addresses[2], LOCAL6.ip, 16);
    expect_ports(2, "\xc3\x51", true);
    cr_expect_eq(count_entries(1), 1);
    cr_expect_eq(count_entries(2), 1);
}

Test(offload_index, has_each_client_once_until_it_is_removed)
{
    struct addr source = source_of(1);

    set_up(10);
    cr_assert_eq(add(0, &source), 0);
    cr_expect_eq(count_entries(0), 1);
    offload_index_remove(&lines, 0);
    cr_expect_eq(count_entries(0), 0);
    offload_index_remove(&lines, 0);
    cr_assert_eq(add(0, &source), 0);
    cr_expect_eq(count_entries(0), 1);
}

Test(offload_index, replaces_an_entry_of_the_same_addresses)
{
    struct addr source = source_of(1);

    set_up(10);
    cr_assert_eq(add(4, &source), 0);
    cr_assert_eq(add(5, &source), 0);
    cr_expect_eq(count_entries(4), 0);
    cr_expect_eq(count_entries(5), 1);
    offload_index_remove(&lines, 4);
    cr_expect_eq(count_entries(5), 1, "another record's entry stays");
    offload_index_remove(&lines, 5);
    cr_expect_eq(count_entries(5), 0);
}

Test(offload_index, a_full_line_takes_a_client_after_one_is_removed)
{
    set_up(1);
    cr_assert_eq(lines.head->lines, 1);
    for (uint32_t i = 0; i < OFFLOAD_LINE_CLIENTS; i++) {
        const struct addr source = source_of(i);
        cr_assert_eq(add(i, &source), 0);
    }
    const struct addr further = source_of(OFFLOAD_LINE_CLIENTS), first = source_of(0);
    cr_expect_eq(add(100, &further), -E2BIG);
    cr_expect_eq(add(101, &first), 0, "it is replaced");
    cr_expect_eq(add(100, &further), -E2BIG);
    offload_index_remove(&lines, 3);
    cr_expect_eq(add(100, &further), 0);
    cr_expect_eq(count_entries(100), 1);
}

Test(offload_index, refuses_a_client_with_the_mark_of_another_one_in_the_line)
{
    static uint32_t marked[1 << 16]; /* the source with that mark, + 1 */

    set_up(1);
    for (uint32_t i = 0;; i++) {
        const struct addr source = source_of(i);
        cr_assert_eq(add(7, &source), 0);
        const uint64_t mark = offload_entry_mark(table[1].entries[0]);
        offload_index_remove(&lines, 7);
        if (marked[mark] == 0) {
            marked[mark] = i + 1;
            continue;
        }
        const struct addr other = source_of(marked[mark] - 1);
        cr_assert_eq(add(8, &other), 0);
        cr_expect_eq(add(7, &source), -E2BIG);
        cr_expect_eq(count_entries(7), 0);
        cr_expect_eq(count_entries(8), 1);
        return;
    }
}

/* The number of clients in their second line, of which there are that many. */
static uint32_t count_second_lines(uint32_t clients)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < clients; i++) {
        const uint64_t hash = offload_key_hash(
            lines.head,
            &(struct offload_key){offload_ports_without_worker(records[i].key.ports),
                                  {records[i].key.addresses[0]}},
            1);
        const uint32_t first = offload_hash_line(hash, 0, lines.head->lines);
        bool is_in_first = false;
        for (size_t k = 0; k < OFFLOAD_LINE_CLIENTS; k++)
            is_in_first |=
                table[first].entries[k] != 0 && offload_entry_record(table[first].entries[k]) == i;
        count += !is_in_first;
    }
    return count;
}

Test(offload_index, has_room_for_all_clients_that_there_are_records_for)
{
    set_up(RECORDS_MAX);
    for (uint32_t i = 0; i < RECORDS_MAX; i++) {
        const struct addr source = source_of(i);
        cr_assert_eq(add(i, &source), 0);
    }
    /* On average 1.4 of 10,000, whose first line is full, and 0.6 for a mark that is there. */
    const uint32_t seconds = count_second_lines(RECORDS_MAX);
    cr_expect_gt(seconds, 0);
    cr_expect_leq(seconds, 10);
    for (uint32_t i = 0; i < RECORDS_MAX; i++)
        offload_index_remove(&lines, i);
    for (uint64_t line = 1; line <= lines.head->lines; line++)
        for (size_t i = 0; i < OFFLOAD_LINE_CLIENTS; i++)
            cr_expect_eq(table[line].entries[i], 0);
}
