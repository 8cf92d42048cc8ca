/* Numbers as the reports print them, in integers from the first digit to the last. */
#include "load/report/number_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A number of units of which 10^decimals make one. */
static const char *print_decimal(uint64_t number, int decimals, char text[NUMBER_TEXT_BYTES])
{
    uint64_t unit = 1;
    for (int i = 0; i < decimals; i++)
        unit *= 10;
    if (decimals == 0)
        snprintf(text, NUMBER_TEXT_BYTES, "%" PRIu64, number);
    else
        snprintf(text, NUMBER_TEXT_BYTES, "%" PRIu64 ".%0*" PRIu64, number / unit, decimals,
                 number % unit);
    return text;
}

/* number / divisor to the nearest. */
static uint64_t rounded(uint64_t number, uint64_t divisor)
{
    return number / divisor + (number % divisor >= divisor - divisor / 2);
}

const char *number_text_us(uint64_t ns, char text[NUMBER_TEXT_BYTES])
{
    return print_decimal(ns, 3, text);
}

const char *number_text_ms(uint64_t ns, char text[NUMBER_TEXT_BYTES])
{
    return print_decimal(ns, 6, text);
}

const char *number_text_seconds(uint64_t ns, char text[NUMBER_TEXT_BYTES])
{
    /* Milliseconds are enough but for what takes only some of them. */
    if (ns < 10000000 && ns % 1000000 != 0)
        return print_decimal(rounded(ns, 1000), 6, text);
    return print_decimal(rounded(ns, 1000000), 3, text);
}

const char *number_text_duration(uint64_t ns, char text[NUMBER_TEXT_BYTES])
{
    static const struct {
        uint64_t ns;
        const char *suffix;
    } units[] = {{1000000000, " s"}, {1000000, " ms"}, {1000, " \302\265s"}, {1, " ns"}};

    /* 999,500 ns are no longer 1000 µs, they are 1.00 ms. */
    size_t i = 0;
    while (i < 3 && ns < units[i].ns - units[i].ns / 2000)
        i++;
    uint64_t unit = units[i].ns;
    int decimals = unit == 1 ? 0 : ns < unit * 9995 / 1000 ? 2 : ns < unit * 9995 / 100 ? 1 : 0;
    static const uint64_t scales[] = {1, 10, 100};
    print_decimal(rounded(ns, unit / (unit == 1 ? 1 : scales[decimals])), decimals, text);
    return strcat(text, units[i].suffix);
}

static const char *without_zeros(char text[NUMBER_TEXT_BYTES])
{
    size_t length = strlen(text);
    while (text[length - 1] == '0')
        length--;
    if (text[length - 1] == '.')
        length--;
    text[length] = '\0';
    return text;
}

const char *number_text_rate(double rate, char text[NUMBER_TEXT_BYTES])
{
    const double greatest = 1e15; /* whose tenths are still exact in a double */
    if (!(rate > 0))
        rate = 0;
    if (rate > greatest)
        rate = 0;
    int decimals = rate < 1000 ? 3 : 1;
    print_decimal((uint64_t)(rate * (decimals == 3 ? 1000 : 10) + 0.5), decimals, text);
    return without_zeros(text);
}

const char *number_text_share(double share, char text[NUMBER_TEXT_BYTES])
{
    if (!(share > 0))
        share = 0;
    return print_decimal(share < 1 ? (uint64_t)(share * 1000 + 0.5) : 1000, 3, text);
}

const char *number_text_percent(uint64_t part, uint64_t whole, char text[NUMBER_TEXT_BYTES])
{
    const uint64_t all = 100000; /* thousandths of a percent */
    if (whole == 0)
        return strcpy(text, "-");
    if (part >= whole)
        return print_decimal(all, 3, text);
    /* Where the product would overflow, the low digits don't matter. */
    for (; part > UINT64_MAX / all; part /= 2)
        whole /= 2;
    uint64_t share = rounded(part * all, whole);
    if (share == 0 && part > 0)
        return strcpy(text, "<0.001");
    if (share == all)
        return strcpy(text, ">99.999");
    return print_decimal(share, 3, text);
}

const char *number_text_count(uint64_t count, char text[NUMBER_TEXT_BYTES])
{
    return print_decimal(count, 0, text);
}

const char *number_text_grouped(const char *figure, char text[NUMBER_TEXT_BYTES])
{
    size_t whole = strcspn(figure, "."), to = 0;
    for (size_t i = 0; i < whole; i++) {
        if (i > 0 && (whole - i) % 3 == 0)
            text[to++] = ',';
        text[to++] = figure[i];
    }
    snprintf(text + to, NUMBER_TEXT_BYTES - to, "%s", figure + whole);
    return text;
}
