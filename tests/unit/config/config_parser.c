#include "config_parser_fixture.h"

TestSuite(config_parser, .init = begin, .fini = end);

Test(config_parser, no_line_at_all_gives_the_defaults)
{
    struct config *config = finish();
    cr_assert_eq(config->clients.ttl_ms, 60000);
    cr_assert_eq(config->server.listen_count, 2);
    cr_assert_not(config->server.listen_stated);
    config_free(config);
}

Test(config_parser, every_key_is_read)
{
    feed_file("f", "# a comment\n"
                   "\n"
                   "[server]\n"
                   "listen = 0.0.0.0:4000 ; behind a value\n"
                   "user = nobody\n"
                   "group=nogroup\n"
                   "max-datagram = 1k\n"
                   "receive-buffer = 8m\n"
                   "send-buffer = 64k\n"
                   "[reply]\r\n"
                   "mode = echo\r\n"
                   "message = hello\r\n"
                   "[clients]\n"
                   "max = 5\n"
                   "ttl = 500ms\n"
                   "sweep = 2s\n"
                   "[broadcast]\n"
                   "rate = 1000\n"
                   "queue = 3\n"
                   "[admission]\n"
                   "policy = open\n"
                   "[control]\n"
                   "socket = /run/x.sock\n"
                   "mode = 0600\n"
                   "group = operators\n"
                   "[log]\n"
                   "level = debug\n"
                   "format = json\n"
                   "target = syslog\n");
    struct config *config = finish();
    cr_assert_eq(config->server.listen_count, 1);
    cr_assert_eq(config->server.listen[0].addr.port, 4000);
    cr_assert(config->server.listen_stated);
    cr_assert_str_eq(config->server.user, "nobody");
    cr_assert_str_eq(config->server.group, "nogroup");
    cr_assert_eq(config->server.max_datagram_bytes, 1024);
    cr_assert_eq(config->server.receive_buffer_bytes, 8 << 20);
    cr_assert_eq(config->server.send_buffer_bytes, 64 << 10);
    cr_assert_eq(config->reply.mode, REPLY_ECHO);
    EXPECT_MESSAGES(config, "hello");
    cr_assert_eq(config->clients.max, 5);
    cr_assert_eq(config->clients.ttl_ms, 500);
    cr_assert_eq(config->clients.sweep_ms, 2000);
    cr_assert_eq(config->broadcast.rate_pps, 1000);
    cr_assert_eq(config->broadcast.queue, 3);
    cr_assert_eq(config->admission.policy, POLICY_OPEN);
    cr_assert_str_eq(config->control.socket, "/run/x.sock");
    cr_assert_eq(config->control.mode, 0600);
    cr_assert_str_eq(config->control.group, "operators");
    cr_assert_eq(config->log.level, LOG_LEVEL_DEBUG);
    cr_assert_eq(config->log.format, LOG_FORMAT_JSON);
    cr_assert_eq(config->log.target, LOG_TARGET_SYSLOG);
    config_free(config);
}

Test(config_parser, a_section_may_come_back)
{
    feed_file("f", "[clients]\nttl = 1s\n[log]\nlevel = error\n[clients]\nmax = 7\n");
    struct config *config = finish();
    cr_assert_eq(config->clients.ttl_ms, 1000);
    cr_assert_eq(config->clients.max, 7);
    config_free(config);
}

Test(config_parser, a_byte_order_mark_is_no_part_of_the_file)
{
    feed_file("f", "\ufeff[server]\r\nlisten = 127.0.0.1:1\n\ufeff[clients]\nttl = 1h\n\ufeff\n");
    struct config *config = finish();
    cr_expect_eq(config->server.listen_count, 1);
    cr_expect_eq(config->clients.ttl_ms, 3600000);
    config_free(config);
}

Test(config_parser, a_byte_order_mark_does_not_move_columns)
{
    expect_bad("\ufeffnonsense\n[reply]\nmode = \ufeffecho\n",
               "f:1:1: neither '[section]' nor 'key = value'\n"
               "f:3:8: bad value '\\xef\\xbb\\xbfecho' for 'mode': must be rotate, echo or "
               "none\n");
}

Test(config_parser, utf16_is_told_from_a_wrong_line)
{
    cr_assert(config_parser_file_begin(machine, "f"));
    config_parser_line(machine, "\xff\xfe[\0s\0]\0\r\0", 10);
    config_parser_file_end(machine);
    expect_refused("f:1:1: this is UTF-16: save the file as UTF-8\n");
}

Test(config_parser, messages_replace_the_defaults_and_add_up)
{
    feed_file("f", "[reply]\n"
                   "message = two words # not this\n"
                   "message = \" quoted # all of it \"\n"
                   "message = a, \"b, c\" , d\n"
                   "message = \"\"\n"
                   "message = \"line\\n\\x41\"\n");
    struct config *config = finish();
    EXPECT_MESSAGES(config, "two words", " quoted # all of it ", "a", "b, c", "d", "", "line\nA");
    config_free(config);
}

Test(config_parser, addresses_replace_the_defaults_and_add_up)
{
    feed_file("f", "[server]\nlisten = 127.0.0.2, [::1]:4000\nlisten = 127.0.0.3:1\n");
    struct config *config = finish();
    cr_assert_eq(config->server.listen_count, 3);
    cr_assert_eq(config->server.listen[1].addr.port, 4000);
    config_free(config);
}

Test(config_parser, an_unknown_section_is_corrected_and_its_keys_are_not_judged)
{
    expect_bad("[sever]\nlisten = x\nttl = \"\n[banana]\n[]\n",
               "f:1:2: unknown section [sever] (did you mean [server]?)\n"
               "f:4:2: unknown section [banana]\n"
               "f:5:2: unknown section []\n");
}

Test(config_parser, a_broken_section_line_is_one_complaint)
{
    expect_bad("[server\nlisten = x\n [log] level = info\nlevel = nonsense\n",
               "f:1:1: ']' is missing\n"
               "f:3:8: only a comment may follow ']'\n"
               "f:4:9: bad value 'nonsense' for 'level': must be error, warning, info or debug\n");
}

Test(config_parser, an_unknown_key_is_corrected)
{
    expect_bad("[clients]\n  tll = 10s\nbanana = 1\n",
               "f:2:3: unknown key 'tll' in [clients] (did you mean 'ttl'?)\n"
               "f:3:1: unknown key 'banana' in [clients]\n");
}

Test(config_parser, keys_of_later_versions_are_unknown)
{
    expect_bad("[server]\nzones = 2\n[broadcast]\nencrypt = all\n",
               "f:2:1: unknown key 'zones' in [server]\n"
               "f:4:1: unknown key 'encrypt' in [broadcast]\n");
}

Test(config_parser, a_key_of_another_section_is_sent_there)
{
    expect_bad("[server]\nttl = 10s\n[log]\ngroup = x\nmode = echo\n",
               "f:2:1: 'ttl' belongs to [clients]\n"
               "f:4:1: 'group' belongs to [server] and [control]\n"
               "f:5:1: 'mode' belongs to [reply] and [control]\n");
}

Test(config_parser, a_key_needs_a_section)
{
    expect_bad("ttl = 10s\nbanana = 1\n", "f:1:1: 'ttl' belongs to [clients]\n"
                                          "f:2:1: 'banana' stands before the first [section]\n");
}

Test(config_parser, a_line_without_an_equals_sign_is_refused)
{
    expect_bad("[clients]\n  ttl 10s\n=5\n", "f:2:3: neither '[section]' nor 'key = value'\n"
                                             "f:3:1: the key is missing before '='\n");
}

Test(config_parser, a_missing_value_is_refused)
{
    expect_bad(
        "[clients]\nttl =\nmax =   # none\n[reply]\nmessage =\nmessage = a,,b\nmessage = c,\n"
        "[server]\nuser = \"\"\nlisten =\n",
        "f:2:6: 'ttl' has no value\n"
        "f:3:9: 'max' has no value\n"
        "f:5:10: 'message' has no value\n"
        "f:6:13: 'message' has no value\n"
        "f:7:13: 'message' has no value\n"
        "f:9:8: bad value '' for 'user': must not be empty\n"
        "f:10:9: 'listen' has no value\n");
}

Test(config_parser, an_empty_rotation_cannot_be_written)
{
    expect_bad("[reply]\nmode = rotate\nmessage =\n", "f:3:10: 'message' has no value\n");
}

Test(config_parser, values_out_of_range_are_refused)
{
    expect_bad("[clients]\nttl = 0s\nmax = 0\nsweep = 5ms\n[server]\nmax-datagram = 64k\n",
               "f:2:7: bad value '0s' for 'ttl': must be from 1ms to 4294967295ms\n"
               "f:3:7: bad value '0' for 'max': must be from 1 to 100000000\n"
               "f:4:9: bad value '5ms' for 'sweep': must be from 10ms to 1h\n"
               "f:6:16: bad value '64k' for 'max-datagram': must be from 1 to 65507\n");
}

Test(config_parser, bad_notations_are_refused)
{
    expect_bad("[clients]\nttl = 10\n[server]\nsend-buffer = 1x\nlisten = 127.0.0.1,1.2.3\n"
               "listen = tcp:224.0.0.1\n[control]\nmode = rw-rw----\n",
               "f:2:7: bad value '10' for 'ttl': a duration ends in ms, s, m, h or d\n"
               "f:4:15: bad value '1x' for 'send-buffer': a size ends in k, m, g or no unit\n"
               "f:5:20: bad value '1.2.3' for 'listen': not an IPv4 or IPv6 address\n"
               "f:6:10: bad value 'tcp:224.0.0.1' for 'listen': a multicast group has datagrams "
               "alone\n"
               "f:8:8: bad value 'rw-rw----' for 'mode': not an octal mode, such as 0660\n");
}

Test(config_parser, an_address_that_may_end_in_a_port_is_refused)
{
    feed_file("f", "[server]\nlisten = ::1:3000, ::1, [::1]:1, [2001:db8::1:3000], ::\n"
                   "listen = tcp:2001:db8::1:3000\n[admission]\npolicy = open\n");
    expect_refused("f:2:10: bad value '::1:3000' for 'listen': does it end in a port? write "
                   "[ADDRESS]:PORT, or [ADDRESS] alone\n"
                   "f:3:10: bad value 'tcp:2001:db8::1:3000' for 'listen': does it end in a port? "
                   "write [ADDRESS]:PORT, or [ADDRESS] alone\n");
}

Test(config_parser, bad_quotes_are_refused)
{
    expect_bad(
        "[reply]\nmessage = \"audi\nmessage = \"a\\q\"\nmessage = \"a\" b\nmode = \"echo\", x\n",
        "f:2:11: the quote is not closed\n"
        "f:3:13: not an escape: there are \\n \\t \\r \\\\ \\\" and \\xNN\n"
        "f:4:15: only ',' or a comment may follow the closing quote\n"
        "f:5:14: only a comment may follow the closing quote\n");
}

Test(config_parser, a_scalar_given_twice_is_refused)
{
    expect_bad("[clients]\nttl = 10s\n[log]\n[clients]\nttl = 10s\nttl = nonsense\n",
               "f:5:1: 'ttl' was given before, at f:2\n"
               "f:6:1: 'ttl' was given before, at f:2\n");
}

Test(config_parser, an_address_listed_twice_is_refused)
{
    expect_bad("[server]\nlisten = ::1, 127.0.0.1\nlisten = [::1]:3000\n",
               "f:3:10: bad value '[::1]:3000' for 'listen': listed twice\n");
}

Test(config_parser, a_message_too_long_is_refused_and_shown_cut)
{
    char line[65600] = "message = ";
    memset(line + 10, 'x', 65508);
    cr_assert(config_parser_file_begin(machine, "f"));
    feed("[reply]");
    feed(line);
    expect_refused("f:2:11: bad value 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' for "
                   "'message': 65508 bytes; a datagram holds at most 65507\n");
}

Test(config_parser, binary_garbage_is_refused_line_by_line)
{
    static const char GARBAGE[] = "\x7f"
                                  "ELF\x02\x01\0\0";
    cr_assert(config_parser_file_begin(machine, "f"));
    cr_assert_eq(config_parser_line(machine, GARBAGE, sizeof GARBAGE), CONFIG_NEXT);
    cr_assert_eq(config_parser_line(machine, "\0\0\0\0", 4), CONFIG_NEXT);
    cr_assert_eq(config_parser_line(machine, "\xff\xfe=\x80", 4), CONFIG_NEXT);
    expect_refused("f:1:1: a control character: this is not a text file\n"
                   "f:2:1: a control character: this is not a text file\n"
                   "f:3:1: '\\xff\\xfe' stands before the first [section]\n");
}

Test(config_parser, a_line_of_10_mb_is_refused)
{
    size_t size = 10 << 20;
    char *line = malloc(size);
    memset(line, 'x', size);
    cr_assert(config_parser_file_begin(machine, "f"));
    cr_assert_eq(config_parser_line(machine, line, size), CONFIG_NEXT);
    free(line);
    expect_refused("f:1:524289: a line of 10485760 bytes; the limit is 524288\n");
}

Test(config_parser, a_line_may_be_as_long_as_its_limit)
{
    char *line = malloc(CONFIG_LINE_BYTES_MAX + 1);
    memset(line, '#', CONFIG_LINE_BYTES_MAX + 1);
    cr_assert(config_parser_file_begin(machine, "f"));
    cr_assert_eq(config_parser_line(machine, line, CONFIG_LINE_BYTES_MAX), CONFIG_NEXT);
    cr_assert_eq(config_parser_line(machine, line, CONFIG_LINE_BYTES_MAX + 1), CONFIG_NEXT);
    free(line);
    expect_refused("f:2:524289: a line of 524289 bytes; the limit is 524288\n");
}

Test(config_parser, what_a_file_holds_is_shown_escaped)
{
    expect_bad("[reply]\nmode = \"\\x1b[31m\\n\"\n\xff = 1\n",
               "f:2:8: bad value '\\x1b[31m\\n' for 'mode': must be rotate, echo or none\n"
               "f:3:1: unknown key '\\xff' in [reply]\n");
}

Test(config_parser, a_file_is_named_escaped)
{
    feed_file("a\nb", "x");
    expect_refused("a\\nb:1:1: neither '[section]' nor 'key = value'\n");
}

Test(config_parser, complaints_beyond_100_are_counted)
{
    cr_assert(config_parser_file_begin(machine, "f"));
    for (int i = 0; i < 250; i++)
        feed("x");
    cr_assert_null(config_parser_finish(machine));
    size_t count, dropped;
    const struct config_diagnostic *diagnoses =
        config_parser_diagnostics(machine, &count, &dropped);
    cr_assert_eq(count, CONFIG_DIAGNOSTICS_MAX);
    cr_assert_eq(dropped, 150);
    cr_assert_eq(diagnoses[99].line, 100);
}

/* Feeds one line that is to be an include of path. */
static void expect_include(const char *line, const char *path)
{
    cr_assert_eq(config_parser_line(machine, line, strlen(line)), CONFIG_INCLUDE);
    cr_assert_str_eq(config_parser_include(machine), path);
}

Test(config_parser, an_include_is_handed_to_the_caller)
{
    cr_assert(config_parser_file_begin(machine, "f"));
    expect_include("include = conf.d/*.conf # all", "conf.d/*.conf");
    feed("[log]");
    expect_include("include=\"a # b\"", "a # b");
    expect_include("include = x # y", "x");
    config_parser_file_end(machine);
    config_free(finish());
}

Test(config_parser, an_included_file_begins_in_the_section_of_its_includer_who_finds_it_restored)
{
    cr_assert(config_parser_file_begin(machine, "f"));
    feed("[clients]");
    expect_include("include = g", "g");
    feed_file("g", "max = 7\n[log]\nlevel = error\n");
    feed("ttl = 1s");
    config_parser_file_end(machine);
    struct config *config = finish();
    cr_assert_eq(config->clients.max, 7);
    cr_assert_eq(config->clients.ttl_ms, 1000);
    cr_assert_eq(config->log.level, LOG_LEVEL_ERROR);
    config_free(config);
}

Test(config_parser, lines_are_counted_by_file)
{
    cr_assert(config_parser_file_begin(machine, "f"));
    feed("\n\nbad");
    expect_include("include = g", "g");
    feed_file("g", "\nbad\n");
    feed("bad");
    config_parser_file_end(machine);
    expect_refused("f:3:1: neither '[section]' nor 'key = value'\n"
                   "g:2:1: neither '[section]' nor 'key = value'\n"
                   "f:5:1: neither '[section]' nor 'key = value'\n");
}

Test(config_parser, a_scalar_given_in_two_files_names_the_first)
{
    feed_file("f", "[clients]\nttl = 1s\n");
    feed_file("g", "[clients]\nttl = 1s\n");
    expect_refused("g:2:1: 'ttl' was given before, at f:2\n");
}

Test(config_parser, the_caller_complains_about_an_include_where_it_stands)
{
    cr_assert(config_parser_file_begin(machine, "f"));
    config_parser_report(machine, "cannot be read");
    feed("\n");
    expect_include("  include =  g", "g");
    feed_file("g", "[log]\n");
    config_parser_report(machine, "loops");
    expect_refused("f:0:0: cannot be read\nf:2:14: loops\n");
}

Test(config_parser, an_include_needs_a_path)
{
    expect_bad("include =\ninclude = \"\"\ninclude = \"a\\x00b\"\n",
               "f:1:10: 'include' has no value\n"
               "f:2:11: 'include' takes a path or a pattern\n"
               "f:3:11: 'include' takes a path or a pattern\n");
}

Test(config_parser, the_command_line_wins_over_files)
{
    cr_assert(config_parser_override(machine, "-s", "control", "socket", "/tmp/# \"x"));
    cr_assert(config_parser_override(machine, "-l", "server", "listen", "127.0.0.1:1"));
    cr_assert(config_parser_override(machine, "-l", "server", "listen", "127.0.0.1:2"));
    feed_file("f", "[control]\nsocket = /run/other\nmode = 0600\n[server]\nlisten = 127.0.0.1:1\n");
    struct config *config = finish();
    cr_assert_str_eq(config->control.socket, "/tmp/# \"x");
    cr_assert_eq(config->control.mode, 0600);
    cr_assert_eq(config->server.listen_count, 2);
    cr_assert_eq(config->server.listen[0].addr.port, 1);
    cr_assert_eq(config->server.listen[1].addr.port, 2);
    cr_assert(config->server.listen_stated);
    config_free(config);
}

Test(config_parser, what_the_command_line_overrides_is_checked_all_the_same)
{
    cr_assert(config_parser_override(machine, "-l", "server", "listen", "127.0.0.1:1"));
    feed_file("f", "[server]\nlisten = nonsense\nlisten = ::1, ::1\n");
    expect_refused("f:2:10: bad value 'nonsense' for 'listen': not an IPv4 or IPv6 address\n"
                   "f:3:15: bad value '::1' for 'listen': listed twice\n");
}

Test(config_parser, bad_values_of_the_command_line_name_the_option)
{
    cr_assert(config_parser_override(machine, "-l", "server", "listen", "nonsense"));
    cr_assert(config_parser_override(machine, "-s", "control", "socket", "a"));
    cr_assert(config_parser_override(machine, "-s", "control", "socket", "b"));
    expect_refused("-l:0:0: bad value 'nonsense' for 'listen': not an IPv4 or IPv6 address\n"
                   "-s:0:0: 'socket' was given before\n");
}

Test(config_parser, two_machines_know_nothing_of_each_other)
{
    struct config_parser *other = config_parser_new();
    feed_file("f", "nonsense");
    struct config *config = config_parser_finish(other);
    cr_assert_not_null(config);
    config_free(config);
    config_parser_free(other);
    expect_refused("f:1:1: neither '[section]' nor 'key = value'\n");
}
