/* What a configuration must say of whom it admits before others can reach the service. */
#include "config_parser_fixture.h"

TestSuite(config_admission, .init = begin, .fini = end);

#define UNADMITTED(addresses, advice)                                                             \
    "other hosts can reach " addresses ", so the configuration must say whom to admit; " advice   \
    " (or, on a network where nobody forges addresses, with 'policy = open'):\n    [admission]\n" \
    "    policy = cookie\n"
#define ADD_LINES "add these two lines"
#define WRITE_FILE                                            \
    "write these two lines into a file and name that by -c, " \
    "like the sample internet.conf"

Test(config_admission, a_listener_that_others_reach_needs_a_policy)
{
    expect_bad("[server]\nlisten = 127.0.0.1\nlisten = ::1, 0.0.0.0:3000\n",
               "f:3:15: " UNADMITTED("0.0.0.0:3000", ADD_LINES));
}

Test(config_admission, listeners_that_others_reach_are_one_complaint)
{
    expect_bad("[server]\nlisten = ::1, 0.0.0.0:3000\nlisten = 192.0.2.1:5, [::]:6\n",
               "f:2:15: " UNADMITTED("0.0.0.0:3000 and 2 more", ADD_LINES));
}

Test(config_admission, a_stream_or_a_group_that_others_reach_needs_a_policy)
{
    expect_bad("[server]\nlisten = unix:/run/chat, tcp:127.0.0.1\nlisten = tcp:192.0.2.1:5\n"
               "listen = 239.1.2.3%eth0:6\n",
               "f:3:10: " UNADMITTED("tcp:192.0.2.1:5 and 1 more", ADD_LINES));
}

Test(config_admission, a_group_of_a_link_that_gets_broadcasts_needs_its_interface)
{
    expect_bad("[broadcast]\nmulticast-ttl = 1\nmulticast = [ff02::1]:3000\n",
               "f:3:1: a group of one link needs its interface: give 'multicast-interface', or "
               "write it as in [ff02::1%eth0]:3000\n");
}

Test(config_admission, its_interface_may_stand_in_either_place)
{
    feed_file("f", "[broadcast]\nmulticast-interface = eth0\nmulticast = [ff02::1]:3000\n");
    config_free(finish());
    config_parser_free(machine);
    machine = config_parser_new();
    feed_file("f", "[broadcast]\nmulticast = [ff02::1%eth0]:3000\n");
    config_free(finish());
    config_parser_free(machine);
    machine = config_parser_new();
    feed_file("f", "[broadcast]\nmulticast = [ff05::1]:3000\n");
    config_free(finish());
}

Test(config_admission, without_a_file_the_policy_needs_one)
{
    cr_assert(config_parser_override(machine, "-l", "server", "listen", "[::]:0"));
    expect_refused("-l:0:0: " UNADMITTED("[::]:0", WRITE_FILE));
}

Test(config_admission, a_listener_of_the_command_line_needs_a_policy_too)
{
    cr_assert(config_parser_override(machine, "-l", "server", "listen", "[::]:0"));
    feed_file("f", "[server]\nlisten = 0.0.0.0\n");
    expect_refused("-l:0:0: " UNADMITTED("[::]:0", ADD_LINES));
}

Test(config_admission, a_listener_overridden_by_loopback_needs_no_policy)
{
    cr_assert(config_parser_override(machine, "-l", "server", "listen", "127.0.0.1:0"));
    feed_file("f", "[server]\nlisten = 0.0.0.0\n");
    config_free(finish());
}

Test(config_admission, a_policy_admits)
{
    feed_file("f", "[server]\nlisten = 0.0.0.0\n[admission]\npolicy = open\n");
    config_free(finish());
}

Test(config_admission, a_misspelt_policy_is_one_complaint)
{
    expect_bad(
        "[server]\nlisten = 0.0.0.0\n[admission]\npolicy = opne\n",
        "f:4:10: bad value 'opne' for 'policy': must be open or cookie (did you mean 'open'?)\n");
}

Test(config_admission, blocks_in_both_lists_are_a_complaint_about_their_lines)
{
    expect_bad("[admission]\nallow = 10.0.0.0/8, ::1\ndeny = 10.0.0.0/9\nallow = 192.0.2.1/32\n"
               "deny = 192.0.2.1\n",
               "f:5:8: 192.0.2.1 is in 'deny' here and in 'allow' at f:4: take one of them out\n");
}

Test(config_admission, of_several_blocks_in_both_lists_the_first_denied_one_has_its_very_place)
{
    cr_assert(config_parser_file_begin(machine, "f"));
    config_parser_line(machine, "[admission]", 11);
    config_parser_line(machine, "allow = 10.0.0.2, ::1, 10.0.0.1", 31);
    cr_assert(config_parser_file_begin(machine, "g"));
    config_parser_line(machine, "[admission]", 11);
    config_parser_line(machine, "deny = 10.0.0.9, 10.0.0.1/32, ::1", 33);
    config_parser_file_end(machine);
    config_parser_file_end(machine);
    expect_refused(
        "g:2:18: 10.0.0.1 is in 'deny' here and in 'allow' at f:2: take one of them out\n");
}

Test(config_admission, lists_of_blocks_add_up_over_lines_and_take_a_hundred_thousand)
{
    cr_assert(config_parser_file_begin(machine, "f"));
    config_parser_line(machine, "[admission]", 11);
    for (int i = 0; i < CONFIG_BLOCKS_MAX; i++) {
        char line[64];
        int length =
            snprintf(line, sizeof line, "deny = 10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        cr_assert_eq(config_parser_line(machine, line, (size_t)length), CONFIG_NEXT);
    }
    config_parser_file_end(machine);
    struct config *config = finish();
    cr_assert_eq(config->admission.deny.count, CONFIG_BLOCKS_MAX);
    cr_assert_eq(config->admission.allow.count, 0);
    config_free(config);
}

Test(config_admission, one_block_more_is_refused)
{
    cr_assert(config_parser_file_begin(machine, "f"));
    config_parser_line(machine, "[admission]", 11);
    for (int i = 0; i <= CONFIG_BLOCKS_MAX; i++)
        config_parser_line(machine, "deny = ::/0", 11);
    config_parser_file_end(machine);
    expect_refused("f:100002:8: bad value '::/0' for 'deny': more than 100000 blocks\n");
}

Test(config_admission, the_cap_of_a_prefix_goes_with_the_policy_unless_stated)
{
    static const struct {
        const char *text;
        uint32_t cap;
    } CASES[] = {
        {"[admission]\npolicy = open\n", 0},
        {"[admission]\npolicy = cookie\n", 65536},
        {"[admission]\nper-prefix = 7\npolicy = cookie\n", 7},
        {"[admission]\npolicy = cookie\nper-prefix = 0\n", 0},
        {"", 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct config_parser *other = config_parser_new();
        struct config_parser *first = machine;
        machine = other;
        feed_file("f", CASES[i].text);
        struct config *config = finish();
        cr_expect_eq(config->admission.per_prefix, CASES[i].cap, "%s", CASES[i].text);
        config_free(config);
        config_parser_free(other);
        machine = first;
    }
}
