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

static void expect(struct event_record event, const char *payload, const char *expected)
{
    event.size = (uint32_t)strlen(payload);
    *record = event;
    memcpy(record->bytes, payload, event.size);
    size_t size = event_lines_format(&lines, line, record);
    cr_assert_lt(size, EVENT_LINE_BYTES);
    line[size] = '\0';
    cr_expect_str_eq(line, expected);
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
    size_t size = event_lines_format(&lines, line, record);
    cr_expect_leq(size, EVENT_LINE_BYTES);
    cr_expect_eq(line[size - 1], '\n');
    cr_expect_eq(memchr(line, '\n', size), line + size - 1);
}

Test(event_lines, names_every_kind_and_reason)
{
    for (unsigned kind = 0; kind < EVENT_KINDS; kind++)
        cr_expect_gt(strlen(event_kind_name(kind)), 0);
    for (unsigned reason = EVENT_REASON_FULL; reason <= EVENT_REASON_OVERSIZE; reason++)
        cr_expect_gt(strlen(event_reason_name(reason)), 0);
    cr_expect_str_eq(event_reason_name(EVENT_REASON_NONE), "");
}
