/* Random bytes from the kernel. */
#include "os/process/random.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

Test(random, fills_all_bytes_and_no_others)
{
    /* A byte that is filled stays zero in all of 32 fills with a probability of 2^-256. */
    unsigned char seen[256] = {0}, bytes[258] = {0};
    for (int i = 0; i < 32; i++) {
        cr_assert_eq(random_fill(bytes + 1, 256), 0);
        for (size_t j = 0; j < 256; j++)
            seen[j] |= bytes[j + 1];
    }
    cr_assert_eq(memchr(seen, 0, sizeof seen), NULL);
    cr_assert_eq(bytes[0], 0);
    cr_assert_eq(bytes[257], 0);
}

Test(random, gives_other_bytes_each_time)
{
    unsigned char a[16], b[16];
    cr_assert_eq(random_fill(a, sizeof a), 0);
    cr_assert_eq(random_fill(b, sizeof b), 0);
    cr_assert_neq(memcmp(a, b, sizeof a), 0);
}

Test(random, refuses_sizes_that_could_be_filled_in_part)
{
    unsigned char bytes[257];
    cr_assert_eq(random_fill(bytes, sizeof bytes), -EINVAL);
}
