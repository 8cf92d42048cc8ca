/* Tests of the request lines of gateways. */
#include "server/gateway/gateway_requests.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(gateway_requests, .timeout = 10);

static struct listeners listeners = {.count = 1};
static struct gateway_request request;
static char line[140000], wrong[GATEWAY_WRONG_BYTES];

static bool parse(const char *text)
{
    strcpy(listeners.list[0].text, "127.0.0.1:3000");
    snprintf(line, sizeof line, "%s", text);
    return gateway_requests_parse(&request, &listeners, line, strlen(line), wrong);
}

Test(gateway_requests, a_message_has_a_reference_an_address_and_a_payload)
{
    char text[TRANSPORT_TEXT_BYTES];
    cr_assert(parse("send r1 192.0.2.1:9 6869"), "%s", wrong);
    cr_assert_eq(request.kind, GATEWAY_SEND);
    cr_assert_str_eq(request.ref, "r1");
    cr_assert_str_eq(client_name_format(&request.name, text), "192.0.2.1:9");
    cr_assert_eq(request.size, 2);
    cr_assert_arr_eq(request.bytes, "hi", 2);
    cr_assert(parse("send\t-  unix:#7\t-"), "%s", wrong);
    cr_assert_str_eq(request.ref, "-");
    cr_assert_eq(request.size, 0);
}

Test(gateway_requests, a_broadcast_has_selectors)
{
    cr_assert(parse("broadcast b 00ff"), "%s", wrong);
    cr_assert_eq(request.kind, GATEWAY_BROADCAST);
    cr_assert(client_selector_is_all(&request.selector));
    cr_assert_eq(request.size, 2);
    cr_assert(parse("broadcast b to=10.0.0.0/8 idle-max=5s -"), "%s", wrong);
    cr_assert_eq(request.selector.block_count, 1);
    cr_assert_eq(request.selector.idle_max_ms, 5000);
    cr_assert_eq(request.size, 0);
}

Test(gateway_requests, end_stands_alone)
{
    cr_assert(parse("end"), "%s", wrong);
    cr_assert_eq(request.kind, GATEWAY_END);
}

Test(gateway_requests, an_error_keeps_the_reference)
{
    static const struct {
        const char *text, *ref, *wrong;
    } cases[] = {
        {"", "-", "reference is missing"},
        {"send", "-", "reference is missing"},
        {"sent r 192.0.2.1:9 00", "r", "it is unknown"},
        {"send r", "r", "the address is missing"},
        {"send r nowhere 00", "r", "cannot send to 'nowhere'"},
        {"send r 192.0.2.1:9", "r", "the payload is invalid"},
        {"send r 192.0.2.1:9 0", "r", "the payload is invalid"},
        {"send r 192.0.2.1:9 00 00", "r", "the payload is invalid"},
        {"broadcast r", "r", "the payload is invalid"},
        {"broadcast r to=x 00", "r", "bad selector 'to=x'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_not(parse(cases[i].text), "%s", cases[i].text);
        cr_expect_str_eq(request.ref, cases[i].ref, "%s", cases[i].text);
        cr_expect_not_null(strstr(wrong, cases[i].wrong), "%s: %s", cases[i].text, wrong);
    }
}

Test(gateway_requests, a_reference_and_a_payload_have_a_maximum)
{
    static char text[140000];
    memset(text, 'x', sizeof text);
    memcpy(text, "send ", 5);
    strcpy(text + 5 + GATEWAY_REF_BYTES, " 192.0.2.1:9 00");
    cr_assert(parse(text), "%s", wrong);
    strcpy(text + 5 + GATEWAY_REF_BYTES, "x 192.0.2.1:9 00");
    cr_assert_not(parse(text));
    memset(text, '0', sizeof text);
    memcpy(text, "send r 192.0.2.1:9 ", 19);
    text[19 + 2 * 65507] = '\0';
    cr_assert(parse(text), "%s", wrong);
    cr_assert_eq(request.size, 65507);
    strcpy(text + 19 + 2 * 65507, "00");
    cr_assert_not(parse(text));
}

Test(gateway_requests, a_line_with_a_NUL_is_refused)
{
    memcpy(line, "send r\0x", 9);
    cr_assert_not(gateway_requests_parse(&request, &listeners, line, 8, wrong));
    cr_assert_str_eq(request.ref, "-");
}
