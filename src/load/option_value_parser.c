#include "load/option_value_parser.h"

#include "load/send/send_schedule.h"
#include "text/number_with_unit.h"

#include <stdio.h>
#include <string.h>

static const uint64_t MS_NS = 1000000;

/* A longer duration is a mistake; sums of shorter ones do not overflow. */
static const uint64_t DURATION_MAX_MS = 24 * 60 * 60 * 1000;

bool option_value_parse_number(const char *text, uint32_t max, uint32_t *value)
{
    uint64_t number;
    if (number_parse(text, 1, max, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

const char *option_value_parse_duration(const char *text, uint64_t min_ms, uint64_t *ns)
{
    uint64_t ms;
    const char *wrong = duration_parse(text, 1000, &ms);
    if (wrong)
        return wrong;
    if (ms < min_ms)
        return min_ms == 1 ? "it must not be 0" : "it is less than 10ms";
    if (ms > DURATION_MAX_MS)
        return "it is more than a day";
    *ns = ms * MS_NS;
    return NULL;
}

const char *option_value_parse_rate(const char *text, uint32_t *rate)
{
    *rate = 0;
    if (strcmp(text, "max") == 0 || option_value_parse_number(text, SEND_SCHEDULE_RATE_MAX, rate))
        return NULL;
    return "it is neither a number from 1 to 10000000 nor 'max'";
}

const char *option_value_parse_percent(const char *text, uint32_t *ppm)
{
    unsigned whole = 0;
    char decimals[5] = "";
    int used = 0;
    if (sscanf(text, "%3u%n", &whole, &used) != 1 || text[0] < '0' || text[0] > '9')
        return "it is not a percentage such as 0.1%";
    text += used;
    if (*text == '.' && sscanf(text, ".%4[0-9]%n", decimals, &used) == 1)
        text += used;
    if (*text == '%')
        text++;
    if (*text)
        return "it is not a percentage such as 0.1%";
    *ppm = whole * 10000;
    for (unsigned i = 0, unit = 1000; decimals[i]; i++, unit /= 10)
        *ppm += (unsigned)(decimals[i] - '0') * unit;
    return *ppm > 1000000 ? "it is more than 100%" : NULL;
}

static bool is_among(const struct reply_counts_text *replies, size_t count, const char *bytes,
                     size_t size)
{
    for (size_t i = 0; i < count; i++)
        if (replies[i].size == size && memcmp(replies[i].bytes, bytes, size) == 0)
            return true;
    return false;
}

const char *option_value_parse_replies(const char *text,
                                       struct reply_counts_text replies[REPLY_COUNTS_MAX],
                                       size_t *count)
{
    *count = 0;
    for (const char *at = text;;) {
        size_t size = strcspn(at, ",");
        if (size == 0)
            return "one of the replies is empty";
        if (*count == REPLY_COUNTS_MAX)
            return "there are more than 64 replies";
        if (is_among(replies, *count, at, size))
            return "a reply is given twice";
        replies[(*count)++] = (struct reply_counts_text){at, size};
        if (at[size] == '\0')
            return NULL;
        at += size + 1;
    }
}
