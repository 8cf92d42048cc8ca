/* Offloaded clients that the program renews in other threads while the registry sweeps. */
#include "offload_race_fixture.h"

#include <criterion/criterion.h>

Test(offloaded_clients_race, evicts_no_client_that_was_renewed_in_time)
{
    static struct race race;
    race_run(&race, 100000);
    cr_assert_eq(race.too_early, 0);
    cr_assert(race_is_good(&race));
}
