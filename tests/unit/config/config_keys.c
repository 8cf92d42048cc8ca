/* The table of configuration keys: finding keys, and keys that need a restart. */
#include "config/config_defaults.h"
#include "config_key_fixture.h"

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
    cr_assert_str_eq(sections, "[reply] and [control] and [offload]");
    cr_assert_not(config_key_sections("banana", sections));
}

/* Appends a line "section.key". */
static void collect(void *state, const struct config_key *key)
{
    char *text = state;
    strcat(strcat(strcat(strcat(text, key->section), "."), key->name), "\n");
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
    expect_set("state", "interval", "5s");
    expect_set("state", "max-age", "2h");
    expect_set("metrics", "allow", "192.0.2.0/24");
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
    expect_set("control", "observer-socket", "o");
    expect_set("control", "observer-mode", "0666");
    expect_set("control", "observer-group", "g");
    expect_set("state", "file", "f");
    expect_set("metrics", "listen", "127.0.0.1:9300");
    expect_set("offload", "interface", "eth0");
    expect_set("offload", "mode", "auto");
    expect_set("offload", "max", "1");
    expect_restart("server.listen\nserver.missing-address\nserver.workers\nserver.user\nserver."
                   "group\nserver.max-datagram\n"
                   "server.receive-buffer\nserver.send-buffer\nserver.stream-max\n"
                   "server.stream-buffer\nserver.stream-idle\nserver.stream-framing\n"
                   "clients.max\n"
                   "broadcast.multicast\nbroadcast.multicast-ttl\n"
                   "broadcast.multicast-interface\ncontrol.socket\ncontrol.mode\ncontrol.group\n"
                   "control.observer-socket\ncontrol.observer-mode\ncontrol.observer-group\n"
                   "state.file\nmetrics.listen\noffload.interface\noffload.mode\noffload.max\n");
}

Test(config_keys, an_additional_listener_needs_a_restart)
{
    expect_set("server", "listen", "127.0.0.2:3000");
    expect_restart("server.listen\n");
}
