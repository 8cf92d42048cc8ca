/* The estimate of the memory that a configuration needs. */
#include "server/config/memory_estimate.h"
#include "admission/rate_limiter.h"
#include "config/config.h"
#include "config/config_defaults.h"
#include "registry/registry.h"

#include <criterion/criterion.h>

static struct config *config;

static void set_up(void)
{
    config = config_defaults();
    cr_assert_not_null(config);
}

static void tear_down(void)
{
    config_free(config);
}

TestSuite(memory_estimate, .init = set_up, .fini = tear_down);

static uint64_t sum_for(size_t workers)
{
    struct memory_estimate need = memory_estimate_of(config, workers);
    return memory_estimate_sum(&need);
}

static void listen_on(enum addr_family family, enum transport transport)
{
    config_clear_listen(config);
    cr_assert(config_add_listen(
        config, &(struct config_listen){.transport = transport,
                                        .addr = {.family = (uint8_t)family, .port = 1}}));
}

Test(memory_estimate, is_no_less_than_what_the_registry_touches_and_no_more_than_it_reserves)
{
    config->clients.max = 1000000;
    struct memory_estimate need = memory_estimate_of(config, 1);
    cr_expect_eq(need.start_bytes, registry_index_bytes(1000000));
    cr_expect_eq(need.start_bytes + need.clients_bytes, registry_full_bytes(1000000, true));
    cr_expect_lt(need.start_bytes + need.clients_bytes, registry_bytes(1000000));
    cr_expect_eq(need.streams_bytes, 0);
}

Test(memory_estimate, grows_with_clients_workers_ipv6_streams_and_caps)
{
    listen_on(ADDR_IPV4, TRANSPORT_UDP);
    uint64_t least = sum_for(1);
    cr_expect_gt(sum_for(4), least);
    listen_on(ADDR_IPV6, TRANSPORT_UDP);
    cr_expect_gt(sum_for(1), least);
    listen_on(ADDR_IPV4, TRANSPORT_TCP);
    cr_expect_eq(memory_estimate_of(config, 1).streams_bytes, (uint64_t)1024 * (256 << 10));
    listen_on(ADDR_IPV4, TRANSPORT_UDP);
    config->admission.per_prefix = 1;
    uint64_t capped = sum_for(1);
    cr_expect_gt(capped, least);
    config->admission.rate_pps = 1;
    cr_expect_gt(sum_for(1), capped);
    config->clients.max = 100000000;
    cr_expect_gt(sum_for(256), UINT64_C(3200000000));
}

Test(memory_estimate, has_the_tables_of_the_offload_for_as_many_clients_as_it_may_have)
{
    config->clients.max = 1000;
    uint64_t without = sum_for(1);
    config->offload.max = 10;
    cr_expect_eq(sum_for(1), without);
    config->offload.mode = CONFIG_OFFLOAD_AUTO;
    uint64_t fixed = without + (80 << 10) + rate_limiter_bytes();
    cr_expect_eq(sum_for(1), fixed + 16 * 128 + 8 * 64);
    config->offload.max = CONFIG_OFFLOAD_MAX_AUTO;
    cr_expect_eq(sum_for(1), fixed + 1024 * (128 + 32));
    config->admission.rate_pps = 1;
    cr_expect_eq(sum_for(1), fixed + 1024 * (128 + 32), "the limiter is in a table of the offload");
}

Test(memory_estimate, has_the_larger_index_of_the_first_worker_where_there_are_groups)
{
    listen_on(ADDR_IPV4, TRANSPORT_UDP);
    config->clients.max = 1000000;
    uint64_t without = memory_estimate_of(config, 4).start_bytes;
    struct config_listen group = {.transport = TRANSPORT_UDP,
                                  .addr = {.family = ADDR_IPV4, .ip = {239, 1}, .port = 1}};
    cr_assert(config_add_listen(config, &group));
    cr_expect_eq(memory_estimate_of(config, 4).start_bytes - without,
                 registry_index_bytes(1000000) - registry_index_bytes(250000 + 31250 + 64));
}

Test(memory_estimate, returns_a_number_of_clients_that_fits_and_not_much_less_than_possible)
{
    static const uint64_t mib[] = {8, 10, 16, 24, 40};
    listen_on(ADDR_IPV4, TRANSPORT_UDP);
    for (size_t i = 0; i < sizeof mib / sizeof mib[0]; i++) {
        config->clients.max = 1000000;
        uint32_t fit = memory_estimate_clients(config, 1, mib[i] << 20);
        cr_assert(fit > 0 && fit < 1000000, "%lu MiB", mib[i]);
        config->clients.max = fit;
        cr_expect_leq(sum_for(1), mib[i] << 20, "%lu MiB, %u clients", mib[i], fit);
        config->clients.max = fit + fit / 9;
        cr_expect_gt(sum_for(1), mib[i] << 20, "%lu MiB, %u clients", mib[i], fit);
    }
    config->clients.max = 1000000;
    cr_expect_eq(memory_estimate_clients(config, 1, 1 << 20), 0);
    cr_expect_eq(memory_estimate_clients(config, 1, UINT64_C(1) << 40), 1000000);
}
