#include "http/http_date.h"

#include <inttypes.h>
#include <stdio.h>

enum { DAY_S = 86400, HOUR_S = 3600, MINUTE_S = 60, YEAR_DAYS = 365 };

#define LAST_SECOND UINT64_C(253402300799) /* of the year 9999 */

static uint32_t is_leap(uint32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Divides the days since 1970-01-01 into year, month (0 to 11) and day of the month (from 1). */
static void find_day(uint32_t days, uint32_t *year, uint32_t *month, uint32_t *day)
{
    static const uint8_t LENGTHS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (*year = 1970; days >= YEAR_DAYS + is_leap(*year); ++*year)
        days -= YEAR_DAYS + is_leap(*year);
    for (*month = 0;; ++*month) {
        uint32_t length = LENGTHS[*month] + (*month == 1 ? is_leap(*year) : 0);
        if (days < length)
            break;
        days -= length;
    }
    *day = days + 1;
}

const char *http_date_format(uint64_t wall_ms, char text[HTTP_DATE_BYTES])
{
    /* 1970-01-01 was a Thursday. */
    static const char WEEKDAYS[][4] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static const char MONTHS[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    uint64_t seconds = wall_ms / 1000 < LAST_SECOND ? wall_ms / 1000 : LAST_SECOND;
    uint32_t days = (uint32_t)(seconds / DAY_S), rest = (uint32_t)(seconds % DAY_S);
    uint32_t year, month, day;
    find_day(days, &year, &month, &day);
    snprintf(text, HTTP_DATE_BYTES, "%s, %02u %s %04u %02u:%02u:%02u GMT", WEEKDAYS[days % 7],
             day % 100, MONTHS[month], year % 10000, rest / HOUR_S % 100, rest % HOUR_S / MINUTE_S,
             rest % MINUTE_S);
    return text;
}
