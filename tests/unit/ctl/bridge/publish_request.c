/* Tests of entries as requests of a gateway's session. */
#include "ctl/bridge/publish_request.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(publish_request, .timeout = 10);

static struct stream_entry entry;
static char request[PUBLISH_REQUEST_BYTES];

static void add(const char *name, const char *value)
{
    stream_entry_add(&entry, stream_field_find(name, strlen(name)), value, strlen(value));
}

static void expect_request(const char *stream, const char *expected)
{
    struct device_name name;
    cr_assert_null(device_name_set(&name, stream, strlen(stream)));
    size_t size = publish_request_write(request, 7, &name, 42, &entry);
    cr_expect_eq(size, strlen(expected));
    cr_expect_arr_eq(request, expected, strlen(expected), "%.*s", (int)size, request);
}

static void begin(void)
{
    stream_entry_begin(&entry, &(struct entry_id){1700, 3});
}

Test(publish_request, has_the_id_as_key, .init = begin)
{
    add("payload", "hi");
    expect_request("orders", "broadcast 7 key=orders:1700-3 entries-added=42 6869\n");
}

Test(publish_request, has_the_selectors_and_the_confirmation, .init = begin)
{
    add("to", "10.0.0.0/8");
    add("confirm", "true");
    add("within", "10s");
    add("payload", "");
    expect_request("orders", "broadcast 7 key=orders:1700-3 entries-added=42 confirm within=10s "
                             "to=10.0.0.0/8 -\n");
}

Test(publish_request, escapes_the_name_of_the_stream, .init = begin)
{
    add("payload", "x");
    expect_request("a b", "broadcast 7 key=a\\x20b:1700-3 entries-added=42 78\n");
}

Test(publish_request, the_longest_one_has_room, .init = begin)
{
    static char payload[CONFIG_MESSAGE_BYTES_MAX];
    char block[400];
    struct device_name name;
    memset(block, '1', sizeof block);
    for (int i = 0; i < 5; i++)
        stream_entry_add(&entry, STREAM_FIELD_TO, block, sizeof block);
    stream_entry_add(&entry, STREAM_FIELD_PAYLOAD, payload, sizeof payload);
    cr_assert_null(entry.wrong);
    entry.id = (struct entry_id){UINT64_MAX, UINT64_MAX};
    cr_assert_null(device_name_set(&name, "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"", 16));
    size_t size = publish_request_write(request, UINT64_MAX, &name, UINT64_MAX, &entry);
    cr_expect_leq(size, sizeof request);
    cr_expect_eq(request[size - 1], '\n');
}

/* ---- gaps ---- */

static void expect_gap(const struct stream_gap *gap, const char *name, const char *expected)
{
    char text[GAP_REQUEST_BYTES];
    struct device_name stream;
    cr_assert_null(device_name_set(&stream, name, strlen(name)));
    size_t size = gap_request_write(text, &stream, gap);
    cr_expect_str_eq(text, expected);
    cr_expect_eq(size, strlen(expected));
}

Test(publish_request, a_gap_has_its_bounds)
{
    struct stream_gap gap = {.kind = STREAM_GAP_MISSING,
                             .missing = 2,
                             .entries = 7,
                             .after = {5, 1},
                             .before = {8, 0},
                             .has_before = true};
    expect_gap(&gap, "orders", "gap gap orders 5-1 8-0 2 7\n");
    gap.has_before = false;
    expect_gap(&gap, "a b", "gap gap a\\x20b 5-1 - 2 7\n");
    gap.kind = STREAM_GAP_EPOCH;
    expect_gap(&gap, "orders", "gap gap orders 5-1 - - 7\n");
    gap.after = (struct entry_id){0, 0};
    expect_gap(&gap, "orders", "gap gap orders - - - 7\n");
}

Test(publish_request, the_longest_gap_has_room)
{
    const struct entry_id last = {UINT64_MAX, UINT64_MAX};
    const struct stream_gap gap = {.kind = STREAM_GAP_MISSING,
                                   .missing = UINT64_MAX,
                                   .entries = UINT64_MAX,
                                   .after = last,
                                   .before = last,
                                   .has_before = true};
    char text[GAP_REQUEST_BYTES], name[DEVICE_NAME_BYTES_MAX];
    struct device_name stream;
    memset(name, ' ', sizeof name);
    cr_assert_null(device_name_set(&stream, name, sizeof name));
    cr_expect_lt(gap_request_write(text, &stream, &gap), sizeof text);
}
