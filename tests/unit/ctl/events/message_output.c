/* Tests of ctl/events/message_output: clients' messages for people and as JSON. */
#include "ctl/events/message_output.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const char *wrong;
static struct message_sender sender;

/* Returns what is printed for the rest of a line; the caller frees it. */
static char *print(bool json, const char *line)
{
    char *value = strdup(line), *written;
    size_t size;
    FILE *out = open_memstream(&written, &size);
    wrong = message_output_print(out, json, &sender, value);
    cr_assert_eq(fclose(out), 0);
    free(value);
    return written;
}

static void expect(bool json, const char *line, const char *expected)
{
    char *written = print(json, line);
    cr_expect_null(wrong, "%s", wrong);
    cr_expect_str_eq(written, expected);
    free(written);
}

Test(message_output, prints_the_name_of_the_sender_of_the_next_message_only)
{
    message_output_from(&sender, "front\\x20gate");
    expect(false, "1700000000000 192.0.2.1:4000 6869 0.0.0.0:3000",
           "2023-11-14T22:13:20.000Z 192.0.2.1:4000 @front gate hi\n");
    expect(false, "1700000000000 192.0.2.1:4000 6869 0.0.0.0:3000",
           "2023-11-14T22:13:20.000Z 192.0.2.1:4000 hi\n");
    message_output_from(&sender, "17");
    expect(true, "1700000000000 192.0.2.1:4000 6869 0.0.0.0:3000",
           "{\"time\":\"2023-11-14T22:13:20.000Z\",\"address\":\"192.0.2.1:4000\",\"name\":\"17\","
           "\"listener\":\"0.0.0.0:3000\",\"size\":2,\"text\":\"hi\"}\n");
    message_output_from(&sender, "\\q");
    expect(false, "1700000000000 192.0.2.1:4000 6869 0.0.0.0:3000",
           "2023-11-14T22:13:20.000Z 192.0.2.1:4000 hi\n");
}

Test(message_output, prints_a_line_for_people_with_the_payload_escaped)
{
    expect(false, "1005 192.0.2.1:4000 6869 0.0.0.0:3000",
           "1970-01-01T00:00:01.005Z 192.0.2.1:4000 hi\n");
    expect(false, "0 unix:#7 1b5b326a5cff0a unix:/a b",
           "1970-01-01T00:00:00.000Z unix:#7 \\x1b[2j\\\\\\xff\\n\n");
    expect(false, "0 10.0.0.1:1 - 0.0.0.0:3000", "1970-01-01T00:00:00.000Z 10.0.0.1:1 \n");
}

Test(message_output, prints_text_as_json)
{
    expect(true, "1005 192.0.2.1:4000 22c3bc00 0.0.0.0:3000",
           "{\"time\":\"1970-01-01T00:00:01.005Z\",\"address\":\"192.0.2.1:4000\","
           "\"listener\":\"0.0.0.0:3000\",\"size\":4,\"text\":\"\\\"\xc3\xbc\\u0000\"}\n");
    expect(true, "0 10.0.0.1:1 - 0.0.0.0:3000",
           "{\"time\":\"1970-01-01T00:00:00.000Z\",\"address\":\"10.0.0.1:1\","
           "\"listener\":\"0.0.0.0:3000\",\"size\":0,\"text\":\"\"}\n");
}

Test(message_output, prints_what_is_not_utf8_as_hex)
{
    static const char *const payloads[] = {"ff", "c3", "eda080", "c080", "f4908080", "61ff00"};
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        char line[64], member[64];
        snprintf(line, sizeof line, "0 10.0.0.1:1 %s l", payloads[i]);
        snprintf(member, sizeof member, "\"hex\":\"%s\"}\n", payloads[i]);
        char *written = print(true, line);
        cr_expect_not_null(strstr(written, member), "%s", written);
        cr_expect_null(strstr(written, "\"text\""));
        free(written);
    }
}

Test(message_output, keeps_blanks_in_the_name_of_a_listener)
{
    char *written = print(true, "0 unix:#1 61 unix:/a b c");
    cr_expect_not_null(strstr(written, "\"listener\":\"unix:/a b c\""));
    free(written);
}

Test(message_output, says_what_is_wrong_with_a_line)
{
    static const char *const lines[] = {"",         "0",         "0 a",     "0 a 61",   " ",
                                        "x a 61 l", "-1 a 61 l", "0 a 6 l", "0 a 6g l", "0 a  l"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char *written = print(i % 2 == 0, lines[i]);
        if (strcmp(lines[i], "0 a  l") != 0)
            cr_expect_not_null(wrong, "'%s'", lines[i]);
        free(written);
    }
}

Test(message_output, prints_the_longest_payload)
{
    enum { LONGEST = 65507 };
    char *line = malloc(2 * LONGEST + 64);
    int head = sprintf(line, "0 10.0.0.1:1 ");
    memset(line + head, '6', 2 * LONGEST);
    strcpy(line + head + 2 * LONGEST, " l");
    char *written = print(true, line);
    cr_expect_null(wrong);
    cr_expect_not_null(strstr(written, "\"size\":65507,"));
    cr_expect_gt(strlen(written), LONGEST);
    free(written);
    free(line);
}
