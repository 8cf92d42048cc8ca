/* The parser of configuration files: lines, values, diagnostics, includes, and overrides. */
#include "config_parser_fixture.h"

TestSuite(config_parser, .init = set_up, .fini = tear_down);

Test(config_parser, no_line_at_all_gives_the_defaults)
{
    struct config *config = finish();
    cr_assert_eq(config->clients.ttl_ms, 60000);
    cr_assert_eq(config->server.listen_count, 2);
    cr_assert_not(config->server.listen_given);
    config_free(config);
}

Test(config_parser, every_key_is_read)
{
    parse_file("f", "# a comment\n"
                    "\n"
                    "[server]\n"
                    "listen = 0.0.0.0:4000 ; after a value\n"
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
    cr_assert(config->server.listen_given);
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

Test(config_parser, a_section_may_be_repeated)
{
    parse_file("f", "[clients]\nttl = 1s\n[log]\nlevel = error\n[clients]\nmax = 7\n");
    struct config *config = finish();
    cr_assert_eq(config->clients.ttl_ms, 1000);
    cr_assert_eq(config->clients.max, 7);
    config_free(config);
}

Test(config_parser, a_byte_order_mark_is_skipped)
{
    parse_file("f", "\ufeff[server]\r\nlisten = 127.0.0.1:1\n\ufeff[clients]\nttl = 1h\n\ufeff\n");
    struct config *config = finish();
    cr_expect_eq(config->server.listen_count, 1);
    cr_expect_eq(config->clients.ttl_ms, 3600000);
    config_free(config);
}

Test(config_parser, a_byte_order_mark_does_not_move_columns)
{
    expect_errors("\ufeffnonsense\n[reply]\nmode = \ufeffecho\n",
                  "f:1:1: neither '[section]' nor 'key = value'\n"
                  "f:3:8: bad value '\\xef\\xbb\\xbfecho' for 'mode': must be rotate, echo or "
                  "none\n");
}

Test(config_parser, utf16_is_reported_as_such)
{
    cr_assert(config_parser_file_begin(parser, "f"));
    config_parser_line(parser, "\xff\xfe[\0s\0]\0\r\0", 10);
    config_parser_file_end(parser);
    expect_finish_fails("f:1:1: this is UTF-16: save the file as UTF-8\n");
}

Test(config_parser, messages_replace_the_defaults_and_add_up)
{
    parse_file("f", "[reply]\n"
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
    parse_file("f", "[server]\nlisten = 127.0.0.2, [::1]:4000\nlisten = 127.0.0.3:1\n");
    struct config *config = finish();
    cr_assert_eq(config->server.listen_count, 3);
    cr_assert_eq(config->server.listen[1].addr.port, 4000);
    config_free(config);
}

Test(config_parser, an_unknown_section_is_reported_with_a_suggestion_and_its_keys_are_ignored)
{
    expect_errors("[sever]\nlisten = x\nttl = \"\n[banana]\n[]\n",
                  "f:1:2: unknown section [sever] (did you mean [server]?)\n"
                  "f:4:2: unknown section [banana]\n"
                  "f:5:2: unknown section []\n");
}

Test(config_parser, a_section_line_with_an_error_is_one_diagnostic)
{
    expect_errors(
        "[server\nlisten = x\n [log] level = info\nlevel = nonsense\n",
        "f:1:1: ']' is missing\n"
        "f:3:8: only a comment may follow ']'\n"
        "f:4:9: bad value 'nonsense' for 'level': must be error, warning, info or debug\n");
}

Test(config_parser, an_unknown_key_is_reported_with_a_suggestion)
{
    expect_errors("[clients]\n  tll = 10s\nbanana = 1\n",
                  "f:2:3: unknown key 'tll' in [clients] (did you mean 'ttl'?)\n"
                  "f:3:1: unknown key 'banana' in [clients]\n");
}

Test(config_parser, keys_of_later_versions_are_unknown)
{
    expect_errors("[server]\nzones = 2\n[broadcast]\nencrypt = all\n",
                  "f:2:1: unknown key 'zones' in [server]\n"
                  "f:4:1: unknown key 'encrypt' in [broadcast]\n");
}

Test(config_parser, a_key_of_another_section_is_reported_with_its_section)
{
    expect_errors("[server]\nttl = 10s\n[log]\ngroup = x\nmode = echo\n",
                  "f:2:1: 'ttl' belongs to [clients]\n"
                  "f:4:1: 'group' belongs to [server] and [control]\n"
                  "f:5:1: 'mode' belongs to [reply] and [control] and [offload]\n");
}

Test(config_parser, a_key_needs_a_section)
{
    expect_errors("ttl = 10s\nbanana = 1\n", "f:1:1: 'ttl' belongs to [clients]\n"
                                             "f:2:1: 'banana' stands before the first [section]\n");
}

Test(config_parser, a_line_without_an_equals_sign_is_refused)
{
    expect_errors("[clients]\n  ttl 10s\n=5\n", "f:2:3: neither '[section]' nor 'key = value'\n"
                                                "f:3:1: the key is missing before '='\n");
}

Test(config_parser, a_missing_value_is_refused)
{
    expect_errors(
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
    expect_errors("[reply]\nmode = rotate\nmessage =\n", "f:3:10: 'message' has no value\n");
}

Test(config_parser, values_out_of_range_are_refused)
{
    expect_errors("[clients]\nttl = 0s\nmax = 0\nsweep = 5ms\n[server]\nmax-datagram = 64k\n",
                  "f:2:7: bad value '0s' for 'ttl': must be from 1ms to 4294967295ms\n"
                  "f:3:7: bad value '0' for 'max': must be from 1 to 100000000\n"
                  "f:4:9: bad value '5ms' for 'sweep': must be from 10ms to 1h\n"
                  "f:6:16: bad value '64k' for 'max-datagram': must be from 1 to 65507\n");
}

Test(config_parser, bad_notations_are_refused)
{
    expect_errors("[clients]\nttl = 10\n[server]\nsend-buffer = 1x\nlisten = 127.0.0.1,1.2.3\n"
                  "listen = tcp:224.0.0.1\n[control]\nmode = rw-rw----\n",
                  "f:2:7: bad value '10' for 'ttl': a duration ends in ms, s, m, h or d\n"
                  "f:4:15: bad value '1x' for 'send-buffer': a size ends in k, m, g or no unit\n"
                  "f:5:20: bad value '1.2.3' for 'listen': not an IPv4 or IPv6 address\n"
                  "f:6:10: bad value 'tcp:224.0.0.1' for 'listen': a multicast group cannot be "
                  "used with TCP\n"
                  "f:8:8: bad value 'rw-rw----' for 'mode': not an octal mode, such as 0660\n");
}

Test(config_parser, an_address_that_may_end_in_a_port_is_refused)
{
    parse_file("f", "[server]\nlisten = ::1:3000, ::1, [::1]:1, [2001:db8::1:3000], ::\n"
                    "listen = tcp:2001:db8::1:3000\n[admission]\npolicy = open\n");
    expect_finish_fails(
        "f:2:10: bad value '::1:3000' for 'listen': it may end in a port: write "
        "[ADDRESS]:PORT or [ADDRESS]\n"
        "f:3:10: bad value 'tcp:2001:db8::1:3000' for 'listen': it may end in a port: "
        "write [ADDRESS]:PORT or [ADDRESS]\n");
}

Test(config_parser, bad_quotes_are_refused)
{
    expect_errors(
        "[reply]\nmessage = \"audi\nmessage = \"a\\q\"\nmessage = \"a\" b\nmode = \"echo\", x\n",
        "f:2:11: the quote is not closed\n"
        "f:3:13: unknown escape sequence: the known ones are \\n \\t \\r \\\\ \\\" and \\xNN\n"
        "f:4:15: only ',' or a comment may follow the closing quote\n"
        "f:5:14: only a comment may follow the closing quote\n");
}

Test(config_parser, a_scalar_given_twice_is_refused)
{
    expect_errors("[clients]\nttl = 10s\n[log]\n[clients]\nttl = 10s\nttl = nonsense\n",
                  "f:5:1: 'ttl' was given before, at f:2\n"
                  "f:6:1: 'ttl' was given before, at f:2\n");
}

Test(config_parser, an_address_listed_twice_is_refused)
{
    expect_errors("[server]\nlisten = ::1, 127.0.0.1\nlisten = [::1]:3000\n",
                  "f:3:10: bad value '[::1]:3000' for 'listen': listed twice\n");
}

Test(config_parser, a_message_too_long_is_refused_and_shown_truncated)
{
    char line[65600] = "message = ";
    memset(line + 10, 'x', 65508);
    cr_assert(config_parser_file_begin(parser, "f"));
    parse_lines("[reply]");
    parse_lines(line);
    expect_finish_fails("f:2:11: bad value 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' for "
                        "'message': 65508 bytes; a datagram holds at most 65507\n");
}

Test(config_parser, binary_garbage_is_refused_line_by_line)
{
    static const char GARBAGE[] = "\x7f"
                                  "ELF\x02\x01\0\0";
    cr_assert(config_parser_file_begin(parser, "f"));
    cr_assert_eq(config_parser_line(parser, GARBAGE, sizeof GARBAGE), CONFIG_NEXT);
    cr_assert_eq(config_parser_line(parser, "\0\0\0\0", 4), CONFIG_NEXT);
    cr_assert_eq(config_parser_line(parser, "\xff\xfe=\x80", 4), CONFIG_NEXT);
    expect_finish_fails("f:1:1: a control character: this is not a text file\n"
                        "f:2:1: a control character: this is not a text file\n"
                        "f:3:1: '\\xff\\xfe' stands before the first [section]\n");
}

Test(config_parser, a_line_of_10_mb_is_refused)
{
    size_t size = 10 << 20;
    char *line = malloc(size);
    memset(line, 'x', size);
    cr_assert(config_parser_file_begin(parser, "f"));
    cr_assert_eq(config_parser_line(parser, line, size), CONFIG_NEXT);
    free(line);
    expect_finish_fails("f:1:524289: a line of 10485760 bytes; the limit is 524288\n");
}

Test(config_parser, a_line_may_be_as_long_as_its_limit)
{
    char *line = malloc(CONFIG_LINE_BYTES_MAX + 1);
    memset(line, '#', CONFIG_LINE_BYTES_MAX + 1);
    cr_assert(config_parser_file_begin(parser, "f"));
    cr_assert_eq(config_parser_line(parser, line, CONFIG_LINE_BYTES_MAX), CONFIG_NEXT);
    cr_assert_eq(config_parser_line(parser, line, CONFIG_LINE_BYTES_MAX + 1), CONFIG_NEXT);
    free(line);
    expect_finish_fails("f:2:524289: a line of 524289 bytes; the limit is 524288\n");
}

Test(config_parser, contents_of_a_file_are_shown_escaped)
{
    expect_errors("[reply]\nmode = \"\\x1b[31m\\n\"\n\xff = 1\n",
                  "f:2:8: bad value '\\x1b[31m\\n' for 'mode': must be rotate, echo or none\n"
                  "f:3:1: unknown key '\\xff' in [reply]\n");
}

Test(config_parser, the_name_of_a_file_is_shown_escaped)
{
    parse_file("a\nb", "x");
    expect_finish_fails("a\\nb:1:1: neither '[section]' nor 'key = value'\n");
}

Test(config_parser, diagnostics_above_100_are_only_counted)
{
    cr_assert(config_parser_file_begin(parser, "f"));
    for (int i = 0; i < 250; i++)
        parse_lines("x");
    cr_assert_null(config_parser_finish(parser));
    size_t count, dropped;
    const struct config_diagnostic *diagnostics =
        config_parser_diagnostics(parser, &count, &dropped);
    cr_assert_eq(count, CONFIG_DIAGNOSTICS_MAX);
    cr_assert_eq(dropped, 150);
    cr_assert_eq(diagnostics[99].line, 100);
}

/* Parses one line that must be an include of path. */
static void expect_include(const char *line, const char *path)
{
    cr_assert_eq(config_parser_line(parser, line, strlen(line)), CONFIG_INCLUDE);
    cr_assert_str_eq(config_parser_include_path(parser), path);
}

Test(config_parser, an_include_is_returned_to_the_caller)
{
    cr_assert(config_parser_file_begin(parser, "f"));
    expect_include("include = conf.d/*.conf # all", "conf.d/*.conf");
    parse_lines("[log]");
    expect_include("include=\"a # b\"", "a # b");
    expect_include("include = x # y", "x");
    config_parser_file_end(parser);
    config_free(finish());
}

Test(config_parser,
     an_included_file_begins_in_the_section_of_the_include_which_is_restored_after_it)
{
    cr_assert(config_parser_file_begin(parser, "f"));
    parse_lines("[clients]");
    expect_include("include = g", "g");
    parse_file("g", "max = 7\n[log]\nlevel = error\n");
    parse_lines("ttl = 1s");
    config_parser_file_end(parser);
    struct config *config = finish();
    cr_assert_eq(config->clients.max, 7);
    cr_assert_eq(config->clients.ttl_ms, 1000);
    cr_assert_eq(config->log.level, LOG_LEVEL_ERROR);
    config_free(config);
}

Test(config_parser, lines_are_counted_by_file)
{
    cr_assert(config_parser_file_begin(parser, "f"));
    parse_lines("\n\nbad");
    expect_include("include = g", "g");
    parse_file("g", "\nbad\n");
    parse_lines("bad");
    config_parser_file_end(parser);
    expect_finish_fails("f:3:1: neither '[section]' nor 'key = value'\n"
                        "g:2:1: neither '[section]' nor 'key = value'\n"
                        "f:5:1: neither '[section]' nor 'key = value'\n");
}

Test(config_parser, a_scalar_given_in_two_files_is_reported_with_the_first)
{
    parse_file("f", "[clients]\nttl = 1s\n");
    parse_file("g", "[clients]\nttl = 1s\n");
    expect_finish_fails("g:2:1: 'ttl' was given before, at f:2\n");
}

Test(config_parser, an_error_of_the_caller_has_the_location_of_the_include)
{
    cr_assert(config_parser_file_begin(parser, "f"));
    config_parser_add_error(parser, "cannot be read");
    parse_lines("\n");
    expect_include("  include =  g", "g");
    parse_file("g", "[log]\n");
    config_parser_add_error(parser, "loops");
    expect_finish_fails("f:0:0: cannot be read\nf:2:14: loops\n");
}

Test(config_parser, an_include_needs_a_path)
{
    expect_errors("include =\ninclude = \"\"\ninclude = \"a\\x00b\"\n",
                  "f:1:10: 'include' has no value\n"
                  "f:2:11: 'include' takes a path or a pattern\n"
                  "f:3:11: 'include' takes a path or a pattern\n");
}

Test(config_parser, the_command_line_overrides_files)
{
    cr_assert(config_parser_override(parser, "-s", "control", "socket", "/tmp/# \"x"));
    cr_assert(config_parser_override(parser, "-l", "server", "listen", "127.0.0.1:1"));
    cr_assert(config_parser_override(parser, "-l", "server", "listen", "127.0.0.1:2"));
    parse_file("f",
               "[control]\nsocket = /run/other\nmode = 0600\n[server]\nlisten = 127.0.0.1:1\n");
    struct config *config = finish();
    cr_assert_str_eq(config->control.socket, "/tmp/# \"x");
    cr_assert_eq(config->control.mode, 0600);
    cr_assert_eq(config->server.listen_count, 2);
    cr_assert_eq(config->server.listen[0].addr.port, 1);
    cr_assert_eq(config->server.listen[1].addr.port, 2);
    cr_assert(config->server.listen_given);
    config_free(config);
}

Test(config_parser, values_that_the_command_line_overrides_are_checked)
{
    cr_assert(config_parser_override(parser, "-l", "server", "listen", "127.0.0.1:1"));
    parse_file("f", "[server]\nlisten = nonsense\nlisten = ::1, ::1\n");
    expect_finish_fails("f:2:10: bad value 'nonsense' for 'listen': not an IPv4 or IPv6 address\n"
                        "f:3:15: bad value '::1' for 'listen': listed twice\n");
}

Test(config_parser, bad_values_on_the_command_line_are_reported_with_the_option)
{
    cr_assert(config_parser_override(parser, "-l", "server", "listen", "nonsense"));
    cr_assert(config_parser_override(parser, "-s", "control", "socket", "a"));
    cr_assert(config_parser_override(parser, "-s", "control", "socket", "b"));
    expect_finish_fails("-l:0:0: bad value 'nonsense' for 'listen': not an IPv4 or IPv6 address\n"
                        "-s:0:0: 'socket' was given before\n");
}

Test(config_parser, two_parsers_are_independent)
{
    struct config_parser *other = config_parser_new();
    parse_file("f", "nonsense");
    struct config *config = config_parser_finish(other);
    cr_assert_not_null(config);
    config_free(config);
    config_parser_free(other);
    expect_finish_fails("f:1:1: neither '[section]' nor 'key = value'\n");
}
