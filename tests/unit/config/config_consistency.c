/* Checks of the whole configuration: the admission policy, multicast groups, names, address blocks,
 * the observers' socket, and the interfaces of the offload. */
#include "config_parser_fixture.h"

TestSuite(config_consistency, .init = set_up, .fini = tear_down);

#define POLICY_MISSING(addresses, advice)                                              \
    "other hosts can reach " addresses                                                 \
    ", so the configuration must state an admission policy; " advice                   \
    " (or, on a network without forged source addresses, with 'policy = open'):\n    " \
    "[admission]\n"                                                                    \
    "    policy = cookie\n"
#define ADD_LINES "add these two lines"
#define WRITE_FILE                                            \
    "write these two lines into a file and name that by -c, " \
    "like the sample internet.conf"

Test(config_consistency, a_listener_that_other_hosts_reach_needs_a_policy)
{
    expect_errors("[server]\nlisten = 127.0.0.1\nlisten = ::1, 0.0.0.0:3000\n",
                  "f:3:15: " POLICY_MISSING("0.0.0.0:3000", ADD_LINES));
}

Test(config_consistency, several_listeners_that_other_hosts_reach_are_one_error)
{
    expect_errors("[server]\nlisten = ::1, 0.0.0.0:3000\nlisten = 192.0.2.1:5, [::]:6\n",
                  "f:2:15: " POLICY_MISSING("0.0.0.0:3000 and 2 more", ADD_LINES));
}

Test(config_consistency, a_stream_or_multicast_listener_that_other_hosts_reach_needs_a_policy)
{
    expect_errors("[server]\nlisten = unix:/run/chat, tcp:127.0.0.1\nlisten = tcp:192.0.2.1:5\n"
                  "listen = 239.1.2.3%eth0:6\n",
                  "f:3:10: " POLICY_MISSING("tcp:192.0.2.1:5 and 1 more", ADD_LINES));
}

Test(config_consistency, a_link_local_multicast_group_for_broadcasts_needs_its_interface)
{
    expect_errors(
        "[broadcast]\nmulticast-ttl = 1\nmulticast = [ff02::1]:3000\n",
        "f:3:1: a link-local multicast group needs its interface: give 'multicast-interface', or "
        "write it as in [ff02::1%eth0]:3000\n");
}

Test(config_consistency, the_interface_of_a_group_may_be_given_in_either_key)
{
    parse_file("f", "[broadcast]\nmulticast-interface = eth0\nmulticast = [ff02::1]:3000\n");
    config_free(finish());
    config_parser_free(parser);
    parser = config_parser_new();
    parse_file("f", "[broadcast]\nmulticast = [ff02::1%eth0]:3000\n");
    config_free(finish());
    config_parser_free(parser);
    parser = config_parser_new();
    parse_file("f", "[broadcast]\nmulticast = [ff05::1]:3000\n");
    config_free(finish());
}

Test(config_consistency, without_a_file_the_policy_needs_one)
{
    cr_assert(config_parser_override(parser, "-l", "server", "listen", "[::]:0"));
    expect_finish_fails("-l:0:0: " POLICY_MISSING("[::]:0", WRITE_FILE));
}

Test(config_consistency, a_listener_on_the_command_line_needs_a_policy_too)
{
    cr_assert(config_parser_override(parser, "-l", "server", "listen", "[::]:0"));
    parse_file("f", "[server]\nlisten = 0.0.0.0\n");
    expect_finish_fails("-l:0:0: " POLICY_MISSING("[::]:0", ADD_LINES));
}

Test(config_consistency, a_listener_overridden_by_loopback_needs_no_policy)
{
    cr_assert(config_parser_override(parser, "-l", "server", "listen", "127.0.0.1:0"));
    parse_file("f", "[server]\nlisten = 0.0.0.0\n");
    config_free(finish());
}

Test(config_consistency, a_policy_is_sufficient)
{
    parse_file("f", "[server]\nlisten = 0.0.0.0\n[admission]\npolicy = open\n");
    config_free(finish());
}

Test(config_consistency, a_misspelt_policy_is_one_error)
{
    expect_errors(
        "[server]\nlisten = 0.0.0.0\n[admission]\npolicy = opne\n",
        "f:4:10: bad value 'opne' for 'policy': must be open or cookie (did you mean 'open'?)\n");
}

Test(config_consistency, a_block_in_both_lists_is_an_error_with_both_lines)
{
    expect_errors("[admission]\nallow = 10.0.0.0/8, ::1\ndeny = 10.0.0.0/9\nallow = 192.0.2.1/32\n"
                  "deny = 192.0.2.1\n",
                  "f:5:8: 192.0.2.1 is in 'deny' here and in 'allow' at f:4: remove one of them\n");
}

Test(config_consistency, of_several_blocks_in_both_lists_the_first_denied_one_is_reported)
{
    cr_assert(config_parser_file_begin(parser, "f"));
    config_parser_line(parser, "[admission]", 11);
    config_parser_line(parser, "allow = 10.0.0.2, ::1, 10.0.0.1", 31);
    cr_assert(config_parser_file_begin(parser, "g"));
    config_parser_line(parser, "[admission]", 11);
    config_parser_line(parser, "deny = 10.0.0.9, 10.0.0.1/32, ::1", 33);
    config_parser_file_end(parser);
    config_parser_file_end(parser);
    expect_finish_fails(
        "g:2:18: 10.0.0.1 is in 'deny' here and in 'allow' at f:2: remove one of them\n");
}

Test(config_consistency, lists_of_blocks_grow_with_each_line_up_to_a_hundred_thousand)
{
    cr_assert(config_parser_file_begin(parser, "f"));
    config_parser_line(parser, "[admission]", 11);
    for (int i = 0; i < CONFIG_BLOCKS_MAX; i++) {
        char line[64];
        int length =
            snprintf(line, sizeof line, "deny = 10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        cr_assert_eq(config_parser_line(parser, line, (size_t)length), CONFIG_NEXT);
    }
    config_parser_file_end(parser);
    struct config *config = finish();
    cr_assert_eq(config->admission.deny.count, CONFIG_BLOCKS_MAX);
    cr_assert_eq(config->admission.allow.count, 0);
    config_free(config);
}

Test(config_consistency, one_block_more_is_refused)
{
    cr_assert(config_parser_file_begin(parser, "f"));
    config_parser_line(parser, "[admission]", 11);
    for (int i = 0; i <= CONFIG_BLOCKS_MAX; i++)
        config_parser_line(parser, "deny = ::/0", 11);
    config_parser_file_end(parser);
    expect_finish_fails("f:100002:8: bad value '::/0' for 'deny': more than 100000 blocks\n");
}

Test(config_consistency, the_default_of_per_prefix_depends_on_the_policy)
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
        struct config_parser *first = parser;
        parser = other;
        parse_file("f", CASES[i].text);
        struct config *config = finish();
        cr_expect_eq(config->admission.per_prefix, CASES[i].cap, "%s", CASES[i].text);
        config_free(config);
        config_parser_free(other);
        parser = first;
    }
}

Test(config_consistency, observers_need_a_socket_of_their_own)
{
    expect_errors("[control]\nsocket = /run/a\nobserver-socket = /run/a\n",
                  "f:3:1: 'observer-socket' is the path of the control socket: give the observers "
                  "another one\n");
}

Test(config_consistency, an_option_may_give_the_control_socket_that_path)
{
    cr_assert(config_parser_override(parser, "-s", "control", "socket", "/run/a"));
    expect_errors("[control]\nsocket = /run/b\nobserver-socket = /run/a\n",
                  "f:3:1: 'observer-socket' is the path of the control socket: give the observers "
                  "another one\n");
}

Test(config_consistency, both_sockets_may_be_off)
{
    parse_file("f", "[control]\nsocket = off\nobserver-socket = off\nobserver-group = g\n");
    struct config *config = finish();
    cr_expect_not(config_has_observers(config));
    cr_expect(config_control_is_off(config));
    config_free(config);
}

Test(config_consistency, observers_may_have_the_only_socket)
{
    parse_file("f", "[control]\nsocket = off\nobserver-socket = /run/a\n");
    struct config *config = finish();
    cr_expect(config_has_observers(config));
    config_free(config);
}

#define KEYED "[clients]\nnames = keyed\n"

Test(config_consistency, keyed_names_need_a_key_file_and_cookies)
{
    expect_errors(KEYED,
                  "f:2:1: 'names = keyed' needs the key from which those of the devices are "
                  "derived: give 'names-key-file'\n"
                  "f:2:1: 'names = keyed' needs cookies, over which a device proves its key: give "
                  "'policy = cookie' in [admission]\n");
}

Test(config_consistency, keyed_names_are_no_reason_to_keep_the_policy_open)
{
    expect_errors(KEYED "names-key-file = k\n[admission]\npolicy = open\n",
                  "f:2:1: 'names = keyed' needs cookies, over which a device proves its key: give "
                  "'policy = cookie' in [admission]\n");
}

Test(config_consistency, keyed_names_with_a_key_file_and_cookies_are_valid)
{
    parse_file("f", KEYED "names-key-file = k\n[admission]\npolicy = cookie\n");
    struct config *config = finish();
    cr_assert_eq(config->clients.names, NAMES_KEYED);
    cr_assert_str_eq(config->clients.names_key_file, "k");
    config_free(config);
}

Test(config_consistency, trusted_names_need_nothing)
{
    parse_file("f", "[clients]\nnames = trusted\nnames-max = 5\n");
    struct config *config = finish();
    cr_assert_eq(config->clients.names, NAMES_TRUSTED);
    cr_assert_eq(config->clients.names_max, 5);
    config_free(config);
}

#define METRICS_EXPOSED(address)                                                             \
    "other hosts can reach " address ", so the configuration must state which may read the " \
    "metrics: give 'allow' with their addresses or networks, such as 'allow = 192.0.2.0/24'\n"

Test(config_consistency, metrics_that_other_hosts_reach_need_a_list_of_those_that_may_read_them)
{
    expect_errors("[metrics]\nlisten = 192.0.2.1\n", "f:2:1: " METRICS_EXPOSED("192.0.2.1:9300"));
}

Test(config_consistency, metrics_at_all_addresses_need_that_list_too)
{
    expect_errors("[metrics]\n listen = [::]:5\n", "f:2:2: " METRICS_EXPOSED("[::]:5"));
}

Test(config_consistency, metrics_with_that_list_are_valid)
{
    parse_file("f", "[metrics]\nlisten = 0.0.0.0:5\nallow = 192.0.2.0/24, ::1\n");
    struct config *config = finish();
    cr_assert_eq(config->metrics.allow.count, 2);
    config_free(config);
}

Test(config_consistency, metrics_on_loopback_or_a_unix_socket_need_no_list)
{
    parse_file("f", "[metrics]\nlisten = [::1]\n");
    config_free(finish());
    config_parser_free(parser);
    parser = config_parser_new();
    parse_file("f", "[metrics]\nlisten = unix:/run/metrics\n");
    config_free(finish());
}

Test(config_consistency, an_offload_needs_interfaces)
{
    expect_errors("[offload]\nmax = 5\nmode = auto\n",
                  "f:3:1: 'mode = auto' needs the interfaces that the clients' datagrams come in "
                  "by: give 'interface', such as 'interface = eth0'\n");
}

Test(config_consistency, an_invalid_interface_of_an_offload_is_one_error)
{
    expect_errors("[offload]\nmode = native\ninterface = eth0:1\n",
                  "f:3:13: bad value 'eth0:1' for 'interface': not the name of an interface, such "
                  "as eth0\n");
}

Test(config_consistency, an_offload_with_interfaces_is_valid)
{
    parse_file("f", "[offload]\nmode = generic\ninterface = eth0, eth1\ninterface = lo\n");
    struct config *config = finish();
    cr_assert_eq(config->offload.mode, CONFIG_OFFLOAD_GENERIC);
    cr_assert_eq(config->offload.interface_count, 3);
    cr_assert_str_eq(config->offload.interfaces[2], "lo");
    config_free(config);
}

Test(config_consistency, interfaces_are_permitted_while_the_offload_is_off)
{
    parse_file("f", "[offload]\ninterface = eth0\n");
    struct config *config = finish();
    cr_assert_eq(config->offload.mode, CONFIG_OFFLOAD_OFF);
    cr_assert_eq(config->offload.interface_count, 1);
    config_free(config);
}
