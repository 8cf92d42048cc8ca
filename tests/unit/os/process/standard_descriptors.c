/* Opening the standard descriptors that are closed. */
#include "os/process/standard_descriptors.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

Test(standard_descriptors, opens_only_the_missing_standard_descriptors)
{
    int next = dup(STDIN_FILENO);
    close(next);
    close(STDIN_FILENO);
    cr_assert_eq(standard_descriptors_open_missing(), 0);
    cr_assert_eq(fcntl(STDIN_FILENO, F_GETFD), 0);
    cr_assert_eq(dup(STDIN_FILENO), next);
}
