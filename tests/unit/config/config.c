/* The configuration: defaults, lists, and the text of listen addresses. */
#include "config/config.h"
#include "config/config_defaults.h"
#include "config/exposed_listeners.h"

#include <criterion/criterion.h>
#include <string.h>

Test(config, defaults_are_those_of_the_manual)
{
    struct config *config = config_defaults();
    char text[CONFIG_LISTEN_TEXT_BYTES];
    cr_assert_eq(config->server.listen_count, 2);
    cr_assert_str_eq(config_listen_text(&config->server.listen[0], text), "127.0.0.1:3000");
    cr_assert_str_eq(config_listen_text(&config->server.listen[1], text), "[::1]:3000");
    cr_assert_not(config->server.listen_given);
    cr_assert_null(config->server.user);
    cr_assert_null(config->server.group);
    cr_assert_eq(config->server.max_datagram_bytes, 2048);
    cr_assert_eq(config->server.receive_buffer_bytes, 4194304);
    cr_assert_eq(config->server.send_buffer_bytes, 131072);
    cr_assert_eq(config->reply.mode, REPLY_ROTATE);
    cr_assert_eq(config->reply.message_count, 3);
    cr_assert_arr_eq(config->reply.messages[0].bytes, "audi", 4);
    cr_assert_arr_eq(config->reply.messages[1].bytes, "toyota", 6);
    cr_assert_arr_eq(config->reply.messages[2].bytes, "bmw", 3);
    cr_assert_eq(config->clients.max, 1000000);
    cr_assert_eq(config->clients.ttl_ms, 60000);
    cr_assert_eq(config->clients.sweep_ms, 1000);
    cr_assert_eq(config->clients.names, NAMES_OFF);
    cr_assert_eq(config->clients.names_max, 100000);
    cr_assert_null(config->clients.names_key_file);
    cr_assert_eq(config->broadcast.rate_pps, 0);
    cr_assert_eq(config->broadcast.queue, 64);
    cr_assert_eq(config->admission.policy, POLICY_UNSET);
    cr_assert_null(config->control.socket);
    cr_assert_eq(config->control.mode, 0660);
    cr_assert_null(config->control.group);
    cr_assert_eq(config->offload.interface_count, 0);
    cr_assert_eq(config->offload.mode, CONFIG_OFFLOAD_OFF);
    cr_assert_eq(config->offload.max, CONFIG_OFFLOAD_MAX_AUTO);
    cr_assert_eq(config->log.level, LOG_LEVEL_INFO);
    cr_assert_eq(config->log.format, LOG_FORMAT_TEXT);
    cr_assert_eq(config->log.target, LOG_TARGET_STDERR);
    config_free(config);
}

Test(config, lists_own_copies_and_can_be_cleared)
{
    struct config *config = config_defaults();
    char bytes[] = "a\0b";
    config_clear_messages(config);
    cr_assert_eq(config->reply.message_count, 0);
    cr_assert(config_add_message(config, bytes, 3));
    cr_assert(config_add_message(config, bytes, 0));
    memset(bytes, 'x', sizeof bytes);
    cr_assert_eq(config->reply.message_count, 2);
    cr_assert_eq(config->reply.messages[0].size, 3);
    cr_assert_arr_eq(config->reply.messages[0].bytes, "a\0b", 3);
    cr_assert_eq(config->reply.messages[1].size, 0);

    struct config_listen listen = config->server.listen[1];
    config_clear_listen(config);
    cr_assert_eq(config->server.listen_count, 0);
    cr_assert(config_add_listen(config, &listen));
    cr_assert_eq(config->server.listen_count, 1);
    cr_assert(addr_equal(&config->server.listen[0].addr, &listen.addr));
    config_free(config);
}

Test(config, null_can_be_freed)
{
    config_free(NULL);
}

Test(config, a_named_zone_is_written_in_place_of_its_number)
{
    struct config_listen listen = {.transport = TRANSPORT_UDP};
    char text[CONFIG_LISTEN_TEXT_BYTES];
    cr_assert_null(addr_parse(&listen.addr, listen.zone, "[fe80::1%fifteen-letters]:65535", 0));
    cr_assert_str_eq(config_listen_text(&listen, text), "[fe80::1%fifteen-letters]:65535");
    cr_assert_null(addr_parse(&listen.addr, listen.zone, "[fe80::1%4294967295]:1", 0));
    cr_assert_str_eq(config_listen_text(&listen, text), "[fe80::1%4294967295]:1");

    listen = (struct config_listen){.transport = TRANSPORT_UNIX};
    memset(listen.path, 'x', TRANSPORT_PATH_BYTES - 1);
    cr_assert_eq(strlen(config_listen_text(&listen, text)), 5 + TRANSPORT_PATH_BYTES - 1);
}

Test(config, counts_the_addresses_that_other_hosts_can_reach)
{
    struct config *config = config_defaults();
    struct config_listen open = {.transport = TRANSPORT_UDP}, local = {.transport = TRANSPORT_UNIX};
    size_t first = 99;
    addr_parse(&open.addr, open.zone, "0.0.0.0", CONFIG_PORT);
    cr_assert_eq(exposed_listeners_count(config, &first), 0);
    cr_assert_eq(first, 99);
    cr_assert(config_add_listen(config, &local));
    cr_assert_eq(exposed_listeners_count(config, &first), 0);
    cr_assert(config_add_listen(config, &open));
    open.transport = TRANSPORT_TCP;
    cr_assert(config_add_listen(config, &open));
    cr_assert_eq(exposed_listeners_count(config, &first), 2);
    cr_assert_eq(first, 3);
    config_free(config);
}
