/* Tests of the translation between the JSON lines of `udpctl gateway` and the control protocol. */
#include "ctl/gateway/gateway_translation.h"

#include "config/config.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(gateway_translation, .timeout = 10);

static struct gateway_translation translation;

static bool translate(const char *json)
{
    static char line[GATEWAY_JSON_BYTES];
    size_t size = strlen(json);
    memcpy(line, json, size);
    return gateway_translation_request(&translation, line, size);
}

static void expect_command(const char *json, const char *command)
{
    cr_assert(translate(json), "%s: %s", json, translation.error);
    cr_assert_eq(translation.size, strlen(command), "%s: %.*s", json, (int)translation.size,
                 translation.command);
    cr_assert_arr_eq(translation.command, command, translation.size, "%s: %.*s", json,
                     (int)translation.size, translation.command);
}

Test(gateway_translation, a_message_to_one_client)
{
    expect_command("{\"to\":\"192.0.2.1:9\",\"text\":\"hi\"}", "send - 192.0.2.1:9 6869\n");
    expect_command("{\"hex\":\"00Ff\",\"to\":\"unix:#7\"}", "send - unix:#7 00ff\n");
    expect_command("{\"to\":\"tcp:192.0.2.1:9\",\"text\":\"\"}", "send - tcp:192.0.2.1:9 -\n");
    expect_command("{\"to\":\"1.2.3.4:5\",\"text\":\"\\u0000\\n\xc3\xa9\"}",
                   "send - 1.2.3.4:5 000ac3a9\n");
}

Test(gateway_translation, a_reference_is_any_value_and_travels_in_hexadecimal)
{
    expect_command("{\"to\":\"1.2.3.4:5\",\"text\":\"x\",\"ref\":12}", "send 3132 1.2.3.4:5 78\n");
    expect_command("{\"ref\": \"a\" ,\"to\":\"1.2.3.4:5\",\"text\":\"x\"}",
                   "send 226122 1.2.3.4:5 78\n");
    expect_command("{\"ref\":[1, {}],\"to\":\"1.2.3.4:5\",\"text\":\"x\"}",
                   "send 5b312c207b7d5d 1.2.3.4:5 78\n");
}

Test(gateway_translation, a_broadcast_with_selectors)
{
    expect_command("{\"broadcast\":{\"text\":\"x\"}}", "broadcast - 78\n");
    expect_command("{\"broadcast\":{\"to\":\"10.0.0.0/8\",\"text\":\"x\"},\"ref\":1}",
                   "broadcast 31 to=10.0.0.0/8 78\n");
    expect_command("{\"broadcast\":{\"to\":[\"10.0.0.0/8\",\"::1\"],\"listener\":\"tcp:[::]:3000\","
                   "\"idle_max\":\"10m\",\"hex\":\"\"}}",
                   "broadcast - to=10.0.0.0/8 to=::1 listener=tcp:[::]:3000 idle-max=10m -\n");
    expect_command("{\"broadcast\":{\"to\":[],\"text\":\"x\"}}", "broadcast - 78\n");
}

Test(gateway_translation, an_invalid_request_has_an_error_and_its_reference)
{
    static const struct {
        const char *json, *ref, *error;
    } cases[] = {
        {"", "", "an object is expected"},
        {"[]", "", "an object is expected"},
        {"{\"ref\":1", "1", "',' or the end of the value is expected, at byte 9"},
        {"{\"ref\":1} x", "1", "something follows the value"},
        {"{\"ref\":1}", "1", "it needs one of \"to\" and \"broadcast\""},
        {"{\"ref\":1,\"to\":\"a\",\"broadcast\":{\"text\":\"x\"}}", "1", "it needs one of"},
        {"{\"ref\":1,\"to\":\"a\"}", "1", "cannot send: the request needs one of \"text\""},
        {"{\"ref\":1,\"to\":\"a\",\"text\":\"x\",\"hex\":\"00\"}", "1", "needs one of \"text\""},
        {"{\"ref\":1,\"broadcast\":{}}", "1", "cannot broadcast: the request needs one of"},
        {"{\"ref\":1,\"broadcast\":\"x\"}", "1", "an object is expected"},
        {"{\"ref\":1,\"to\":7,\"text\":\"x\"}", "1", "a string is expected"},
        {"{\"ref\":1,\"to\":\"\",\"text\":\"x\"}", "1", "the address is empty or has a blank"},
        {"{\"ref\":1,\"to\":\"a\\nstop\",\"text\":\"x\"}", "1", "the address is empty or has"},
        {"{\"ref\":1,\"to\":\"a b\",\"text\":\"x\"}", "1", "the address is empty or has a blank"},
        {"{\"to\":\"a\",\"texts\":[1],\"ref\":\"z\"}", "\"z\"", "an unknown member 'texts'"},
        {"{\"ref\":1,\"broadcast\":{\"from\":\"a\",\"text\":\"x\"}}", "1", "unknown member 'from'"},
        {"{\"ref\":1,\"to\":\"a\",\"to\":\"b\",\"text\":\"x\"}", "1",
         "a member that is given twice"},
        {"{\"ref\":1,\"to\":\"a\",\"text\":\"\\ud800\"}", "1", "half of a surrogate pair"},
        {"{\"ref\":1,\"to\":\"a\",\"text\":\"\xff\"}", "1", "a string that is not UTF-8"},
        {"{\"ref\":1,\"to\":\"a\",\"hex\":\"0\"}", "1", "not an even number of hexadecimal"},
        {"{\"ref\":1,\"broadcast\":{\"to\":\"a b\",\"text\":\"x\"}}", "1", "has a blank"},
        {"{\"ref\":1,\"broadcast\":{\"idle_max\":5,\"text\":\"x\"}}", "1", "a string is expected"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_not(translate(cases[i].json), "%s", cases[i].json);
        cr_expect_not_null(strstr(translation.error, cases[i].error), "%s: %s", cases[i].json,
                           translation.error);
        cr_expect_eq(translation.ref_size, strlen(cases[i].ref), "%s", cases[i].json);
        cr_expect_arr_eq(translation.ref, cases[i].ref, translation.ref_size);
    }
}

static char *with_padding(const char *before, char padding, size_t size, const char *after)
{
    char *json = malloc(strlen(before) + size + strlen(after) + 1);
    size_t at = strlen(before);
    memcpy(json, before, at);
    memset(json + at, padding, size);
    strcpy(json + at + size, after);
    return json;
}

Test(gateway_translation, references_and_payloads_have_a_maximum)
{
    char *longest = with_padding("{\"to\":\"1.2.3.4:5\",\"text\":\"x\",\"ref\":1", '0',
                                 GATEWAY_JSON_REF_BYTES - 1, "}");
    char *too_long = with_padding("{\"to\":\"1.2.3.4:5\",\"text\":\"x\",\"ref\":1", '0',
                                  GATEWAY_JSON_REF_BYTES, "}");
    cr_assert(translate(longest), "%s", translation.error);
    cr_assert_not(translate(too_long));
    cr_assert_eq(translation.ref_size, 0);
    free(too_long);
    too_long = with_padding("{\"ref\":[\"", 'x', 2 * GATEWAY_JSON_REF_BYTES, "");
    cr_assert_not(translate(too_long));
    cr_assert_eq(translation.ref_size, 0);
    free(longest);
    free(too_long);
    longest =
        with_padding("{\"to\":\"1.2.3.4:5\",\"text\":\"", 'x', CONFIG_MESSAGE_BYTES_MAX, "\"}");
    too_long =
        with_padding("{\"to\":\"1.2.3.4:5\",\"text\":\"", 'x', CONFIG_MESSAGE_BYTES_MAX + 1, "\"}");
    cr_assert(translate(longest), "%s", translation.error);
    cr_assert_not(translate(too_long));
    cr_assert_not_null(strstr(translation.error, "the payload is longer than 65507 bytes"));
    free(longest);
    free(too_long);
}

/* Prints by one of the functions, and expects what was printed. */
static void expect_printed(const char *(*print)(FILE *out, char *value), const char *value,
                           const char *expected)
{
    char copy[256], *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    strcpy(copy, value);
    const char *wrong = print(out, copy);
    fclose(out);
    cr_assert_null(wrong, "%s: %s", value, wrong);
    cr_assert_str_eq(text, expected);
    free(text);
}

Test(gateway_translation, results_are_printed_with_their_reference)
{
    expect_printed(gateway_translation_print_result, "3132 sent=1 failed=0",
                   "{\"ref\":12,\"sent\":1,\"failed\":0}\n");
    expect_printed(gateway_translation_print_result, "- sent=0 failed=1 reason=no route = none",
                   "{\"sent\":0,\"failed\":1,\"reason\":\"no route = none\"}\n");
    expect_printed(gateway_translation_print_result, "226122 id=3 state=done targets=2",
                   "{\"ref\":\"a\",\"id\":3,\"state\":\"done\",\"targets\":2}\n");
    expect_printed(gateway_translation_print_refusal, "31 cannot send: \"why\"",
                   "{\"ref\":1,\"error\":\"cannot send: \\\"why\\\"\"}\n");
    expect_printed(gateway_translation_print_refusal, "- why", "{\"error\":\"why\"}\n");
}

Test(gateway_translation, a_malformed_result_is_reported)
{
    char no_members[] = "31", no_hex[] = "3x why", no_value[] = "- sent";
    cr_assert_not_null(gateway_translation_print_result(stderr, no_members));
    cr_assert_not_null(gateway_translation_print_refusal(stderr, no_hex));
    cr_assert_not_null(gateway_translation_print_result(stderr, no_value));
}
