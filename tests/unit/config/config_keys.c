/* The table of configuration keys: finding keys, printing values, and keys that need a restart. */
#include "config/config_defaults.h"
#include "config/config_parser.h"
#include "config_key_fixture.h"

#include <stdio.h>
#include <stdlib.h>

TestSuite(config_keys, .init = set_up, .fini = tear_down);

Test(config_keys, the_keys_of_a_section_are_adjacent)
{
    const struct config_key *keys = config_keys();
    for (size_t i = 1; i < CONFIG_KEY_COUNT; i++) {
        bool begins = strcmp(keys[i].section, keys[i - 1].section) != 0;
        for (size_t j = 0; begins && j < i; j++)
            cr_expect_str_neq(keys[i].section, keys[j].section);
    }
}

Test(config_keys, keys_and_sections_are_found_by_name)
{
    cr_assert_eq(config_key_find("server", "listen"), config_keys());
    cr_assert_str_eq(config_key_find("control", "mode")->section, "control");
    cr_assert_null(config_key_find("server", "mode"));
    cr_assert_null(config_key_find("", ""));
    cr_assert_str_eq(config_section_find("log"), "log");
    cr_assert_null(config_section_find("LOG"));
}

Test(config_keys, suggestions_come_from_the_same_section)
{
    cr_assert_str_eq(config_section_nearest("sever"), "server");
    cr_assert_null(config_section_nearest("workers"));
    cr_assert_str_eq(config_key_nearest("clients", "tll"), "ttl");
    cr_assert_null(config_key_nearest("log", "tll"));
    cr_assert_str_eq(config_key_nearest("log", "inculde"), "include");
}

Test(config_keys, the_sections_of_a_name_are_listed)
{
    char sections[CONFIG_SECTIONS_BYTES];
    cr_assert(config_key_sections("ttl", sections));
    cr_assert_str_eq(sections, "[clients]");
    cr_assert(config_key_sections("mode", sections));
    cr_assert_str_eq(sections, "[reply] and [control]");
    cr_assert_not(config_key_sections("banana", sections));
}

/* Writes the arguments of a callback as a line "section.key=value". */
static void collect(void *state, const char *section, const char *key, const char *value)
{
    char *text = state;
    strcat(strcat(strcat(text, section), "."), key);
    if (value)
        strcat(strcat(text, "="), value);
    strcat(text, "\n");
}

Test(config_keys, for_each_value_reports_each_key_with_its_value)
{
    char text[4096] = "";
    cr_assert(config_for_each_value(config, collect, text));
    cr_assert_str_eq(text, "server.listen=127.0.0.1:3000\n"
                           "server.listen=[::1]:3000\n"
                           "server.missing-address=fail\n"
                           "server.workers=1\n"
                           "server.user\n"
                           "server.group\n"
                           "server.max-datagram=2k\n"
                           "server.receive-buffer=4m\n"
                           "server.send-buffer=128k\n"
                           "server.stream-max=1024\n"
                           "server.stream-buffer=256k\n"
                           "server.stream-idle=10m\n"
                           "server.stream-framing=line\n"
                           "reply.mode=rotate\n"
                           "reply.message=audi\n"
                           "reply.message=toyota\n"
                           "reply.message=bmw\n"
                           "clients.max=1000000\n"
                           "clients.ttl=1m\n"
                           "clients.sweep=1s\n"
                           "broadcast.rate=0\n"
                           "broadcast.queue=64\n"
                           "broadcast.relay=off\n"
                           "broadcast.relay-rate=10\n"
                           "broadcast.multicast\n"
                           "broadcast.multicast-ttl=1\n"
                           "broadcast.multicast-interface\n"
                           "admission.policy\n"
                           "admission.allow\n"
                           "admission.deny\n"
                           "admission.per-prefix=0\n"
                           "admission.rate=0\n"
                           "admission.burst=0\n"
                           "admission.dry-run=off\n"
                           "control.socket\n"
                           "control.mode=0660\n"
                           "control.group\n"
                           "log.level=info\n"
                           "log.format=text\n"
                           "log.target=stderr\n");
}

static void write_line(void *state, const char *section, const char *key, const char *value)
{
    FILE *stream = state;
    if (value)
        fprintf(stream, "[%s]\n%s = %s\n", section, key, value);
}

static char *print(const struct config *printed)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    cr_assert(config_for_each_value(printed, write_line, stream));
    fclose(stream);
    return text;
}

static struct config *read_back(const char *text)
{
    struct config_parser *parser = config_parser_new();
    config_parser_file_begin(parser, "printed");
    for (size_t length; *text; text += length + 1) {
        length = strcspn(text, "\n");
        cr_assert_eq(config_parser_line(parser, text, length), CONFIG_NEXT);
    }
    config_parser_file_end(parser);
    struct config *read = config_parser_finish(parser);
    size_t count, dropped;
    const struct config_diagnostic *wrong = config_parser_diagnostics(parser, &count, &dropped);
    cr_assert_not_null(read, "%s", count ? wrong->text : "no memory");
    config_parser_free(parser);
    return read;
}

Test(config_keys, printed_values_are_parsed_to_the_same_values)
{
    static const char *const MESSAGES[] = {
        "plain", "two words", " led", "trailed ",   "\ttab",     "a,b", "#",
        "a #b",  ";",         "a\\n", "\"quoted\"", "say \"x\"", "\n",  "\r",
        ",",     "h\xc3\xa9", "\x7f", "=",          "[x]",
    };
    char reason[CONFIG_REASON_BYTES];
    const struct config_key *message = config_key_find("reply", "message");
    for (size_t i = 0; i < COUNT(MESSAGES); i++)
        expect_set("reply", "message", MESSAGES[i]);
    cr_assert_eq(config_key_set(message, config, "", 0, reason), 0);
    for (int byte = 0; byte < 256; byte++) {
        char bytes[] = {(char)byte, '\0'};
        cr_assert_eq(config_key_set(message, config, bytes, 1, reason), 0);
    }
    expect_set("server", "listen", "[fe80::1%eth0]:3000");
    expect_set("server", "listen", "0.0.0.0:0");
    expect_set("server", "workers", "auto");
    expect_set("server", "listen", "239.1.2.3%eth0:3000");
    expect_set("server", "listen", "239.1.2.3%7:3000");
    expect_set("server", "listen", "tcp:[fe80::1%eth0]:3000");
    expect_set("server", "listen", "unix:/run/a,b;c#d");
    expect_set("broadcast", "multicast", "239.1.2.3%eth0:3000");
    expect_set("server", "user", "some one, \"#1\"");
    expect_set("clients", "ttl", "1500ms");
    expect_set("admission", "policy", "cookie");
    expect_set("admission", "allow", "192.0.2.0/24");
    expect_set("admission", "allow", "2001:db8::/32");
    expect_set("admission", "deny", "192.0.2.7");
    expect_set("admission", "per-prefix", "9");
    expect_set("admission", "rate", "20");
    expect_set("admission", "burst", "40");
    expect_set("admission", "dry-run", "on");
    expect_set("control", "socket", "/tmp/a b;c");
    expect_set("control", "mode", "0007");

    char *text = print(config);
    struct config *read = read_back(text);
    cr_assert_eq(read->reply.message_count, config->reply.message_count);
    for (size_t i = 0; i < read->reply.message_count; i++) {
        const struct message *a = &config->reply.messages[i], *b = &read->reply.messages[i];
        cr_expect_eq(a->size, b->size);
        cr_expect_arr_eq(a->bytes, b->bytes, a->size);
    }
    cr_expect_eq(read->server.workers, CONFIG_WORKERS_AUTO);
    cr_expect_str_eq(read->server.user, config->server.user);
    cr_expect_str_eq(read->control.socket, config->control.socket);
    char *again = print(read);
    cr_assert_str_eq(text, again);
    free(text);
    free(again);
    config_free(read);
}

Test(config_keys, the_longest_message_is_parsed_with_every_byte_escaped)
{
    static char bytes[CONFIG_MESSAGE_BYTES_MAX + 1];
    char reason[CONFIG_REASON_BYTES];
    memset(bytes, 0xff, sizeof bytes - 1);
    config_clear_messages(config);
    cr_assert_eq(config_key_set(config_key_find("reply", "message"), config, bytes,
                                CONFIG_MESSAGE_BYTES_MAX, reason),
                 0);
    char *text = print(config);
    struct config *read = read_back(text);
    cr_assert_eq(read->reply.message_count, 1);
    cr_assert_eq(read->reply.messages[0].size, CONFIG_MESSAGE_BYTES_MAX);
    cr_assert_arr_eq(read->reply.messages[0].bytes, bytes, CONFIG_MESSAGE_BYTES_MAX);
    free(text);
    config_free(read);
}

static void expect_restart(const char *expected)
{
    struct config *defaults = config_defaults();
    char text[1024] = "";
    cr_assert(config_for_each_restart_key(defaults, config, collect, text));
    cr_expect_str_eq(text, expected);
    text[0] = '\0';
    cr_assert(config_for_each_restart_key(config, defaults, collect, text));
    cr_expect_str_eq(text, expected);
    config_free(defaults);
}

Test(config_keys, unchanged_keys_need_no_restart)
{
    expect_restart("");
    config->server.listen_given = true;
    expect_restart("");
}

Test(config_keys, keys_that_a_reload_applies_need_no_restart)
{
    config_clear_messages(config);
    expect_set("reply", "mode", "echo");
    expect_set("clients", "ttl", "1s");
    expect_set("clients", "sweep", "1m");
    expect_set("broadcast", "rate", "1");
    expect_set("broadcast", "queue", "1");
    expect_set("broadcast", "relay", "others");
    expect_set("broadcast", "relay-rate", "0");
    expect_set("admission", "policy", "open");
    expect_set("admission", "allow", "::/0");
    expect_set("admission", "deny", "192.0.2.0/24");
    expect_set("admission", "per-prefix", "1");
    expect_set("admission", "rate", "1");
    expect_set("admission", "burst", "1");
    expect_set("admission", "dry-run", "on");
    expect_set("log", "level", "debug");
    expect_set("log", "format", "json");
    expect_set("log", "target", "syslog");
    expect_restart("");
}

Test(config_keys, each_key_that_needs_a_restart_is_reported)
{
    config_clear_listen(config);
    expect_set("server", "listen", "127.0.0.1:3000");
    expect_set("server", "listen", "[::1]:3001");
    expect_set("server", "workers", "auto");
    expect_set("server", "user", "u");
    expect_set("server", "group", "g");
    expect_set("server", "max-datagram", "1");
    expect_set("server", "receive-buffer", "8k");
    expect_set("server", "send-buffer", "64k");
    expect_set("server", "stream-max", "8");
    expect_set("server", "stream-buffer", "8k");
    expect_set("server", "stream-idle", "8s");
    expect_set("server", "stream-framing", "chunk");
    expect_set("server", "missing-address", "wait");
    expect_set("clients", "max", "1");
    expect_set("broadcast", "multicast", "239.1.2.3:3000");
    expect_set("broadcast", "multicast-ttl", "2");
    expect_set("broadcast", "multicast-interface", "eth0");
    expect_set("control", "socket", "s");
    expect_set("control", "mode", "0600");
    expect_set("control", "group", "g");
    expect_restart("server.listen\nserver.missing-address\nserver.workers\nserver.user\nserver."
                   "group\nserver.max-datagram\n"
                   "server.receive-buffer\nserver.send-buffer\nserver.stream-max\n"
                   "server.stream-buffer\nserver.stream-idle\nserver.stream-framing\n"
                   "clients.max\n"
                   "broadcast.multicast\nbroadcast.multicast-ttl\n"
                   "broadcast.multicast-interface\ncontrol.socket\ncontrol.mode\ncontrol.group\n");
}

Test(config_keys, an_additional_listener_needs_a_restart)
{
    expect_set("server", "listen", "127.0.0.2:3000");
    expect_restart("server.listen\n");
}
