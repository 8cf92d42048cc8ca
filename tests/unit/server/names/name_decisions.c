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

static struct event_queue *events; /* of the only worker; NULL: none */

static void ignore(struct mailbox_message *wake)
{
    event_queue_acknowledge((struct event_queue *)wake);
}

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
    cr_assert_eq(name_decisions_open(&decisions, config, loop, mailbox, &events, 1, NULL), 0);
}

static void close_decisions(void)
{
    mailbox_free(mailbox);
    name_decisions_free(decisions);
    event_queue_free(events);
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

/* Returns the port of the client that has lost the name, or 0. */
static uint16_t restore(uint16_t port, const char *text)
{
    const struct name_holder holder = holder_of(port);
    const struct device_name name = name_of(text);
    struct name_holder before;
    return name_decisions_restore(decisions, &name, &holder, clock_now_ms() + 60000, &before)
               ? client_key_source(&before.key).port
               : 0;
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
    cr_assert_eq(restore(1001, "lamp"), 0);
    cr_assert_eq(restore(1002, "gate"), 0);
    cr_assert(client_names_find(name_decisions_table(decisions), &lamp, &first));
    cr_assert(client_names_find(name_decisions_table(decisions), &gate, &second));
    cr_assert_eq(first.join_number, 1001);
    cr_assert_eq(second.join_number, 1002);
    cr_assert_lt(first.number, second.number, "a later claim has a higher one");
    cr_assert_eq(port_of("lamp"), 1001);
    cr_assert_eq(port_of("gate"), 1002);
}

Test(name_decisions, restores_a_name_for_the_last_client_that_has_it)
{
    open_decisions(10);
    for (uint16_t port = 1001; port <= 1005; port++)
        cr_assert_eq(restore(port, "lamp"), port > 1001 ? port - 1 : 0);
    cr_assert_eq(port_of("lamp"), 1005);
    cr_assert_eq(client_names_count(name_decisions_table(decisions)), 1);
    cr_assert_eq(restore(1001, "lamp"), 1005, "a former client of the name may have it again");
    cr_assert_eq(restore(1005, "gate"), 0, "a client that has lost its name may have another one");
}

Test(name_decisions, restores_a_name_of_the_same_client_again)
{
    open_decisions(10);
    cr_assert_eq(restore(1001, "lamp"), 0);
    cr_assert_eq(restore(1001, "lamp"), 1001);
    cr_assert_eq(port_of("lamp"), 1001);
    cr_assert_eq(client_names_count(name_decisions_table(decisions)), 1);
}

Test(name_decisions, forgets_the_name_of_a_client_that_is_restored_again)
{
    const struct client_key lamp = holder_of(1001).key, other = holder_of(1009).key;
    open_decisions(10);
    restore(1001, "lamp");
    restore(1002, "gate");
    name_decisions_forget(decisions, &other, 0);
    name_decisions_forget(decisions, &lamp, 0);
    name_decisions_forget(decisions, &lamp, 0);
    cr_assert_eq(port_of("lamp"), 0);
    cr_assert_eq(port_of("gate"), 1002);
    cr_assert_eq(restore(1001, "lantern"), 0);
    cr_assert_eq(restore(1003, "lamp"), 0);
    cr_assert_eq(port_of("lantern"), 1001);
    cr_assert_eq(port_of("lamp"), 1003);
}

Test(name_decisions, restores_no_more_names_than_there_may_be)
{
    open_decisions(2);
    restore(1001, "a");
    restore(1002, "b");
    cr_assert_eq(restore(1003, "c"), 0);
    cr_assert_eq(port_of("c"), 0);
    cr_assert_eq(port_of("a"), 1001);
    cr_assert_eq(restore(1003, "a"), 1001, "its place is free");
    cr_assert_eq(port_of("a"), 1003);
}

/* ---- an upgrade ---- */

static struct worker *const no_worker = NULL;

/* A client that may have a name is gone, after an event was published that is not shown yet. */
static void publish_and_leave(uint16_t port)
{
    const struct name_holder holder = holder_of(port);
    cr_assert_not_null(event_queue_reserve(events, 10));
    event_queue_commit(events);
    name_queue_add_gone(name_decisions_queues(decisions)[0], &holder.key, 0, holder.join_number + 1,
                        event_queue_mark(events));
}

Test(name_decisions, are_settled_when_the_names_of_clients_that_are_gone_are_free)
{
    open_decisions(10);
    cr_assert_eq(event_queue_open(&events, 100, mailbox, ignore, NULL), 0);
    restore(1001, "lamp");
    name_decisions_start(decisions, &no_worker);
    cr_assert(name_decisions_is_settled(decisions));
    publish_and_leave(1001);
    cr_assert_not(name_decisions_is_settled(decisions));
    mailbox_handle_all(mailbox);
    name_decisions_settle(decisions);
    cr_assert_not(name_decisions_is_settled(decisions), "the event is not shown yet");
    cr_assert_eq(port_of("lamp"), 1001);
    event_queue_release(events);
    name_decisions_settle(decisions);
    cr_assert(name_decisions_is_settled(decisions));
    cr_assert_eq(port_of("lamp"), 0);
}

Test(name_decisions, without_names_are_settled)
{
    config = config_defaults();
    name_decisions_settle(NULL);
    cr_assert(name_decisions_is_settled(NULL));
    decisions = NULL;
}
