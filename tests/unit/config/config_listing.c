/* The list of all keys with their values: in effect, unset, built in, and waiting for a restart. */
#include "config/config_listing.h"
#include "config/config_parser.h"
#include "config_key_fixture.h"
#include "config_listing_fixture.h"

TestSuite(config_listing, .init = set_up, .fini = tear_down);

Test(config_listing, has_each_key_with_its_value_and_those_without_one_as_comments)
{
    char *text = config_text(config);
    cr_assert_str_eq(text, "[server]\n"
                           "listen = 127.0.0.1:3000\n"
                           "listen = [::1]:3000\n"
                           "missing-address = fail\n"
                           "workers = 1\n"
                           "# user =\n"
                           "# group =\n"
                           "max-datagram = 2k\n"
                           "receive-buffer = 4m\n"
                           "send-buffer = 128k\n"
                           "stream-max = 1024\n"
                           "stream-buffer = 256k\n"
                           "stream-idle = 10m\n"
                           "stream-framing = line\n"
                           "\n[reply]\n"
                           "mode = rotate\n"
                           "message = audi\n"
                           "message = toyota\n"
                           "message = bmw\n"
                           "\n[clients]\n"
                           "max = 1000000\n"
                           "ttl = 1m\n"
                           "sweep = 1s\n"
                           "names = off\n"
                           "names-max = 100000\n"
                           "# names-key-file =\n"
                           "\n[broadcast]\n"
                           "rate = 0\n"
                           "queue = 64\n"
                           "relay = off\n"
                           "relay-rate = 10\n"
                           "# multicast =\n"
                           "multicast-ttl = 1\n"
                           "# multicast-interface =\n"
                           "\n[admission]\n"
                           "# policy =\n"
                           "# allow =\n"
                           "# deny =\n"
                           "per-prefix = 0\n"
                           "rate = 0\n"
                           "burst = 0\n"
                           "dry-run = off\n"
                           "\n[control]\n"
                           "# socket =\n"
                           "mode = 0660\n"
                           "# group =\n"
                           "# observer-socket =\n"
                           "observer-mode = 0660\n"
                           "# observer-group =\n"
                           "\n[state]\n"
                           "# file =\n"
                           "interval = 1m\n"
                           "max-age = 1h\n"
                           "\n[metrics]\n"
                           "# listen =\n"
                           "# allow =\n"
                           "\n[offload]\n"
                           "# interface =\n"
                           "mode = off\n"
                           "max = auto\n"
                           "\n[log]\n"
                           "level = info\n"
                           "format = text\n"
                           "target = stderr\n");
    free(text);
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

Test(config_listing, printed_values_are_parsed_to_the_same_values)
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
    expect_set("offload", "interface", "eth0");
    expect_set("offload", "interface", "a,b;c#d");
    expect_set("offload", "mode", "generic");
    expect_set("offload", "max", "5000");

    char *text = config_text(config);
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
    char *again = config_text(read);
    cr_assert_str_eq(text, again);
    free(text);
    free(again);
    config_free(read);
}

Test(config_listing, the_longest_message_is_parsed_with_every_byte_escaped)
{
    static char bytes[CONFIG_MESSAGE_BYTES_MAX + 1];
    char reason[CONFIG_REASON_BYTES];
    memset(bytes, 0xff, sizeof bytes - 1);
    config_clear_messages(config);
    cr_assert_eq(config_key_set(config_key_find("reply", "message"), config, bytes,
                                CONFIG_MESSAGE_BYTES_MAX, reason),
                 0);
    char *text = config_text(config);
    struct config *read = read_back(text);
    cr_assert_eq(read->reply.message_count, 1);
    cr_assert_eq(read->reply.messages[0].size, CONFIG_MESSAGE_BYTES_MAX);
    cr_assert_arr_eq(read->reply.messages[0].bytes, bytes, CONFIG_MESSAGE_BYTES_MAX);
    free(text);
    config_free(read);
}

/* ---- what waits for a restart ---- */

/* The configuration of the start, and another one that a reload has read. */
static struct config *loaded;

static void set_up_both(void)
{
    set_up();
    loaded = config_defaults();
}

static void tear_down_both(void)
{
    tear_down();
    config_free(loaded);
}

TestSuite(config_listing_after_reload, .init = set_up_both, .fini = tear_down_both);

static void set_loaded(const char *section, const char *name, const char *value)
{
    char reason[CONFIG_REASON_BYTES];
    const struct config_key *key = config_key_find(section, name);
    cr_assert_eq(config_key_set(key, loaded, value, strlen(value), reason), 0);
}

/* Returns the whole text, which contains `part`. The caller frees it. */
static char *expect_part(const char *part)
{
    struct config_listing listing = {.started = config, .loaded = loaded};
    char *text = config_listing_text(&listing);
    cr_expect(strstr(text, part), "'%s' in\n%s", part, text);
    return text;
}

Test(config_listing_after_reload, an_equal_configuration_is_listed_as_before)
{
    char *text = config_text(config);
    free(expect_part(text));
    free(text);
}

Test(config_listing_after_reload, what_a_reload_applies_has_the_new_value)
{
    set_loaded("clients", "ttl", "9s");
    char *text = expect_part("\nttl = 9s\nsweep = 1s\n");
    cr_expect_null(strstr(text, "after a restart"));
    cr_expect_null(strstr(text, "after an upgrade"));
    free(text);
}

Test(config_listing_after_reload, what_waits_for_a_restart_has_both_values)
{
    set_loaded("server", "workers", "8");
    free(expect_part("\nworkers = 1\n# after an upgrade: workers = 8\n# user =\n"));
}

Test(config_listing_after_reload, all_items_of_a_list_wait_if_one_of_them_differs)
{
    set_loaded("server", "listen", "127.0.0.1:4000");
    free(expect_part("[server]\nlisten = 127.0.0.1:3000\nlisten = [::1]:3000\n"
                     "# after an upgrade: listen = 127.0.0.1:3000\n"
                     "# after an upgrade: listen = [::1]:3000\n"
                     "# after an upgrade: listen = 127.0.0.1:4000\n"));
}

Test(config_listing_after_reload, a_key_may_wait_to_be_set_or_unset)
{
    expect_set("server", "user", "nobody");
    set_loaded("server", "group", "daemon");
    free(expect_part("\nuser = nobody\n# after a restart: user =\n"
                     "# group =\n# after a restart: group = daemon\n"));
}

Test(config_listing_after_reload, the_text_is_a_file_with_the_values_in_effect)
{
    set_loaded("server", "workers", "8");
    set_loaded("server", "listen", "127.0.0.1:4000");
    set_loaded("control", "group", "daemon");
    set_loaded("clients", "ttl", "9s");
    struct config_listing listing = {.started = config, .loaded = loaded};
    char *text = config_listing_text(&listing);
    struct config *read = read_back(text);
    cr_expect_eq(read->server.workers, 1);
    cr_expect_eq(read->server.listen_count, 2);
    cr_expect_null(read->control.group);
    cr_expect_eq(read->clients.ttl_ms, 9000);
    free(text);
    config_free(read);
}

/* ---- the built-in socket ---- */

static char *expect_socket(const char *part)
{
    struct config_listing listing = {
        .started = config, .loaded = loaded, .built_in_socket = "/run/s"};
    char *text = config_listing_text(&listing);
    cr_expect(strstr(text, part), "'%s' in\n%s", part, text);
    return text;
}

Test(config_listing_after_reload, the_built_in_socket_is_named_in_a_comment)
{
    free(expect_socket("[control]\n# socket = /run/s  (built in)\nmode = 0660\n"));
}

Test(config_listing_after_reload, a_path_in_the_configuration_replaces_the_built_in_one)
{
    expect_set("control", "socket", "/run/other");
    free(expect_socket("[control]\nsocket = /run/other\n# after an upgrade: socket =\n"));
}

/* ---- the names of entries ---- */

Test(config_listing, each_kind_of_entry_has_a_name_that_is_found_again)
{
    for (int kind = 0; kind < 2 * CONFIG_ENTRY_KINDS; kind++) {
        struct config_entry entry = {.kind = (enum config_entry_kind)(kind / 2),
                                     .after_restart = kind % 2};
        struct config_entry found = {.section = "s"};
        cr_assert(config_entry_set_name(&found, config_entry_name(&entry)));
        cr_expect_eq(found.kind, entry.kind);
        cr_expect_eq(found.after_restart, entry.after_restart);
    }
    struct config_entry entry = {.kind = CONFIG_ENTRY_ITEM};
    cr_expect_str_eq(config_entry_name(&entry), "item");
    entry.after_restart = true;
    cr_expect_str_eq(config_entry_name(&entry), "restart-item");
    cr_expect_not(config_entry_set_name(&entry, "restart"));
    cr_expect_not(config_entry_set_name(&entry, ""));
}

Test(config_listing, may_end_at_any_entry)
{
    struct config_listing listing = {.started = config, .loaded = config};
    struct config_entry entry;
    cr_assert_eq(config_listing_next(&listing, &entry), 1);
    cr_assert_str_eq(entry.value, "127.0.0.1:3000");
    config_listing_free(&listing);
}
