/* Values of strings, messages and interface names. */
#include "config_key_fixture.h"

#include <stdio.h>

TestSuite(config_text_types, .init = set_up, .fini = tear_down);

Test(config_text_types, strings_have_a_maximum_length)
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

Test(config_text_types, a_nul_byte_is_accepted_only_in_messages)
{
    char reason[CONFIG_REASON_BYTES];
    cr_assert_neq(config_key_set(config_key_find("server", "user"), config, "a\0b", 3, reason), 0);
    cr_assert_str_eq(reason, "contains a NUL byte");
    cr_assert_eq(config_key_set(config_key_find("reply", "message"), config, "a\0b", 3, reason), 0);
    cr_assert_eq(config->reply.messages[3].size, 3);
}

Test(config_text_types, a_message_fits_a_datagram)
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

Test(config_text_types, there_are_at_most_4096_messages)
{
    while (config->reply.message_count < CONFIG_MESSAGES_MAX)
        expect_set("reply", "message", "x");
    expect_refused("reply", "message", "x", "more than 4096 messages");
}

Test(config_text_types, interfaces_have_names_that_the_kernel_accepts)
{
    static const char *const NAMES[] = {"",  ".",   "..",   "a/b",  "eth0:1",
                                        " ", "a b", "a\tb", "a\nb", "a\vb"};
    for (size_t i = 0; i < COUNT(NAMES); i++)
        expect_refused("offload", "interface", NAMES[i],
                       "not the name of an interface, such as eth0");
    expect_refused("offload", "interface", "sixteen-letters-", "longer than 15 bytes");
    cr_assert_eq(config->offload.interface_count, 0);
    expect_set("offload", "interface", "fifteen-letters");
    expect_set("offload", "interface", "...");
    expect_set("offload", "interface", "eth0.100@x");
    cr_assert_eq(config->offload.interface_count, 3);
    cr_assert_str_eq(config->offload.interfaces[0], "fifteen-letters");
    cr_assert_str_eq(config->offload.interfaces[2], "eth0.100@x");
    expect_refused("offload", "interface", "...", "listed twice");
}

Test(config_text_types, there_are_at_most_16_interfaces)
{
    char name[ADDR_ZONE_BYTES];
    for (int i = 0; i < CONFIG_INTERFACES_MAX; i++) {
        snprintf(name, sizeof name, "eth%d", i);
        expect_set("offload", "interface", name);
    }
    expect_refused("offload", "interface", "eth16", "more than 16 interfaces");
    cr_assert_str_eq(config->offload.interfaces[15], "eth15");
}
