/* Tests of server/events/event_lines: the lines of the control protocol. */
#include "server/events/event_lines.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct listeners *listeners;
static struct event_lines lines;
static char *line;
static struct event_record *record;

static const struct addr ipv4 = {.ip = {192, 0, 2, 200}, .port = 65535, .family = ADDR_IPV4};
static const struct addr ipv6 = {
    .ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 4000, .family = ADDR_IPV6};

static void set_up(void)
{
    listeners = calloc(1, sizeof *listeners);
    line = malloc(EVENT_LINE_BYTES);
    record = calloc(1, sizeof *record + CONFIG_MESSAGE_BYTES_MAX);
    listeners->list[0].transport = TRANSPORT_UDP;
    strcpy(listeners->list[0].text, "0.0.0.0:3000");
    listeners->list[1].transport = TRANSPORT_TCP;
    strcpy(listeners->list[1].text, "tcp:0.0.0.0:3001");
    listeners->list[2].transport = TRANSPORT_UNIX;
    strcpy(listeners->list[2].text, "unix:/run/chat");
    event_lines_init(&lines, listeners, 1000);
}

static void tear_down(void)
{
    free(listeners);
    free(line);
    free(record);
}

TestSuite(event_lines, .init = set_up, .fini = tear_down);

static const struct device_name nameless;

static void expect_named(struct event_record event, const struct device_name *name,
                         const char *payload, const char *expected)
{
    event.size = (uint32_t)strlen(payload);
    *record = event;
    memcpy(record->bytes, payload, event.size);
    size_t size = event_lines_format(&lines, line, record, name);
    cr_assert_lt(size, EVENT_LINE_BYTES);
    line[size] = '\0';
    cr_expect_str_eq(line, expected);
}

static void expect(struct event_record event, const char *payload, const char *expected)
{
    expect_named(event, &nameless, payload, expected);
}

Test(event_lines, has_a_line_before_the_message_of_a_client_with_a_name)
{
    static const struct device_name name = {10, "front gate"};
    expect_named((struct event_record){.source = ipv4}, &name, "hi",
                 "from front\\x20gate\n"
                 "message 1000 192.0.2.200:65535 6869 0.0.0.0:3000\n");
    expect_named((struct event_record){.kind = EVENT_EXPIRED, .source = ipv4}, &name, "",
                 "event 1000 expired address=192.0.2.200:65535 name=front\\x20gate "
                 "listener=0.0.0.0:3000\n");
}

Test(event_lines, shows_where_a_name_has_moved_to)
{
    const struct event_moved moved = {.to = ipv6, .name = {4, "lamp"}};
    struct device_name name;
    *record = (struct event_record){.kind = EVENT_MOVED, .source = ipv4, .size = sizeof moved};
    memcpy(record->bytes, &moved, sizeof moved);
    cr_assert(event_lines_name(record, NULL, &name));
    line[event_lines_format(&lines, line, record, &name)] = '\0';
    cr_expect_str_eq(line, "event 1000 moved address=192.0.2.200:65535 to=[2001:db8::1]:4000 "
                           "name=lamp listener=0.0.0.0:3000\n");
}

Test(event_lines, names_the_client_that_has_the_name_and_no_other_with_its_source)
{
    static const struct siphash_key key = {1, 2};
    size_t bytes = (client_names_bytes(1, false) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    struct client_names *names = client_names_new(memory, 1, &key, 0, 0);
    const struct device_name lamp = {4, "lamp"};
    const struct name_holder holder = {.key = client_key_of(0, &ipv4), .join_number = 7};
    struct name_holder before;
    struct device_name name;
    client_names_claim(names, &lamp, &holder, 0, 1000, &before);
    *record = (struct event_record){.source = ipv4, .join_number = 7};
    cr_expect(event_lines_name(record, names, &name));
    cr_expect(device_name_equal(&name, &lamp));
    cr_expect_not(event_lines_name(record, NULL, &name), "names = off");
    record->join_number = 8;
    cr_expect_not(event_lines_name(record, names, &name), "the next client of the same source");
    cr_expect_eq(name.size, 0);
    record->join_number = EVENT_JOIN_NUMBER_UNKNOWN;
    cr_expect_not(event_lines_name(record, names, &name));
    *record = (struct event_record){.number = 7, .listener = 2};
    cr_expect_not(event_lines_name(record, names, &name), "a client of a Unix socket");
    client_names_free(names);
    free(memory);
}

Test(event_lines, writes_messages_of_each_transport)
{
    expect((struct event_record){.time_ms = 5, .source = ipv4}, "hi",
           "message 1005 192.0.2.200:65535 6869 0.0.0.0:3000\n");
    expect((struct event_record){.source = ipv6, .listener = 1}, "\xff\n",
           "message 1000 tcp:[2001:db8::1]:4000 ff0a tcp:0.0.0.0:3001\n");
    expect((struct event_record){.number = 7, .listener = 2}, "x",
           "message 1000 unix:#7 78 unix:/run/chat\n");
}

Test(event_lines, writes_the_time_of_each_event)
{
    static const char text[] = "message 1000 192.0.2.200:65535 - 0.0.0.0:3000\n";
    expect((struct event_record){.source = ipv4}, "", text);
    expect((struct event_record){.source = ipv4}, "", text);
    expect((struct event_record){.time_ms = 1, .source = ipv4}, "",
           "message 1001 192.0.2.200:65535 - 0.0.0.0:3000\n");
    expect((struct event_record){.source = ipv4}, "", text);
}

Test(event_lines, writes_an_empty_message_as_a_dash)
{
    expect((struct event_record){.source = ipv4}, "",
           "message 1000 192.0.2.200:65535 - 0.0.0.0:3000\n");
}

Test(event_lines, writes_events_with_and_without_a_reason)
{
    expect((struct event_record){.kind = EVENT_JOINED, .source = ipv4}, "",
           "event 1000 joined address=192.0.2.200:65535 listener=0.0.0.0:3000\n");
    expect((struct event_record){.kind = EVENT_STREAM_CLOSED,
                                 .reason = EVENT_REASON_OVERSIZE,
                                 .source = ipv4,
                                 .listener = 1},
           "",
           "event 1000 stream_closed address=tcp:192.0.2.200:65535 reason=oversize "
           "listener=tcp:0.0.0.0:3001\n");
}

Test(event_lines, has_no_address_for_a_connection_to_a_unix_socket_that_was_refused)
{
    expect((struct event_record){.kind = EVENT_REFUSED, .reason = EVENT_REASON_FULL, .listener = 2},
           "", "event 1000 refused address=- reason=full listener=unix:/run/chat\n");
}

Test(event_lines, fits_the_longest_message_of_the_longest_names)
{
    struct listener *listener = &listeners->list[0];
    memset(listener->text, 'x', sizeof listener->text - 1);
    *record = (struct event_record){
        .time_ms = UINT64_MAX - 1000, .source = ipv6, .size = CONFIG_MESSAGE_BYTES_MAX};
    memset(record->source.ip, 0xff, sizeof record->source.ip);
    record->source.port = UINT16_MAX;
    record->source.scope = UINT32_MAX;
    struct device_name name = {.size = DEVICE_NAME_BYTES_MAX};
    memset(name.bytes, 0xff, sizeof name.bytes);
    size_t size = event_lines_format(&lines, line, record, &name);
    cr_expect_leq(size, EVENT_LINE_BYTES);
    cr_expect_eq(line[size - 1], '\n');
    const char *from_end = memchr(line, '\n', size);
    cr_expect_eq(from_end - line, (long)strlen("from ") + DEVICE_NAME_TEXT_BYTES - 1);
    cr_expect_eq(memchr(from_end + 1, '\n', size - (size_t)(from_end + 1 - line)), line + size - 1);
}

Test(event_lines, names_every_kind_and_reason)
{
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
        cr_expect_gt(strlen(event_kind_name(kind)), 0);
    for (unsigned reason = EVENT_REASON_FULL; reason <= EVENT_REASON_OVERSIZE; reason++)
        cr_expect_gt(strlen(event_reason_name(reason)), 0);
    cr_expect_str_eq(event_reason_name(EVENT_REASON_NONE), "");
}
