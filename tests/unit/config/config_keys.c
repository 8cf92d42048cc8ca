#include "config/config_keys.h"
#include "config/config_parser.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct config *config;

static void begin(void)
{
    config = config_defaults();
}

static void end(void)
{
    config_free(config);
}

TestSuite(config_keys, .init = begin, .fini = end);

/* Sets a key of config; NULL, or the reason why not. */
static const char *set(const char *section, const char *name, const char *value)
{
    static char reason[CONFIG_REASON_BYTES];
    const struct config_key *key = config_key_find(section, name);
    cr_assert_not_null(key);
    int result = config_key_set(key, config, value, strlen(value), reason);
    return result ? reason : NULL;
}

static void expect_set(const char *section, const char *name, const char *value)
{
    const char *reason = set(section, name, value);
    cr_expect_null(reason, "%s = %s: %s", name, value, reason);
}

static void expect_refused(const char *section, const char *name, const char *value,
                           const char *expected)
{
    const char *reason = set(section, name, value);
    cr_assert_not_null(reason, "%s = %s", name, value);
    cr_expect_str_eq(reason, expected);
}

Test(config_keys, a_section_stands_in_one_piece)
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
    char owners[CONFIG_OWNERS_BYTES];
    cr_assert(config_key_owners("ttl", owners));
    cr_assert_str_eq(owners, "[clients]");
    cr_assert(config_key_owners("mode", owners));
    cr_assert_str_eq(owners, "[reply] and [control]");
    cr_assert_not(config_key_owners("banana", owners));
}

Test(config_keys, numbers_have_ranges)
{
    static const struct {
        const char *section, *name, *low, *high, *below, *above, *reason;
    } RANGES[] = {
        {"server", "workers", "1", "256", "0", "257", "must be auto, or a number from 1 to 256"},
        {"server", "max-datagram", "1", "65507", "0", "65508", "must be from 1 to 65507"},
        {"server", "receive-buffer", "4k", "1g", "4095", "2g", "must be from 4k to 1g"},
        {"server", "send-buffer", "64k", "1g", "65535", "1073741825", "must be from 64k to 1g"},
        {"clients", "max", "1", "100000000", "0", "100000001", "must be from 1 to 100000000"},
        {"clients", "ttl", "1ms", "4294967295ms", "0s", "4294967296ms",
         "must be from 1ms to 4294967295ms"},
        {"clients", "sweep", "10ms", "1h", "9ms", "61m", "must be from 10ms to 1h"},
        {"broadcast", "rate", "0", "4294967295", NULL, "4294967296",
         "must be from 0 to 4294967295"},
        {"broadcast", "queue", "1", "65536", "0", "65537", "must be from 1 to 65536"},
        {"broadcast", "relay-rate", "0", "1000000", NULL, "1000001", "must be from 0 to 1000000"},
        {"broadcast", "multicast-ttl", "0", "255", NULL, "256", "must be from 0 to 255"},
        {"server", "stream-max", "1", "100000", "0", "100001", "must be from 1 to 100000"},
        {"server", "stream-buffer", "4k", "64m", "4095", "65m", "must be from 4k to 64m"},
        {"server", "stream-idle", "1s", "4294967295ms", "999ms", "4294967296ms",
         "must be from 1s to 4294967295ms"},
        {"admission", "per-prefix", "0", "100000000", NULL, "100000001",
         "must be from 0 to 100000000"},
        {"admission", "rate", "0", "1000000", NULL, "1000001", "must be from 0 to 1000000"},
        {"admission", "burst", "0", "1000000", NULL, "1000001", "must be from 0 to 1000000"},
        {"control", "mode", "0000", "777", NULL, "1777", "must be from 0000 to 0777"},
    };
    for (size_t i = 0; i < COUNT(RANGES); i++) {
        expect_set(RANGES[i].section, RANGES[i].name, RANGES[i].low);
        expect_set(RANGES[i].section, RANGES[i].name, RANGES[i].high);
        if (RANGES[i].below)
            expect_refused(RANGES[i].section, RANGES[i].name, RANGES[i].below, RANGES[i].reason);
        expect_refused(RANGES[i].section, RANGES[i].name, RANGES[i].above, RANGES[i].reason);
    }
    cr_assert_eq(config->clients.ttl_ms, UINT32_MAX);
    cr_assert_eq(config->broadcast.rate_pps, UINT32_MAX);
    cr_assert_eq(config->control.mode, 0777);
}

Test(config_keys, workers_are_a_number_or_auto)
{
    cr_assert_eq(config->server.workers, 1);
    expect_set("server", "workers", "auto");
    cr_assert_eq(config->server.workers, CONFIG_WORKERS_AUTO);
    expect_refused("server", "workers", "many", "must be auto, or a number from 1 to 256");
    expect_refused("server", "workers", "AUTO", "must be auto, or a number from 1 to 256");
    expect_refused("server", "workers", "", "must be auto, or a number from 1 to 256");
    cr_assert_eq(config->server.workers, CONFIG_WORKERS_AUTO);
    expect_set("server", "workers", "4");
    cr_assert_eq(config->server.workers, 4);
}

Test(config_keys, bad_notations_are_refused_and_leave_the_value)
{
    expect_refused("clients", "max", "many", "not a number");
    expect_refused("clients", "max", "1k", "not a number");
    expect_refused("clients", "ttl", "10", "a duration ends in ms, s, m, h or d");
    expect_refused("clients", "ttl", "10y", "a duration ends in ms, s, m, h or d");
    expect_refused("clients", "ttl", "", "not a number");
    expect_refused("server", "max-datagram", "2kb", "a size ends in k, m, g or no unit");
    expect_refused("control", "mode", "0680", "not an octal mode, such as 0660");
    expect_refused("control", "mode", "6", "not an octal mode, such as 0660");
    expect_refused("control", "mode", "00660", "not an octal mode, such as 0660");
    expect_refused("control", "mode", "rw", "not an octal mode, such as 0660");
    cr_assert_eq(config->clients.max, 1000000);
    cr_assert_eq(config->clients.ttl_ms, 60000);
    cr_assert_eq(config->control.mode, 0660);
}

Test(config_keys, a_negative_number_is_out_of_range_in_every_notation)
{
    expect_refused("clients", "max", "-1", "must be from 1 to 100000000");
    expect_refused("broadcast", "rate", "-1", "must be from 0 to 4294967295");
    expect_refused("clients", "ttl", "-5s", "must be from 1ms to 4294967295ms");
    expect_refused("server", "max-datagram", "-2k", "must be from 1 to 65507");
    expect_refused("control", "mode", "-660", "must be from 0000 to 0777");
    expect_refused("server", "workers", "-1", "must be auto, or a number from 1 to 256");
    expect_refused("clients", "max", "-", "not a number");
    expect_refused("clients", "max", "--1", "not a number");
    expect_refused("clients", "ttl", "-5y", "must not be negative");
    cr_assert_eq(config->clients.max, 1000000);
    cr_assert_eq(config->clients.ttl_ms, 60000);
}

Test(config_keys, enumerations_have_words)
{
    expect_set("reply", "mode", "echo");
    cr_assert_eq(config->reply.mode, REPLY_ECHO);
    expect_set("reply", "mode", "none");
    cr_assert_eq(config->reply.mode, REPLY_NONE);
    expect_set("reply", "mode", "rotate");
    cr_assert_eq(config->reply.mode, REPLY_ROTATE);
    expect_set("admission", "policy", "open");
    cr_assert_eq(config->admission.policy, POLICY_OPEN);
    expect_set("log", "level", "error");
    cr_assert_eq(config->log.level, LOG_LEVEL_ERROR);
    expect_set("log", "level", "debug");
    cr_assert_eq(config->log.level, LOG_LEVEL_DEBUG);
    expect_set("log", "format", "json");
    cr_assert_eq(config->log.format, LOG_FORMAT_JSON);
    expect_set("log", "target", "syslog");
    cr_assert_eq(config->log.target, LOG_TARGET_SYSLOG);
}

Test(config_keys, other_words_are_refused_with_what_was_meant)
{
    expect_refused("reply", "mode", "rotat",
                   "must be rotate, echo or none (did you mean 'rotate'?)");
    expect_refused("reply", "mode", "banana", "must be rotate, echo or none");
    expect_set("admission", "policy", "cookie");
    cr_assert_eq(config->admission.policy, POLICY_COOKIE);
    expect_refused("admission", "policy", "closed", "must be open or cookie");
    expect_set("admission", "dry-run", "on");
    cr_assert_eq(config->admission.dry_run, 1);
    expect_refused("admission", "dry-run", "yes", "must be off or on");
    expect_refused("log", "target", "Syslog", "must be stderr or syslog (did you mean 'syslog'?)");
    expect_refused("log", "level", "", "must be error, warning, info or debug");
}

Test(config_keys, strings_have_a_longest_length)
{
    char path[109];
    memset(path, 'x', sizeof path);
    path[108] = '\0';
    expect_refused("control", "socket", path, "longer than 107 bytes");
    path[107] = '\0';
    expect_set("control", "socket", path);
    cr_assert_str_eq(config->control.socket, path);
    expect_set("control", "socket", "/run/x");
    cr_assert_str_eq(config->control.socket, "/run/x");
    expect_refused("server", "user", "", "must not be empty");
    cr_assert_null(config->server.user);
}

Test(config_keys, a_nul_byte_is_good_for_messages_alone)
{
    char reason[CONFIG_REASON_BYTES];
    cr_assert_neq(config_key_set(config_key_find("server", "user"), config, "a\0b", 3, reason), 0);
    cr_assert_str_eq(reason, "a NUL byte");
    cr_assert_eq(config_key_set(config_key_find("reply", "message"), config, "a\0b", 3, reason), 0);
    cr_assert_eq(config->reply.messages[3].size, 3);
}

Test(config_keys, listen_takes_addresses_of_this_host)
{
    config_clear_listen(config);
    expect_set("server", "listen", "127.0.0.1");
    expect_set("server", "listen", "127.0.0.1:0");
    expect_set("server", "listen", "127.0.0.1:0"); /* the kernel picks two ports */
    expect_set("server", "listen", "[fe80::1%eth0]:3000");
    expect_set("server", "listen", "[fe80::1%eth1]:3000");
    expect_set("server", "listen", "[fe80::1%2]:3000");
    cr_assert_eq(config->server.listen_count, 6);
    cr_assert_eq(config->server.listen[0].addr.port, 3000);
    cr_assert_str_eq(config->server.listen[3].zone, "eth0");
    cr_assert(config->server.listen_stated);

    expect_refused("server", "listen", "127.0.0.1:3000", "listed twice");
    expect_refused("server", "listen", "[fe80::1%eth1]", "listed twice");
    expect_refused("server", "listen", "localhost", "not an IPv4 or IPv6 address");
    expect_refused("server", "listen", "::ffff:1.2.3.4",
                   "an IPv4-mapped address: write it as IPv4, such as 192.0.2.1:3000");
    expect_refused("server", "listen", "fe80::1",
                   "a link-local address needs its interface, as in [fe80::1%eth0]:3000");
    cr_assert_eq(config->server.listen_count, 6);
}

Test(config_keys, listen_takes_groups_with_or_without_their_interface)
{
    config_clear_listen(config);
    expect_set("server", "listen", "239.1.2.3");
    expect_set("server", "listen", "239.1.2.3%eth0:3000");
    expect_set("server", "listen", "239.1.2.3%7:3000");
    expect_set("server", "listen", "[ff02::1%eth0]:3000");
    expect_set("server", "listen", "[ff05::2]:3000");
    cr_assert_eq(config->server.listen[0].addr.port, 3000);
    cr_assert_str_eq(config->server.listen[1].zone, "eth0");
    cr_assert_eq(config->server.listen[2].addr.scope, 7);
    cr_assert_str_eq(config->server.listen[3].zone, "eth0");

    expect_refused("server", "listen", "239.1.2.3%eth0", "listed twice");
    expect_refused("server", "listen", "ff02::1",
                   "a group of one link needs its interface, as in [ff02::1%eth0]:3000");
    expect_refused("server", "listen", "239.1.2.3:0",
                   "a group needs its port, as in 239.1.2.3:3000");
    expect_refused("server", "listen", "tcp:239.1.2.3:3000",
                   "a multicast group has datagrams alone");
}

Test(config_keys, listen_takes_streams)
{
    config_clear_listen(config);
    expect_set("server", "listen", "127.0.0.1:3000");
    expect_set("server", "listen", "tcp:127.0.0.1:3000");
    expect_set("server", "listen", "tcp:[fe80::1%eth0]");
    expect_set("server", "listen", "unix:/run/chat");
    cr_assert_eq(config->server.listen[1].transport, TRANSPORT_TCP);
    cr_assert_eq(config->server.listen[2].addr.port, 3000);
    cr_assert_eq(config->server.listen[3].transport, TRANSPORT_UNIX);
    cr_assert_str_eq(config->server.listen[3].path, "/run/chat");

    expect_refused("server", "listen", "tcp:127.0.0.1", "listed twice");
    expect_refused("server", "listen", "unix:/run/chat", "listed twice");
    expect_refused("server", "listen", "tcp:localhost:3000", "not an IPv4 or IPv6 address");
    expect_refused("server", "listen", "tcp:", "not an IPv4 or IPv6 address");
    expect_refused("server", "listen", "unix:chat",
                   "the path of a Unix socket begins with '/', as in unix:/run/udpsrv/chat");
    expect_refused("server", "listen", "unix:/run/my chat",
                   "the path holds a blank or a control character");
}

Test(config_keys, multicast_is_a_group_with_its_port)
{
    expect_set("broadcast", "multicast", "239.1.2.3:3000");
    expect_set("broadcast", "multicast", "[ff02::1%eth0]:3000");
    cr_assert_eq(config->broadcast.multicast.addr.port, 3000);
    cr_assert_str_eq(config->broadcast.multicast.zone, "eth0");
    expect_refused("broadcast", "multicast", "239.1.2.3",
                   "a group needs its port, as in 239.1.2.3:3000");
    expect_refused("broadcast", "multicast", "192.0.2.1:3000",
                   "not a multicast group: those are 224.0.0.0 to 239.255.255.255, and ff00::/8");
    expect_refused("broadcast", "multicast-interface", "sixteen-letters!", "longer than 15 bytes");
}

Test(config_keys, there_are_at_most_64_listeners)
{
    config_clear_listen(config);
    for (int port = 1; port <= CONFIG_LISTEN_MAX; port++) {
        char text[32];
        snprintf(text, sizeof text, "127.0.0.1:%d", port);
        expect_set("server", "listen", text);
    }
    expect_refused("server", "listen", "127.0.0.1:65", "more than 64 addresses");
}

Test(config_keys, a_message_fits_a_datagram)
{
    static char message[CONFIG_MESSAGE_BYTES_MAX + 2];
    memset(message, 'x', sizeof message - 1);
    expect_refused("reply", "message", message, "65508 bytes; a datagram holds at most 65507");
    message[CONFIG_MESSAGE_BYTES_MAX] = '\0';
    expect_set("reply", "message", message);
    cr_assert_eq(config->reply.messages[3].size, CONFIG_MESSAGE_BYTES_MAX);
    expect_set("reply", "message", "");
    cr_assert_eq(config->reply.messages[4].size, 0);
}

Test(config_keys, there_are_at_most_4096_messages)
{
    while (config->reply.message_count < CONFIG_MESSAGES_MAX)
        expect_set("reply", "message", "x");
    expect_refused("reply", "message", "x", "more than 4096 messages");
}

/* Collects visits as "section.key=value" lines. */
static void collect(void *state, const char *section, const char *key, const char *value)
{
    char *text = state;
    strcat(strcat(strcat(text, section), "."), key);
    if (value)
        strcat(strcat(text, "="), value);
    strcat(text, "\n");
}

Test(config_keys, each_key_is_visited_with_its_value)
{
    char text[4096] = "";
    cr_assert(config_each(config, collect, text));
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
    cr_assert(config_each(printed, write_line, stream));
    fclose(stream);
    return text;
}

static struct config *read_back(const char *text)
{
    struct config_parser *machine = config_parser_new();
    config_parser_file_begin(machine, "printed");
    for (size_t length; *text; text += length + 1) {
        length = strcspn(text, "\n");
        cr_assert_eq(config_parser_line(machine, text, length), CONFIG_NEXT);
    }
    config_parser_file_end(machine);
    struct config *read = config_parser_finish(machine);
    size_t count, dropped;
    const struct config_diagnostic *wrong = config_parser_diagnostics(machine, &count, &dropped);
    cr_assert_not_null(read, "%s", count ? wrong->text : "no memory");
    config_parser_free(machine);
    return read;
}

Test(config_keys, blocks_of_addresses_are_allowed_and_denied)
{
    expect_set("admission", "allow", "192.0.2.0/24");
    expect_set("admission", "allow", "2001:db8::1");
    expect_set("admission", "deny", "192.0.2.128/25");
    cr_assert_eq(config->admission.allow.count, 2);
    cr_assert_eq(config->admission.deny.count, 1);
    cr_assert_eq(config->admission.deny.list[0].bits, 25);
    expect_refused("admission", "deny", "192.0.2.1/25",
                   "the address has bits set behind the prefix");
    expect_refused("admission", "allow", "192.0.2.0/40",
                   "the prefix length is not a number from 0 to 32");
    expect_refused("admission", "allow", "everyone", "not an IPv4 or IPv6 address");
    config_clear_allow(config);
    cr_assert_eq(config->admission.allow.count, 0);
}

Test(config_keys, what_is_printed_reads_back_the_same)
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

Test(config_keys, the_longest_message_reads_back_however_it_is_written)
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
    cr_assert(config_each_restart(defaults, config, collect, text));
    cr_expect_str_eq(text, expected);
    text[0] = '\0';
    cr_assert(config_each_restart(config, defaults, collect, text));
    cr_expect_str_eq(text, expected);
    config_free(defaults);
}

Test(config_keys, nothing_changed_needs_no_restart)
{
    expect_restart("");
    config->server.listen_stated = true;
    expect_restart("");
}

Test(config_keys, a_reload_applies_what_needs_no_restart)
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

Test(config_keys, each_key_that_needs_a_restart_is_named)
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
                   "server.stream-buffer\nserver.stream-idle\nclients.max\n"
                   "broadcast.multicast\nbroadcast.multicast-ttl\n"
                   "broadcast.multicast-interface\ncontrol.socket\ncontrol.mode\ncontrol.group\n");
}

Test(config_keys, a_listener_more_needs_a_restart)
{
    expect_set("server", "listen", "127.0.0.2:3000");
    expect_restart("server.listen\n");
}
