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
