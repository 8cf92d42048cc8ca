/* For how many clients a worker needs memory. */
#include "server/config/worker_capacity.h"

#include "addr_fixture.h"
#include "config/config_defaults.h"

#include <criterion/criterion.h>

static struct config *config;

static void listen_on(const char *text, enum transport transport)
{
    cr_assert(config_add_listen(
        config, &(struct config_listen){.transport = transport, .addr = address(text)}));
}

static void set_up(void)
{
    config = config_defaults();
    cr_assert_not_null(config);
    config->clients.max = 1000000;
    config_clear_listen(config);
    listen_on("0.0.0.0:3000", TRANSPORT_UDP);
    listen_on("[::]:3001", TRANSPORT_TCP);
}

static void tear_down(void)
{
    config_free(config);
}

TestSuite(worker_capacity, .init = set_up, .fini = tear_down);

Test(worker_capacity, is_a_part_of_all_clients_and_some_more)
{
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(worker_capacity(config, 4, i), 250000 + 31250 + 64);
    cr_expect_eq(worker_capacity(config, 1, 0), 1000000);
}

Test(worker_capacity, is_all_clients_for_the_first_worker_if_there_is_a_group)
{
    static const char *const groups[] = {"239.1.2.3:3000", "[ff02::77]:3000"};
    for (size_t i = 0; i < 2; i++) {
        config_clear_listen(config);
        listen_on("0.0.0.0:3000", TRANSPORT_UDP);
        listen_on(groups[i], TRANSPORT_UDP);
        cr_expect_eq(worker_capacity(config, 4, 0), 1000000, "%s", groups[i]);
        cr_expect_eq(worker_capacity(config, 4, 1), 250000 + 31250 + 64, "%s", groups[i]);
    }
}
