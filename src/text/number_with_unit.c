#include "text/number_with_unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* In descending order; of equal factors, the first one is the one that is written. */
static const struct unit DURATIONS[] = {
    {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}, {NULL, 0},
};
static const struct unit SIZES[] = {
    {"g", 1 << 30}, {"G", 1 << 30}, {"m", 1 << 20}, {"M", 1 << 20},
    {"k", 1 << 10}, {"K", 1 << 10}, {"", 1},        {NULL, 0},
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads the digits at *text and moves *text to what follows them. */
static const char *read_digits(const char **text, uint64_t *value)
{
    if (text[0][0] == '-' && is_digit(text[0][1]))
        return "must not be negative";
    if (!is_digit(**text))
        return "not a number";
    *value = 0;
    for (; is_digit(**text); (*text)++) {
        uint64_t digit = (uint64_t)(**text - '0');
        if (*value > (UINT64_MAX - digit) / 10)
            return "too large";
        *value = *value * 10 + digit;
    }
    return NULL;
}

/* Reads digits and a suffix of units; bare is the factor of a number without suffix, 0 to refuse
 * it. misfit is what to return if the suffix is wrong. */
static const char *read_scaled(const char *text, const struct unit *units, uint64_t bare,
                               const char *misfit, uint64_t *value)
{
    uint64_t number;
    const char *wrong = read_digits(&text, &number);
    if (wrong)
        return wrong;

    if (*text == '.')
        return "must be a whole number";
    uint64_t factor = bare;
    if (*text) {
        while (units->suffix && strcmp(units->suffix, text) != 0)
            units++;
        factor = units->factor;
    }
    if (factor == 0)
        return misfit;
    if (number > UINT64_MAX / factor)
        return "too large";
    *value = number * factor;
    return NULL;
}

static char *format_scaled(uint64_t value, const struct unit *units, char text[24])
{
    while (units->factor > 1 && (value == 0 || value % units->factor != 0))
        units++;
    snprintf(text, 24, "%llu%s", (unsigned long long)(value / units->factor), units->suffix);
    return text;
}

const char *number_parse(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
    uint64_t number;
    const char *wrong = read_digits(&text, &number);
    if (wrong)
        return wrong;
    if (*text)
        return "not a number";
    if (number < min)
        return "too small";
    if (number > max)
        return "too large";
    *value = number;
    return NULL;
}

const char *duration_parse(const char *text, uint64_t bare_unit_ms, uint64_t *ms)
{
    return read_scaled(text, DURATIONS, bare_unit_ms, "a duration ends in ms, s, m, h or d", ms);
}

const char *size_parse(const char *text, uint64_t *bytes)
{
    return read_scaled(text, SIZES, 1, "a size ends in k, m, g or no unit", bytes);
}

const char *duration_format(uint64_t ms, char text[24])
{
    return format_scaled(ms, DURATIONS, text);
}

const char *size_format(uint64_t bytes, char text[24])
{
    return format_scaled(bytes, SIZES, text);
}
