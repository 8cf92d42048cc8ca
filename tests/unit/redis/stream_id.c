/* Tests of ids as Redis writes them. */
#include "redis/stream_id.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(stream_id, .timeout = 10);

Test(stream_id, reads_both_forms)
{
    struct entry_id id;
    cr_assert(stream_id_parse(&id, "1700000000000-7", 15));
    cr_expect_eq(id.ms, 1700000000000);
    cr_expect_eq(id.sequence, 7);
    cr_assert(stream_id_parse(&id, "5-99", 1));
    cr_expect_eq(id.ms, 5);
    cr_expect_eq(id.sequence, 0);
    cr_assert(stream_id_parse(&id, "0-0", 3));
    cr_expect(entry_id_is_none(&id));
    cr_assert(stream_id_parse(&id, "18446744073709551615-18446744073709551615", 41));
    cr_expect_eq(id.ms, UINT64_MAX);
    cr_expect_eq(id.sequence, UINT64_MAX);
}

Test(stream_id, refuses_what_is_not_an_id)
{
    static const char *const texts[] = {"",
                                        "-",
                                        "1-",
                                        "-1",
                                        "1-2-3",
                                        "a",
                                        "1-a",
                                        "+1",
                                        "1 ",
                                        " 1",
                                        "$",
                                        "18446744073709551616",
                                        "1-18446744073709551616"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct entry_id id = {1, 2};
        cr_expect_not(stream_id_parse(&id, texts[i], strlen(texts[i])), "%s", texts[i]);
        cr_expect_eq(id.sequence, 2, "%s", texts[i]);
    }
}
