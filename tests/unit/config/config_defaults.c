/* Defaults that follow from other values. */
#include "config/config_defaults.h"

#include <criterion/criterion.h>

Test(config_defaults, burst_is_what_the_rate_allows_in_a_second)
{
    struct config *config = config_defaults();
    cr_assert_not_null(config);
    cr_assert_eq(config_burst(config), 0);
    config->admission.rate_pps = 100;
    cr_assert_eq(config_burst(config), 100);
    config->admission.burst = 7;
    cr_assert_eq(config_burst(config), 7);
    config_free(config);
}

Test(config_defaults, the_offload_has_as_many_clients_as_the_server_and_no_more)
{
    struct config *config = config_defaults();
    cr_assert_not_null(config);
    config->clients.max = 100;
    cr_assert_eq(config_offload_max(config), 100);
    config->offload.max = 7;
    cr_assert_eq(config_offload_max(config), 7);
    config->offload.max = 101;
    cr_assert_eq(config_offload_max(config), 100);
    config_free(config);
}
