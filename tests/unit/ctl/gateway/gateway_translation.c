/* Requests in JSON as lines of the control protocol, and results as JSON. */
#include "ctl/gateway/gateway_translation.h"

#include "config/config.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TestSuite(gateway_translation, .timeout = 60);

static struct gateway_translation translation;

/* Translates a request in memory of exactly its size. */
static bool translate_bytes(const char *json, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);
    cr_assert_not_null(copy);
    memcpy(copy, json, size);
    bool is_valid = gateway_translation_request(&translation, copy, size);
    free(copy);
    return is_valid;
}

static void gives(const char *json, const char *line)
{
    bool is_valid = translate_bytes(json, strlen(json));
    cr_expect(is_valid, "%s: %s", json, translation.error);
    if (!is_valid)
        return;
    cr_expect_eq(translation.size, strlen(line) + 1, "%s", json);
    cr_expect(memcmp(translation.command, line, strlen(line)) == 0, "%s: %.*s", json,
              (int)translation.size, translation.command);
    cr_expect_eq(translation.command[translation.size - 1], '\n');
}

/* Returns the output of the last error. */
static const char *error_line(void)
{
    static char text[2048];
    FILE *out = fmemopen(text, sizeof text, "w");
    cr_assert_not_null(out);
    gateway_translation_print_error(out, &translation);
    fclose(out);
    return text;
}

/* Expects that a request is refused, that part of the output says why, and that it begins so. */
static void refused(const char *json, const char *begin, const char *part)
{
    cr_expect_not(translate_bytes(json, strlen(json)), "%s", json);
    const char *line = error_line();
    cr_expect_eq(strncmp(line, begin, strlen(begin)), 0, "%s: %s", json, line);
    cr_expect_not_null(strstr(line, part), "%s: %s", json, line);
}

/* ---- requests ---- */

Test(gateway_translation, a_name_becomes_a_word_of_a_control_line)
{
    gives("{\"to\": \"@front gate\", \"text\": \"a\"}", "send - @front\\x20gate 61");
    gives("{\"to\": \"@K\\u00fcche\", \"text\": \"a\"}", "send - @K\\xc3\\xbcche 61");
    gives("{\"to\": \"@a\\\\x20\", \"text\": \"a\"}", "send - @a\\\\x20 61");
    refused("{\"to\": \"@\", \"text\": \"a\"}", "{\"error\":\"cannot send: the name is empty", "");
    refused("{\"to\": \"@a\\n\", \"text\": \"a\", \"ref\": 7}",
            "{\"ref\":7,\"error\":\"cannot send", "control character");
}

Test(gateway_translation, a_message_to_one_client)
{
    gives("{\"to\":\"127.0.0.1:4000\",\"text\":\"ab\"}", "send - 127.0.0.1:4000 6162");
    gives(" { \"hex\" : \"00fF\" , \"ref\" : 7, \"to\" : \"unix:#3\" } ", "send 37 unix:#3 00ff");
    gives("{\"to\":\"a\",\"text\":\"\\n\\u0000\\u00e9\"}", "send - a 0a00c3a9");
    gives("{\"to\":\"a\",\"text\":\"\",\"ref\":\"\"}", "send 2222 a -");
    gives("{\"to\":\"a\",\"hex\":\"\",\"ref\":{\"n\": [1e999]}}",
          "send 7b226e223a205b31653939395d7d a -");
}

Test(gateway_translation, a_broadcast_with_selectors)
{
    gives("{\"broadcast\":{\"text\":\"a\"}}", "broadcast - 61");
    gives("{\"broadcast\":{\"to\":\"10.0.0.0/8\",\"hex\":\"61\"},\"ref\":null}",
          "broadcast 6e756c6c to=10.0.0.0/8 61");
    gives("{\"broadcast\":{\"to\":[\"10.0.0.0/8\",\"::1\"],\"listener\":\"tcp:[::]:3000\","
          "\"idle_max\":\"90s\",\"text\":\"\"}}",
          "broadcast - to=10.0.0.0/8 to=::1 listener=tcp:[::]:3000 idle-max=90s -");
    gives("{\"broadcast\":{\"listener\":\"unix:/run/\\u00e9\",\"text\":\"a\"}}",
          "broadcast - listener=unix:/run/\xc3\xa9 61");
}

Test(gateway_translation, a_duration_may_be_a_number_of_seconds)
{
    gives("{\"broadcast\":{\"idle_max\":90,\"text\":\"a\"}}", "broadcast - idle-max=90 61");
    gives("{\"broadcast\":{\"idle_max\":0,\"text\":\"a\"}}", "broadcast - idle-max=0 61");
    static const char *const not_whole[] = {"-1", "-0", "1.5", "1e3", "1e999"};
    for (size_t i = 0; i < sizeof not_whole / sizeof *not_whole; i++) {
        char json[128];
        snprintf(json, sizeof json, "{\"ref\":1,\"broadcast\":{\"idle_max\":%s,\"text\":\"a\"}}",
                 not_whole[i]);
        refused(json, "{\"ref\":1,", "'idle_max' is not a whole number of seconds, 0 or more");
    }
    refused("{\"ref\":1,\"broadcast\":{\"idle_max\":true,\"text\":\"a\"}}", "{\"ref\":1,",
            "'idle_max' is neither a number of seconds nor a string");
    refused("{\"broadcast\":{\"idle_max\":09,\"text\":\"a\"}}", "{\"error\":", "an invalid number");
}

Test(gateway_translation, a_message_that_is_to_be_confirmed)
{
    gives("{\"to\":\"a\",\"text\":\"x\",\"confirm\":true}", "send - a confirm 78");
    gives("{\"within\":\"5s\",\"confirm\":true,\"to\":\"a\",\"text\":\"x\",\"ref\":1}",
          "send 31 a confirm within=5s 78");
    gives("{\"to\":\"a\",\"text\":\"x\",\"confirm\":false}", "send - a 78");
    gives("{\"broadcast\":{\"to\":\"::1\",\"text\":\"x\",\"confirm\":true,\"within\":5}}",
          "broadcast - confirm within=5 to=::1 78");
    refused("{\"to\":\"a\",\"text\":\"x\",\"confirm\":1,\"ref\":2}", "{\"ref\":2,",
            "'confirm' is not true or false");
    refused("{\"to\":\"a\",\"text\":\"x\",\"confirm\":true,\"confirm\":true}",
            "{\"error\":", "'confirm' is given twice");
    refused("{\"to\":\"a\",\"text\":\"x\",\"within\":5}",
            "{\"error\":", "\\\"within\\\" needs \\\"confirm\\\"");
    refused("{\"to\":\"a\",\"text\":\"x\",\"confirm\":true,\"within\":\"5 s\"}",
            "{\"error\":", "'within' is empty or has a blank");
    refused("{\"to\":\"a\",\"text\":\"x\",\"confirm\":true,\"within\":\"\"}",
            "{\"error\":", "'within' is empty or has a blank");
    refused("{\"to\":\"a\",\"text\":\"x\",\"confirm\":true,\"within\":"
            "\"111111111111111111111111111111111\"}",
            "{\"error\":", "\\\"within\\\" is too long");
    refused("{\"broadcast\":{\"text\":\"x\"},\"confirm\":true,\"ref\":3}", "{\"ref\":3,",
            "is beside \\\"broadcast\\\"; put it into its object");
}

Test(gateway_translation, nothing_can_forge_a_control_line)
{
    static const char *const values[] = {"a b",  "a\\nend", "\\n",     "",        " ",
                                         "a\\r", "a\\t",    "\\u0000", "\\u007f", NULL};
    char json[128];
    for (const char *const *value = values; *value != NULL; value++) {
        snprintf(json, sizeof json, "{\"ref\":1,\"to\":\"%s\",\"text\":\"x\"}", *value);
        refused(json, "{\"ref\":1,", "the address is empty or has a blank");
        snprintf(json, sizeof json, "{\"broadcast\":{\"to\":\"%s\",\"text\":\"x\"},\"ref\":1}",
                 *value);
        refused(json, "{\"ref\":1,", "'to' is empty or has a blank");
        snprintf(json, sizeof json,
                 "{\"broadcast\":{\"to\":[\"::\",\"%s\"],\"text\":\"x\"},\"ref\":1}", *value);
        refused(json, "{\"ref\":1,", "'to' is empty or has a blank");
        snprintf(json, sizeof json, "{\"broadcast\":{\"listener\":\"%s\",\"text\":\"x\"}}", *value);
        refused(json, "{\"error\":", "'listener' is empty or has a blank");
        snprintf(json, sizeof json, "{\"broadcast\":{\"idle_max\":\"%s\",\"text\":\"x\"}}", *value);
        refused(json, "{\"error\":", "'idle_max' is empty or has a blank");
    }
    gives("{\"to\":\"a\",\"text\":\"\\nend\\n\",\"ref\":\"\\nend\\n\"}",
          "send 225c6e656e645c6e22 a 0a656e640a");
}

/* ---- what is refused ---- */

Test(gateway_translation, the_reference_is_found_after_a_member_that_is_wrong)
{
    refused("{\"to\":\"a\",\"texts\":\"x\",\"ref\":5}", "{\"ref\":5,", "'texts' is unknown");
    refused("{\"to\":5,\"text\":\"x\",\"ref\":5}", "{\"ref\":5,", "'to' is not a string");
    refused("{\"to\":\"a\",\"text\":[\"x\"],\"ref\":5}", "{\"ref\":5,", "'text' is not a string");
    refused("{\"to\":\"a\",\"to\":\"b\",\"text\":\"x\",\"ref\":5}", "{\"ref\":5,",
            "'to' is given twice");
    refused("{\"to\":\"a\",\"text\":\"x\",\"text\":\"x\",\"ref\":5}", "{\"ref\":5,",
            "'text' is given twice");
    refused("{\"broadcast\":5,\"ref\":5}", "{\"ref\":5,", "'broadcast' is not an object");
    refused("{\"broadcast\":{\"text\":\"x\"},\"broadcast\":{},\"ref\":5}", "{\"ref\":5,",
            "'broadcast' is given twice");
    refused("{\"broadcast\":{\"to\":5,\"text\":\"x\"},\"ref\":5}", "{\"ref\":5,",
            "'to' is neither a string nor an array");
    refused("{\"broadcast\":{\"to\":[\"::\",5],\"text\":\"x\"},\"ref\":5}", "{\"ref\":5,",
            "'to' has an element that is not a string");
    refused("{\"broadcast\":{\"listener\":5,\"text\":\"x\"},\"ref\":5}", "{\"ref\":5,",
            "'listener' is not a string");
    refused("{\"broadcast\":{\"to\":[],\"text\":\"x\"},\"ref\":5}", "{\"ref\":5,",
            "'to' has no block");
    refused("{\"broadcast\":{\"to\":\"::\",\"to\":\"::\",\"text\":\"x\"},\"ref\":5}", "{\"ref\":5,",
            "'to' is given twice");
    refused("{\"broadcast\":{\"to\":[\"::\"],\"to\":[\"::\"],\"text\":\"x\"},\"ref\":5}",
            "{\"ref\":5,", "'to' is given twice");
    refused("{\"broadcast\":{\"idle_max\":1,\"idle_max\":1,\"text\":\"x\"},\"ref\":5}",
            "{\"ref\":5,", "'idle_max' is given twice");
    refused("{\"broadcast\":{\"ref\":1,\"text\":\"x\"},\"ref\":5}", "{\"ref\":5,",
            "'ref' is unknown");
    refused("{\"ref\":5,\"ref\":6,\"to\":\"a\",\"text\":\"x\"}", "{\"ref\":5,",
            "'ref' is given twice");
    refused("{\"broadcast\":{\"to\":\"::\"},\"text\":\"x\",\"ref\":5}", "{\"ref\":5,", "is beside");
}

Test(gateway_translation, what_is_missing_is_named)
{
    refused("{\"ref\":5}", "{\"ref\":5,", "it needs one of \\\"to\\\" and \\\"broadcast\\\"");
    refused("{\"to\":\"a\",\"broadcast\":{\"text\":\"x\"}}",
            "{\"error\":", "it needs one of \\\"to\\\"");
    refused("{\"to\":\"a\"}",
            "{\"error\":\"cannot send: ", "needs one of \\\"text\\\" and \\\"hex\\\"");
    refused("{\"to\":\"a\",\"text\":\"\",\"hex\":\"\"}",
            "{\"error\":", "needs one of \\\"text\\\"");
    refused("{\"broadcast\":{}}", "{\"error\":\"cannot broadcast: ", "needs one of \\\"text\\\"");
}

Test(gateway_translation, invalid_json_is_refused_with_its_place)
{
    refused("{\"ref\":5,\"to\":\"a\",\"text\":\"\\ud800\"}", "{\"ref\":5,",
            "half of a surrogate pair, at byte 33");
    refused("hello", "{\"error\":", "an object is expected, in braces, at byte 1");
    refused("[]", "{\"error\":", "an object is expected");
    refused("{\"to\":\"a\",\"text\":\"x\"} {", "{\"error\":", "something follows the value");
    refused("{\"to\":\"a\",\"text\":\"x\"", "{\"error\":", "is expected");
    refused("{\"odd\":1,\"to\"", "{\"error\":", "':' is expected after a name");
    refused("{\"ref\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", "{\"error\":", "nested too deeply");
    refused("{\"to\":\"a\",\"hex\":\"abc\"}",
            "{\"error\":\"cannot send: ", "not an even number of hexadecimal digits");
    refused("{\"to\":\"a\",\"hex\":\"zz\"}", "{\"error\":", "hexadecimal digits");
    cr_expect_not(translate_bytes("{\"to\":\"a\",\"text\":\"x\"}\0", 22));
}

/* ---- sizes ---- */

/* Translates a request whose reference is a string of size bytes, with its quotes. */
static bool translate_ref(size_t size, const char *rest)
{
    char json[4096];
    int head = snprintf(json, sizeof json, "{\"to\":\"a\",\"text\":\"x\",\"ref\":\"");
    memset(json + head, 'r', size - 2);
    size_t used = (size_t)head + size - 2;
    used += (size_t)snprintf(json + used, sizeof json - used, "%s", rest);
    return translate_bytes(json, used);
}

Test(gateway_translation, a_reference_has_at_most_256_bytes)
{
    cr_expect(translate_ref(256, "\"}"));
    cr_expect_eq(translation.size, strlen("send  a 78\n") + 512);
    cr_expect_not(translate_ref(257, "\"}"));
    cr_expect_eq(translation.ref_size, 0);
    cr_expect_not_null(strstr(error_line(), "'ref' is longer than 256 bytes"));
}

Test(gateway_translation, a_long_reference_that_is_invalid_is_not_kept)
{
    cr_expect_not(translate_ref(3000, "\\q\"}"));
    cr_expect_eq(translation.ref_size, 0);
    cr_expect_not(translate_ref(3000, ""));
    cr_expect_eq(translation.ref_size, 0);
    cr_expect_not_null(strstr(error_line(), "without its closing quote"));
}

/* Translates a message whose payload is a character in JSON, repeated. */
static bool translate_payload(const char *character, size_t count, size_t ref_size)
{
    size_t each = strlen(character), used = 0, room = each * count + 1024;
    char *json = malloc(room), ref[300] = "";
    cr_assert_not_null(json);
    memset(ref, '1', ref_size);
    used = (size_t)sprintf(json,
                           "{\"to\":\"[2001:db8:1:2:3:4:5:6%%interface-name1]:65535\",\"text\":\"");
    for (size_t i = 0; i < count; i++, used += each)
        memcpy(json + used, character, each);
    used += (size_t)sprintf(json + used, "\",\"ref\":%s}", ref);
    cr_expect_lt(used, GATEWAY_JSON_BYTES);
    bool is_valid = translate_bytes(json, used);
    free(json);
    return is_valid;
}

Test(gateway_translation, a_payload_has_at_most_65507_bytes)
{
    cr_expect(translate_payload("a", CONFIG_MESSAGE_BYTES_MAX, 256));
    cr_expect(translate_payload("\\u0001", CONFIG_MESSAGE_BYTES_MAX, 256));
    cr_expect_not(translate_payload("a", CONFIG_MESSAGE_BYTES_MAX + 1, 1));
    const char *line = error_line(), *begin = "{\"ref\":1,\"error\":\"cannot send: the payload";
    cr_expect_eq(strncmp(line, begin, strlen(begin)), 0, "%s", line);
}

Test(gateway_translation, a_selector_has_a_limit)
{
    char json[40000];
    size_t used = (size_t)sprintf(json, "{\"ref\":1,\"broadcast\":{\"text\":\"x\",\"to\":[\"::\"");
    while (used < 30000)
        used += (size_t)sprintf(json + used, ",\"2001:db8::/32\"");
    used += (size_t)sprintf(json + used, "]}}");
    cr_expect_not(translate_bytes(json, used));
    cr_expect_not_null(strstr(error_line(), "'to' is too long"));
    cr_expect_eq(strncmp(error_line(), "{\"ref\":1,", 9), 0);
}

/* ---- results ---- */

static const char *wrong;

static const char *printed(const char *(*print)(FILE *out, char *value), const char *value)
{
    static char text[2048];
    char line[1024];
    FILE *out = fmemopen(text, sizeof text, "w");
    cr_assert_not_null(out);
    snprintf(line, sizeof line, "%s", value);
    text[0] = '\0';
    wrong = print(out, line);
    fclose(out);
    return text;
}

Test(gateway_translation, results_repeat_the_reference_as_it_was)
{
    cr_expect_str_eq(
        printed(gateway_translation_print_result, "7b2261223a205b315d7d sent=1 failed=0"),
        "{\"ref\":{\"a\": [1]},\"sent\":1,\"failed\":0}\n");
    cr_expect_null(wrong);
    cr_expect_str_eq(printed(gateway_translation_print_result,
                             "- sent=0 failed=1 reason=the send buffer is full"),
                     "{\"sent\":0,\"failed\":1,\"reason\":\"the send buffer is full\"}\n");
    cr_expect_null(wrong);
    cr_expect_str_eq(printed(gateway_translation_print_refusal, "2261223a cannot send: \"x\"; y"),
                     "{\"ref\":\"a\":,\"error\":\"cannot send: \\\"x\\\"; y\"}\n");
    cr_expect_str_eq(printed(gateway_translation_print_refusal, "- cannot"),
                     "{\"error\":\"cannot\"}\n");
    cr_expect_null(wrong);
}

Test(gateway_translation, lines_of_another_form_are_wrong)
{
    printed(gateway_translation_print_result, "31");
    cr_expect_str_eq(wrong, "nothing follows the reference");
    printed(gateway_translation_print_refusal, "");
    cr_expect_str_eq(wrong, "nothing follows the reference");
    printed(gateway_translation_print_result, "3g sent=1");
    cr_expect_str_eq(wrong, "its reference is not hexadecimal digits");
    printed(gateway_translation_print_refusal, "123 x");
    cr_expect_str_eq(wrong, "its reference is not hexadecimal digits");
    printed(gateway_translation_print_result, "31 sent");
    cr_expect_str_eq(wrong, "a member is not NAME=VALUE");
}
