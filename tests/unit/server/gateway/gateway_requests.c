/* The request lines of a gateway session. */
#include "server/gateway/gateway_requests.h"

#include "config/config.h"
#include "server/broadcast/broadcast_jobs.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(gateway_requests, .timeout = 60);

static struct listeners listeners = {.count = 1, .list = {{.text = "127.0.0.1:3000"}}};
static struct gateway_request request;
static char wrong[GATEWAY_WRONG_BYTES], line[CONFIG_MESSAGE_BYTES_MAX * 2 + 2048];

static bool parse_bytes(const char *bytes, size_t size)
{
    memcpy(line, bytes, size);
    line[size] = '\0';
    wrong[0] = '\0';
    return gateway_requests_parse(&request, &listeners, NULL, line, size, wrong);
}

static void accepts(const char *text, enum gateway_request_kind kind, const char *ref)
{
    cr_expect(parse_bytes(text, strlen(text)), "%s: %s", text, wrong);
    cr_expect_eq(request.kind, kind, "%s", text);
    cr_expect_str_eq(request.ref, ref, "%s", text);
}

static void refuses(const char *text, const char *ref, const char *message)
{
    cr_expect_not(parse_bytes(text, strlen(text)), "%s", text);
    cr_expect_str_eq(request.ref, ref, "%s", text);
    cr_expect_eq(strncmp(wrong, message, strlen(message)), 0, "%s: %s", text, wrong);
}

static void expect_payload(const char *bytes, size_t size)
{
    cr_expect_eq(request.size, size);
    cr_expect(request.size == size && memcmp(request.bytes, bytes, size) == 0);
}

Test(gateway_requests, a_message_to_one_client)
{
    accepts("send 31 127.0.0.1:4000 6100ff", GATEWAY_SEND, "31");
    expect_payload("a\0\xff", 3);
    cr_expect_eq(request.client.address.addr.port, 4000);
    accepts(" send\t- unix:#7 -", GATEWAY_SEND, "-");
    expect_payload("", 0);
    cr_expect_eq(request.client.address.number, 7);
}

Test(gateway_requests, a_broadcast_with_and_without_a_selector)
{
    accepts("broadcast r 61", GATEWAY_BROADCAST, "r");
    expect_payload("a", 1);
    cr_expect(client_selector_is_all(&request.selector));
    accepts("broadcast r to=10.0.0.0/8 idle-max=90 listener=127.0.0.1:3000 -", GATEWAY_BROADCAST,
            "r");
    expect_payload("", 0);
    cr_expect_eq(request.selector.block_count, 1);
    cr_expect_eq(request.selector.idle_max_ms, 90000);
    cr_expect_eq(request.selector.listeners, 1);
}

Test(gateway_requests, may_ask_for_confirmations)
{
    accepts("send r 127.0.0.1:4000 confirm 61", GATEWAY_SEND, "r");
    expect_payload("a", 1);
    cr_expect(request.confirm.confirms);
    cr_expect_eq(request.confirm.within_ms, 30000);
    accepts("send r 127.0.0.1:4000 confirm within=5s -", GATEWAY_SEND, "r");
    cr_expect_eq(request.confirm.within_ms, 5000);
    accepts("broadcast r confirm within=5s to=::1 61", GATEWAY_BROADCAST, "r");
    expect_payload("a", 1);
    cr_expect(request.confirm.confirms);
    cr_expect_eq(request.selector.block_count, 1);
    accepts("broadcast r 61", GATEWAY_BROADCAST, "r");
    cr_expect_not(request.confirm.confirms);
    refuses("send r 127.0.0.1:4000 confirm within=x 61", "r", "cannot send: bad time 'within=x': ");
    refuses("send r 127.0.0.1:4000 confirm", "r", "cannot send: the payload is invalid");
    refuses("broadcast r confirm within=2h 61", "r", "cannot broadcast: bad time 'within=2h': ");
    refuses("broadcast r within=2s 61", "r", "cannot broadcast: ");
}

Test(gateway_requests, the_end_stands_alone)
{
    accepts("end", GATEWAY_END, "-");
    accepts(" end \t", GATEWAY_END, "-");
    refuses("end 31", "-", "cannot end: nothing may follow");
}

Test(gateway_requests, an_error_has_the_reference_of_its_request)
{
    refuses("", "-", "cannot read the request: its reference is missing");
    refuses("send", "-", "cannot read the request: its reference is missing");
    refuses("stop now", "now", "cannot read the request: it is unknown");
    refuses("send r", "r", "cannot send: the address is missing");
    refuses("send r nowhere 61", "r", "cannot send to 'nowhere': ");
    refuses("send r 127.0.0.1 61", "r",
            "cannot send to '127.0.0.1': a client's address has a port");
    refuses("send r \x1b[2J 61", "r", "cannot send to '\\x1b[2J': ");
    refuses("send r 127.0.0.1:4000", "r", "cannot send: the payload is invalid");
    refuses("send r 127.0.0.1:4000 6", "r", "cannot send: the payload is invalid");
    refuses("send r 127.0.0.1:4000 61 61", "r", "cannot send: the payload is invalid");
    refuses("broadcast r", "r", "cannot broadcast: the payload is invalid");
    refuses("broadcast r to=x 61", "r", "cannot broadcast: ");
    refuses("broadcast r idle-max=1e999 61", "r", "cannot broadcast: ");
    refuses("broadcast r to=10.0.0.0/8", "r", "cannot broadcast: the payload is invalid");
}

Test(gateway_requests, a_gap_has_its_bounds)
{
    const struct publish_gap *gap = &request.gap;
    accepts("gap r new\\x20orders 5-1 8-0 2 7", GATEWAY_GAP, "r");
    cr_expect_eq(gap->stream.size, 10);
    cr_expect_eq(gap->after.ms, 5);
    cr_expect_eq(gap->after.sequence, 1);
    cr_expect_eq(gap->before.ms, 8);
    cr_expect_eq(gap->missing, 2);
    cr_expect_eq(gap->entries, 7);
    cr_expect_not(gap->is_other_stream);
    accepts("gap - orders - - - 0", GATEWAY_GAP, "-");
    cr_expect(entry_id_is_none(&gap->after));
    cr_expect(entry_id_is_none(&gap->before));
    cr_expect(gap->is_other_stream);
}

Test(gateway_requests, a_gap_that_is_not_understood_is_refused)
{
    static const char *const lines[] = {
        "gap r",
        "gap r orders 5-1 8-0 2",
        "gap r orders 5-1 8-0 2 7 9",
        "gap r \\q 5-1 8-0 2 7",
        "gap r orders 0-0 8-0 2 7",
        "gap r orders 5-1 x 2 7",
        "gap r orders 5-1 8-0 0 7",
        "gap r orders 5-1 8-0 2 -",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        refuses(lines[i], "r", "cannot count the gap: its words are invalid; give `gap REF STREAM");
}

Test(gateway_requests, a_nul_byte_is_refused)
{
    cr_expect_not(parse_bytes("send r\0 127.0.0.1:4000 61", 25));
    cr_expect_str_eq(request.ref, "-");
    cr_expect_not_null(strstr(wrong, "it contains a NUL byte"));
}

Test(gateway_requests, a_reference_has_at_most_512_bytes)
{
    char text[600] = "send ";
    memset(text + 5, 'r', GATEWAY_REF_BYTES);
    strcpy(text + 5 + GATEWAY_REF_BYTES, " 127.0.0.1:4000 61");
    cr_expect(parse_bytes(text, strlen(text)));
    cr_expect_eq(strlen(request.ref), GATEWAY_REF_BYTES);
    memset(text + 5, 'r', GATEWAY_REF_BYTES + 1);
    strcpy(text + 5 + GATEWAY_REF_BYTES + 1, " 127.0.0.1:4000 61");
    refuses(text, "-", "cannot read the request: its reference is missing or longer than 512");
}

static bool parse_payload(const char *words, size_t size)
{
    static char text[sizeof line];
    size_t used = (size_t)sprintf(text, "%s ", words);
    memset(text + used, '6', 2 * size);
    return parse_bytes(text, used + 2 * size);
}

Test(gateway_requests, a_payload_has_at_most_65507_bytes)
{
    static const char words[] = "send r 127.0.0.1:4000";
    cr_expect(parse_payload(words, CONFIG_MESSAGE_BYTES_MAX));
    cr_expect_eq(request.size, CONFIG_MESSAGE_BYTES_MAX);
    cr_expect_not(parse_payload(words, CONFIG_MESSAGE_BYTES_MAX + 1));
    cr_expect_str_eq(request.ref, "r");
}

Test(gateway_requests, a_broadcast_that_is_to_be_confirmed_has_at_most_65493_bytes)
{
    cr_expect(parse_payload("broadcast r confirm", JOB_CONFIRMED_BYTES_MAX));
    cr_expect_not(parse_payload("broadcast r confirm", JOB_CONFIRMED_BYTES_MAX + 1));
    cr_expect_not_null(strstr(wrong, "the payload is longer than 65493 bytes"));
    cr_expect(parse_payload("broadcast r", JOB_CONFIRMED_BYTES_MAX + 1));
}
