#ifndef CROSS_CRITERION_PARAMETERIZED_H
#define CROSS_CRITERION_PARAMETERIZED_H

#include "criterion/criterion.h"

#pragma GCC system_header

/* Parameterized tests of Criterion: here one test that runs with each parameter. */

struct cross_parameters {
    const char *array;
    size_t size, count;
};

#define cr_make_param_array(type, array_, count_) \
    ((struct cross_parameters){(const char *)(array_), sizeof(type), count_})

#define ParameterizedTestParameters(suite_, name_) \
    static struct cross_parameters cross_##suite_##_##name_##_parameters(void)

#define ParameterizedTest(parameter, suite_, name_, ...)                         \
    static void cross_##suite_##_##name_##_with(parameter);                      \
    Test(suite_, name_, __VA_ARGS__)                                             \
    {                                                                            \
        struct cross_parameters all = cross_##suite_##_##name_##_parameters();   \
        for (size_t i = 0; i < all.count; i++)                                   \
            cross_##suite_##_##name_##_with((void *)(all.array + i * all.size)); \
    }                                                                            \
    static void cross_##suite_##_##name_##_with(parameter)

#endif
