#include "load/report/number_format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Prints number / 10^decimals, in integer arithmetic. */
static const char *print_decimal(uint64_t number, int decimals, char text[NUMBER_FORMAT_BYTES])
{
    uint64_t unit = 1;
    for (int i = 0; i < decimals; i++)
        unit *= 10;
    if (decimals == 0)
        snprintf(text, NUMBER_FORMAT_BYTES, "%" PRIu64, number);
    else
        snprintf(text, NUMBER_FORMAT_BYTES, "%" PRIu64 ".%0*" PRIu64, number / unit, decimals,
                 number % unit);
    return text;
}

/* Returns number / divisor, rounded to the nearest integer. */
static uint64_t rounded(uint64_t number, uint64_t divisor)
{
    return number / divisor + (number % divisor >= divisor - divisor / 2);
}

const char *number_format_us(uint64_t ns, char text[NUMBER_FORMAT_BYTES])
{
    return print_decimal(ns, 3, text);
}

const char *number_format_ms(uint64_t ns, char text[NUMBER_FORMAT_BYTES])
{
    return print_decimal(ns, 6, text);
}

const char *number_format_seconds(uint64_t ns, char text[NUMBER_FORMAT_BYTES])
{
    /* Milliseconds are precise enough, except below 10 of them. */
    if (ns < 10000000 && ns % 1000000 != 0)
        return print_decimal(rounded(ns, 1000), 6, text);
    return print_decimal(rounded(ns, 1000000), 3, text);
}

const char *number_format_duration(uint64_t ns, char text[NUMBER_FORMAT_BYTES])
{
    static const struct {
        uint64_t ns;
        const char *suffix;
    } units[] = {{1000000000, " s"}, {1000000, " ms"}, {1000, " \302\265s"}, {1, " ns"}};

    /* From 999,500 ns on, the text is 1.00 ms, not 1000 µs. */
    size_t i = 0;
    while (i < 3 && ns < units[i].ns - units[i].ns / 2000)
        i++;
    uint64_t unit = units[i].ns;
    int decimals = unit == 1 ? 0 : ns < unit * 9995 / 1000 ? 2 : ns < unit * 9995 / 100 ? 1 : 0;
    static const uint64_t scales[] = {1, 10, 100};
    print_decimal(rounded(ns, unit / (unit == 1 ? 1 : scales[decimals])), decimals, text);
    return strcat(text, units[i].suffix);
}

static const char *without_zeros(char text[NUMBER_FORMAT_BYTES])
{
    size_t length = strlen(text);
    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    text[length] = '\0';
    return text;
}

const char *number_format_rate(double rate, char text[NUMBER_FORMAT_BYTES])
{
    const double greatest = 1e15; /* a double still represents its tenths exactly */
    if (!(rate > 0))
        rate = 0;
    if (rate > greatest)
        rate = 0;
    int decimals = rate < 1000 ? 3 : 1;
    print_decimal((uint64_t)(rate * (decimals == 3 ? 1000 : 10) + 0.5), decimals, text);
    return without_zeros(text);
}

const char *number_format_share(double share, char text[NUMBER_FORMAT_BYTES])
{
    if (!(share > 0))
        share = 0;
    return print_decimal(share < 1 ? (uint64_t)(share * 1000 + 0.5) : 1000, 3, text);
}

const char *number_format_percent(uint64_t part, uint64_t whole, char text[NUMBER_FORMAT_BYTES])
{
    const uint64_t all = 100000; /* thousandths of a percent */
    if (whole == 0)
        return strcpy(text, "-");
    if (part >= whole)
        return print_decimal(all, 3, text);
    /* If the product would overflow, the low digits do not matter. */
    for (; part > UINT64_MAX / all; part /= 2)
        whole /= 2;
    uint64_t share = rounded(part * all, whole);
    if (share == 0 && part > 0)
        return strcpy(text, "<0.001");
    if (share == all)
        return strcpy(text, ">99.999");
    return print_decimal(share, 3, text);
}

const char *number_format_ratio(uint64_t part, uint64_t whole, char text[NUMBER_FORMAT_BYTES])
{
    if (whole == 0)
        return strcpy(text, "-");
    /* If the product would overflow, the low digits do not matter. */
    for (; part > UINT64_MAX / 1000 && whole > 1; part /= 2)
        whole /= 2;
    if (part > UINT64_MAX / 1000)
        part = UINT64_MAX / 1000;
    return print_decimal(rounded(part * 1000, whole), 3, text);
}

const char *number_format_count(uint64_t count, char text[NUMBER_FORMAT_BYTES])
{
    return print_decimal(count, 0, text);
}

const char *number_format_grouped(const char *number, char text[NUMBER_FORMAT_BYTES])
{
    size_t whole = strcspn(number, "."), to = 0;
    for (size_t i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % 3 == 0)
            text[to++] = ',';
        text[to++] = number[i];
    }
    snprintf(text + to, NUMBER_FORMAT_BYTES - to, "%s", number + whole);
    return text;
}
