/* Tests of ctl/selector_options: the values of --to, --listener and --idle-max. */
#include "ctl/selector_options.h"

#include "address/transport.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct selector_options selector;
static char words[SELECTOR_OPTIONS_WORDS_BYTES];

static void reset(void)
{
    selector = (struct selector_options){.block_count = 0};
}

TestSuite(selector_options, .init = reset);

Test(selector_options, without_values_are_no_words)
{
    cr_assert_not(selector_options_are_given(&selector));
    cr_assert_str_eq(selector_options_format(&selector, words), "");
}

Test(selector_options, become_the_words_of_a_command)
{
    cr_assert_null(selector_options_add_block(&selector, "192.0.2.0/24"));
    cr_assert_null(selector_options_add_block(&selector, "2001:DB8::1"));
    cr_assert_null(selector_options_set_listener(&selector, "tcp:[::1]:3000"));
    cr_assert_null(selector_options_set_idle_max(&selector, "90"));
    cr_assert(selector_options_are_given(&selector));
    cr_assert_str_eq(selector_options_format(&selector, words),
                     " to=192.0.2.0/24 to=2001:db8::1 listener=tcp:[::1]:3000 idle-max=90s");
}

Test(selector_options, each_of_them_selects)
{
    cr_assert_null(selector_options_set_idle_max(&selector, "0ms"));
    cr_assert(selector_options_are_given(&selector));
    reset();
    cr_assert_null(selector_options_set_listener(&selector, "unix:/run/lines"));
    cr_assert(selector_options_are_given(&selector));
    reset();
    cr_assert_null(selector_options_add_block(&selector, "::1"));
    cr_assert(selector_options_are_given(&selector));
}

Test(selector_options, that_are_invalid_change_nothing)
{
    cr_assert_str_eq(selector_options_add_block(&selector, "192.0.2.1/24"),
                     "the address has bits set after the prefix");
    cr_assert_not_null(selector_options_add_block(&selector, "host"));
    cr_assert_not_null(selector_options_set_listener(&selector, ""));
    cr_assert_not_null(selector_options_set_listener(&selector, "127.0.0.1:3000 to=::1"));
    cr_assert_not_null(selector_options_set_listener(&selector, "unix:/run/a b"));
    cr_assert_not_null(selector_options_set_listener(&selector, "unix:lines"));
    cr_assert_not_null(selector_options_set_listener(&selector, "[fe80::1%et h0]:3000"));
    cr_assert_not_null(selector_options_set_idle_max(&selector, "soon"));
    cr_assert_not_null(selector_options_set_idle_max(&selector, "-1s"));
    cr_assert_not(selector_options_are_given(&selector));
}

Test(selector_options, have_at_most_16_blocks_and_one_listener)
{
    for (int i = 0; i < CLIENT_SELECTOR_BLOCKS_MAX; i++)
        cr_assert_null(selector_options_add_block(&selector, "192.0.2.0/24"));
    cr_assert_str_eq(selector_options_add_block(&selector, "192.0.2.0/24"), "more than 16 blocks");
    cr_assert_eq(selector.block_count, CLIENT_SELECTOR_BLOCKS_MAX);
    cr_assert_null(selector_options_set_listener(&selector, "127.0.0.1"));
    cr_assert_str_eq(selector_options_set_listener(&selector, "::1"), "a second listener");
    cr_assert_str_eq(selector.listener, "127.0.0.1");
}

Test(selector_options, that_are_the_longest_fit_into_their_words)
{
    char path[6 + TRANSPORT_PATH_BYTES] = "unix:/", tail[256];
    memset(path + 6, 'a', TRANSPORT_PATH_BYTES - 2);
    path[5 + TRANSPORT_PATH_BYTES - 1] = '\0';
    for (int i = 0; i < CLIENT_SELECTOR_BLOCKS_MAX; i++)
        cr_assert_null(
            selector_options_add_block(&selector, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff0/124"));
    cr_assert_null(selector_options_set_listener(&selector, path));
    cr_assert_null(selector_options_set_idle_max(&selector, "18446744073709551615ms"));
    selector_options_format(&selector, words);
    snprintf(tail, sizeof tail, " listener=%s idle-max=18446744073709551615ms", path);
    cr_assert_str_eq(words + strlen(words) - strlen(tail), tail);
}
