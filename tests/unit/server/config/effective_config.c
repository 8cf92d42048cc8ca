/* The configuration in effect, and how long it lives. */
#include "server/config/effective_config.h"

#include "config/config_defaults.h"

#include <criterion/criterion.h>

TestSuite(effective_config);

Test(effective_config, is_that_of_the_start_until_a_reload)
{
    struct config *started = config_defaults();
    struct effective_config *effective = effective_config_new(started);
    cr_assert_not_null(effective);
    cr_expect_eq(effective->started, started);
    cr_expect_eq(effective->loaded, started);
    effective_config_release(effective);
    cr_expect_eq(started->clients.ttl_ms, 60000, "the configuration of the start is the caller's");
    config_free(started);
}

/* AddressSanitizer reports an access after the release, and a leak. */
Test(effective_config, lives_as_long_as_it_is_held)
{
    struct config *started = config_defaults(), *loaded = config_defaults();
    loaded->clients.ttl_ms = 9000;
    struct effective_config *effective = effective_config_new(started);
    effective_config_set_loaded(effective, loaded);
    struct effective_config *held = effective_config_hold(effective);
    effective_config_release(effective);
    cr_expect_eq(held->loaded->clients.ttl_ms, 9000);
    cr_expect_eq(held->started, started);
    effective_config_release(held);
    config_free(started);
}

Test(effective_config, releasing_none_does_nothing)
{
    effective_config_release(NULL);
}
