/* Tests of server/control/arguments/selector_arguments: the words of selectors in command lines. */
#include "server/control/arguments/selector_arguments.h"

#include "addr_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Five listeners, of each kind. */
static const struct listeners *listeners(void)
{
    static struct listeners made;
    made = (struct listeners){
        .list =
            {
                {.bound = address("127.0.0.1:3000"), .text = "127.0.0.1:3000"},
                {.bound = address("[::1]:3000"), .text = "[::1]:3000"},
                {.bound = address("[fe80::1%2]:3000"), .text = "[fe80::1%2]:3000", .zone = "eth0"},
                {.transport = TRANSPORT_TCP,
                 .bound = address("127.0.0.1:3000"),
                 .text = "tcp:127.0.0.1:3000"},
                {.transport = TRANSPORT_UNIX, .text = "unix:/run/lines"},
            },
        .count = 5,
    };
    return &made;
}

static struct client_selector selector;
static char wrong[SELECTOR_WRONG_BYTES];

/* Reads words that are valid, and returns the rest. */
static const char *read_words(const char *words)
{
    static char line[2048];
    snprintf(line, sizeof line, "%s", words);
    const char *rest = selector_arguments_parse(&selector, listeners(), line, wrong);
    cr_assert_not_null(rest, "%s: %s", words, wrong);
    return rest;
}

static void expect_refused(const char *words, const char *message)
{
    char line[2048];
    snprintf(line, sizeof line, "%s", words);
    cr_assert_null(selector_arguments_parse(&selector, listeners(), line, wrong), "%s", words);
    cr_assert_str_eq(wrong, message);
}

static void expect_formatted(const char *words, const char *expected)
{
    char text[SELECTOR_TEXT_BYTES];
    read_words(words);
    cr_assert_str_eq(selector_arguments_format(&selector, listeners(), text), expected);
}

Test(selector_arguments, are_optional_and_leave_the_rest_of_the_line)
{
    cr_assert_str_eq(read_words(""), "");
    cr_assert(client_selector_is_all(&selector));
    cr_assert_str_eq(read_words("414243"), "414243");
    cr_assert(client_selector_is_all(&selector));
    cr_assert_str_eq(read_words("to=192.0.2.0/24"), "");
    cr_assert_str_eq(read_words("to=192.0.2.0/24  \t idle-max=5m 10"), "10");
    cr_assert_str_eq(read_words("to=192.0.2.0/24 -"), "-");
}

Test(selector_arguments, select_blocks_in_any_number_up_to_the_limit)
{
    char line[1024] = "", message[256];
    read_words("to=192.0.2.0/24 to=2001:db8::1");
    cr_assert_eq(selector.block_count, 2);
    cr_assert_eq(selector.listeners, UINT64_MAX);
    cr_assert_eq(selector.idle_max_ms, UINT64_MAX);
    for (int i = 0; i < CLIENT_SELECTOR_BLOCKS_MAX; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), "to=192.0.2.%d ", i);
    read_words(line);
    cr_assert_eq(selector.block_count, CLIENT_SELECTOR_BLOCKS_MAX);
    strcat(line, "to=10.0.0.0/8");
    snprintf(message, sizeof message,
             "bad selector 'to=10.0.0.0/8': more than %d blocks; give wider "
             "ones, or use several commands",
             CLIENT_SELECTOR_BLOCKS_MAX);
    expect_refused(line, message);
}

Test(selector_arguments, select_a_listener_by_any_form_of_its_address)
{
    static const struct {
        const char *words;
        unsigned listener;
    } forms[] = {
        {"listener=127.0.0.1:3000", 0},
        {"listener=127.0.0.1", 0},
        {"listener=[::1]:3000", 1},
        {"listener=[0:0:0::0:1]", 1},
        {"listener=::1", 1},
        {"listener=[fe80::1%2]:3000", 2},
        {"listener=[fe80::1%eth0]:3000", 2},
        {"listener=tcp:127.0.0.1:3000", 3},
        {"listener=unix:/run/lines", 4},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        read_words(forms[i].words);
        cr_assert_eq(selector.listeners, UINT64_C(1) << forms[i].listener, "%s", forms[i].words);
    }
}

Test(selector_arguments, select_by_idle_time_in_seconds_or_with_a_unit)
{
    read_words("idle-max=90");
    cr_assert_eq(selector.idle_max_ms, 90000);
    read_words("idle-max=0ms");
    cr_assert_eq(selector.idle_max_ms, 0);
}

Test(selector_arguments, that_are_invalid_are_refused_with_the_word_and_the_remedy)
{
    expect_refused("to=192.0.2.1/24 00",
                   "bad selector 'to=192.0.2.1/24': the address has bits set after the prefix; "
                   "give a block or an address, as in to=192.0.2.0/24");
    expect_refused("to= 00", "bad selector 'to=': not an IPv4 or IPv6 address; give a block or an "
                             "address, as in to=192.0.2.0/24");
    expect_refused("idle-max=soon", "bad selector 'idle-max=soon': not a number; give a duration, "
                                    "as in idle-max=90s");
    expect_refused("idle-max=1s idle-max=2s",
                   "bad selector 'idle-max=2s': a second duration; give one, or none");
    expect_refused("listener=[::1]:3000 listener=[::1]:3000",
                   "bad selector 'listener=[::1]:3000': a second listener; give one, or none for "
                   "all of them");
    expect_refused("from=192.0.2.0/24", "bad selector 'from=192.0.2.0/24': no such selector; give "
                                        "to=BLOCK, listener=ADDRESS or idle-max=DURATION");
    expect_refused("to=1.2.3.4 \x1b=", "bad selector '\\x1b=': no such selector; give to=BLOCK, "
                                       "listener=ADDRESS or idle-max=DURATION");
}

Test(selector_arguments, of_an_unknown_listener_are_refused_with_the_listeners)
{
    static const char *const unknown[] = {"127.0.0.1:3001",   "tcp:[::1]:3000",
                                          "unix:/run/line",   "[fe80::1%eth1]:3000",
                                          "[fe80::1%3]:3000", ""};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        char line[128], message[512];
        snprintf(line, sizeof line, "listener=%s", unknown[i]);
        snprintf(message, sizeof message,
                 "bad selector '%s': no such listener; give one of: 127.0.0.1:3000, [::1]:3000, "
                 "[fe80::1%%2]:3000, tcp:127.0.0.1:3000, unix:/run/lines",
                 line);
        expect_refused(line, message);
    }
}

Test(selector_arguments, of_an_unknown_listener_among_many_are_refused_with_some_of_them)
{
    static struct listeners many;
    char line[] = "listener=192.0.2.1";
    many.count = CONFIG_LISTEN_MAX;
    for (size_t i = 0; i < many.count; i++)
        snprintf(many.list[i].text, sizeof many.list[i].text, "unix:/%0100zu", i);
    cr_assert_null(selector_arguments_parse(&selector, &many, line, wrong));
    cr_assert_not_null(strstr(wrong, "give one of: unix:/"));
    cr_assert_str_eq(wrong + strlen(wrong) - strlen("0002 and 61 more"), "0002 and 61 more");
}

Test(selector_arguments, are_written_in_one_form)
{
    expect_formatted("", "");
    expect_formatted("idle-max=120 listener=::1 to=192.0.2.1/32  to=2001:DB8::/32 rest",
                     "to=192.0.2.1,to=2001:db8::/32,listener=[::1]:3000,idle-max=2m");
    expect_formatted("listener=unix:/run/lines", "listener=unix:/run/lines");
}

Test(selector_arguments, that_are_the_longest_fit_into_their_text)
{
    static struct listeners one = {.count = 1};
    char words[2 * SELECTOR_TEXT_BYTES] = "", text[SELECTOR_TEXT_BYTES];
    memset(one.list[0].text, 'a', sizeof one.list[0].text - 1);
    for (int i = 0; i < CLIENT_SELECTOR_BLOCKS_MAX; i++)
        strcat(words, "to=ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0/124 ");
    sprintf(words + strlen(words), "listener=%s idle-max=18446744073709551614ms", one.list[0].text);
    char *line = strdup(words);
    cr_assert_not_null(selector_arguments_parse(&selector, &one, line, wrong), "%s", wrong);
    for (char *blank = words; (blank = strchr(blank, ' ')) != NULL;)
        *blank = ',';
    cr_assert_str_eq(selector_arguments_format(&selector, &one, text), words);
    free(line);
}
