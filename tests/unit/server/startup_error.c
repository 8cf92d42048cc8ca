/* The advice on shortages. */
#include "server/startup_error.h"

#include <criterion/criterion.h>
#include <errno.h>

TestSuite(startup_error, .timeout = 10);

Test(startup_error, advises_on_shortages_of_descriptors_and_memory)
{
    static const struct {
        int error;
        const char *advice;
    } cases[] = {
        {-EMFILE, "raise the limit on open files (ulimit -n)"},
        {-ENFILE, "raise fs.file-max, or close files elsewhere"},
        {-ENOMEM, "lower clients.max, or provide more memory"},
        {-ENOBUFS, "free some memory"},
        {-EPERM, "otherwise"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_str_eq(startup_error_advice(cases[i].error, "otherwise"), cases[i].advice);
}
