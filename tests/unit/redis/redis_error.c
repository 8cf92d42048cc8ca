/* Tests of errors of Redis: those that stay, and those that may pass. */
#include "redis/redis_error.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(redis_error, .timeout = 10);

Test(redis_error, has_an_advice_for_what_stays)
{
    cr_expect_not_null(strstr(redis_error_advice("NOAUTH Authentication required."), "password"));
    cr_expect_not_null(strstr(redis_error_advice("WRONGPASS invalid username"), "password"));
    cr_expect_not_null(strstr(redis_error_advice("NOPERM this user has no"), "permit"));
    cr_expect_not_null(strstr(redis_error_advice("WRONGTYPE Operation against"), "stream"));
    cr_expect_not_null(
        strstr(redis_error_advice("EXECABORT Transaction discarded because of: NOPERM "
                                  "this user has no"),
               "permit"));
    cr_expect_not_null(strstr(redis_error_advice("ERR DB index is out of range"), "database"));
}

Test(redis_error, has_none_for_what_may_pass)
{
    static const char *const errors[] = {"LOADING Redis is loading the dataset in memory",
                                         "OOM command not allowed",
                                         "MASTERDOWN Link with MASTER is down",
                                         "READONLY You can't write",
                                         "",
                                         "ERR something"};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        cr_expect_null(redis_error_advice(errors[i]), "%s", errors[i]);
}
