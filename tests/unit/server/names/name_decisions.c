/* Tests of server/names/name_decisions: names that clients had before a restart. */
#include "server/names/name_decisions.h"

#include "config/config_defaults.h"
#include "os/process/clock.h"

#include <criterion/criterion.h>

#include <string.h>

static struct config *config;
static struct loop *loop;
static struct mailbox *mailbox;
static struct name_decisions *decisions;

static void open_decisions(uint32_t names_max)
{
    config = config_defaults();
    cr_assert_not_null(config);
    config->clients.names = NAMES_TRUSTED;
    config->clients.names_max = names_max;
    config->clients.max = 100;
    loop = loop_new();
    mailbox = mailbox_new(loop);
    cr_assert_not_null(mailbox);
    cr_assert_eq(name_decisions_open(&decisions, config, loop, mailbox, NULL, 1), 0);
}

static void close_decisions(void)
{
    mailbox_free(mailbox);
    name_decisions_free(decisions);
    loop_free(loop);
    config_free(config);
}

TestSuite(name_decisions, .fini = close_decisions);

static struct name_holder holder_of(uint16_t port)
{
    const struct addr source = {.family = ADDR_IPV4, .ip = {192, 0, 2, 1}, .port = port};
    return (struct name_holder){.key = client_key_of(0, &source), .join_number = port, .worker = 0};
}

static struct device_name name_of(const char *text)
{
    struct device_name name;
    cr_assert_null(device_name_set(&name, text, strlen(text)));
    return name;
}

static bool restore(uint16_t port, const char *text, uint64_t check_ms)
{
    const struct name_holder holder = holder_of(port);
    const struct device_name name = name_of(text);
    return name_decisions_restore(decisions, &name, &holder, check_ms);
}

/* The port of the client that has a name, or 0. */
static uint16_t port_of(const char *text)
{
    const struct device_name name = name_of(text);
    struct name_holder holder;
    if (!client_names_find(name_decisions_table(decisions), &name, &holder))
        return 0;
    return client_key_source(&holder.key).port;
}

Test(name_decisions, restores_the_names_of_clients_with_numbers_of_their_own)
{
    struct name_holder first, second;
    const struct device_name lamp = name_of("lamp"), gate = name_of("gate");
    open_decisions(10);
    cr_assert(restore(1001, "lamp", clock_now_ms() + 60000));
    cr_assert(restore(1002, "gate", clock_now_ms() + 60000));
    cr_assert(client_names_find(name_decisions_table(decisions), &lamp, &first));
    cr_assert(client_names_find(name_decisions_table(decisions), &gate, &second));
    cr_assert_eq(first.join_number, 1001);
    cr_assert_eq(second.join_number, 1002);
    cr_assert_lt(first.number, second.number, "a later claim has a higher one");
    cr_assert_eq(port_of("lamp"), 1001);
    cr_assert_eq(port_of("gate"), 1002);
}

Test(name_decisions, restores_a_name_for_the_first_client_that_has_it_only)
{
    open_decisions(10);
    cr_assert(restore(1001, "lamp", clock_now_ms() + 60000));
    cr_assert_not(restore(1002, "lamp", clock_now_ms() + 60000));
    cr_assert_eq(port_of("lamp"), 1001);
    cr_assert_eq(client_names_count(name_decisions_table(decisions)), 1);
}

Test(name_decisions, restores_no_more_names_than_there_may_be)
{
    open_decisions(2);
    cr_assert(restore(1001, "a", clock_now_ms() + 60000));
    cr_assert(restore(1002, "b", clock_now_ms() + 60000));
    cr_assert_not(restore(1003, "c", clock_now_ms() + 60000));
    cr_assert_eq(port_of("c"), 0);
    cr_assert_eq(port_of("a"), 1001);
}
