#include "load_report_fixture.h"

#include "base/utf8.h"

#include <criterion/criterion.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    INTERVALS = 20,
    INTERVAL_MS = 500,
    PER_INTERVAL = 50000,
    STALLED = 8, /* the interval in which the server stalls */
};

static void init(struct load_result *result)
{
    memset(result, 0, sizeof *result);
    histogram_init(&result->corrected);
    histogram_init(&result->raw);
    histogram_init(&result->lag);
    result->exact = result->kept_up = result->answered_enough = true;
    result->max_loss_ppm = LOAD_LOSS_ANY;
    strcpy(result->started, "2026-01-31T12:00:00Z");
    result->timeout_ns = 1000000000;
    result->target = strdup("127.0.0.1:3000");
    result->host = strdup("lab-7, Linux 6.1.0-18-amd64, 8 processors");
    result->command = strdup("udpload -c 1000 -Q 100000 -l 10 -S 500ms --expect audi,toyota,bmw "
                             "--html report.html 127.0.0.1");
    result->clients = 1000;
    result->threads = 2;
}

/* xorshift64* (Vigna, 2016). */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* Fast, with a tail, and slower while the server stalls. */
static uint64_t latency_ns(uint64_t *state, size_t interval)
{
    uint64_t value = 18000 + next_random(state) % 9000 + 2000000 / (1 + next_random(state) % 5000);
    if (interval == STALLED)
        value += next_random(state) % 200000000;
    return value;
}

static void fill(struct load_result *result, size_t i, uint64_t *state)
{
    struct load_interval *interval = &result->intervals[i];
    uint64_t lost = i == STALLED ? 1740 : i % 5 == 3 ? 4 : 0;
    struct histogram corrected;
    histogram_init(&corrected);
    for (uint64_t k = 0; k < PER_INTERVAL - lost; k++) {
        uint64_t value = latency_ns(state, i);
        histogram_add(&corrected, value);
        histogram_add(&result->raw, i == STALLED && k % 50 != 0 ? value / 1000 + 18000 : value);
        histogram_add(&result->lag, 800 + next_random(state) % 4000);
    }
    histogram_merge(&result->corrected, &corrected);
    *interval = (struct load_interval){
        .start_ms = i * INTERVAL_MS,
        .end_ms = (i + 1) * INTERVAL_MS,
        .counts = {.sent = PER_INTERVAL, .replied = PER_INTERVAL - lost, .lost = lost},
        .p50_ns = histogram_percentile(&corrected, 500000),
        .p99_ns = histogram_percentile(&corrected, 990000),
        .max_ns = corrected.max,
    };
    result->counts.sent += interval->counts.sent;
    result->counts.replied += interval->counts.replied;
    result->counts.lost += lost;
}

struct load_result report_sample(void)
{
    static const char *const messages[] = {"audi", "toyota", "bmw", "(other)"};
    struct load_result result;
    uint64_t state = 42;
    init(&result);
    result.intervals = calloc(INTERVALS, sizeof *result.intervals);
    result.interval_count = INTERVALS;
    for (size_t i = 0; i < INTERVALS; i++)
        fill(&result, i, &state);
    result.counts.replied -= 2;
    result.counts.wrong = 2;
    result.counts.late = 1211;
    result.counts.duplicate = 7;
    result.counts.unsolicited = 3;
    result.counts.challenged = 12;
    result.counts.refused = 5;
    result.replies = calloc(4, sizeof *result.replies);
    result.reply_count = 4;
    for (size_t i = 0; i < 4; i++)
        result.replies[i] = (struct load_reply){strdup(messages[i]),
                                                i < 3 ? (result.counts.replied + 2 - i) / 3 : 2};
    result.duration_ns = UINT64_C(10000400000);
    result.requested_rate = 100000;
    result.achieved_rate = 99996.0001599936;
    result.answered_rate = 99821.40715;
    result.cpu_share = 0.6180339887;
    result.rotation_known = result.rotation_even = true;
    result.fanout = (struct load_fanout){.done = true,
                                         .broadcasts = 3,
                                         .targets = 3021,
                                         .expected = 3000,
                                         .received = 2999,
                                         .missing = 1,
                                         .first_ns = 81230,
                                         .median_ns = 1204117,
                                         .last_ns = 2450999};
    return result;
}

struct load_result report_empty(void)
{
    struct load_result result;
    init(&result);
    return result;
}

char *report_print(report_verb *verb, const struct load_result *result)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    cr_assert_eq(verb(out, result), 0);
    cr_assert_eq(fclose(out), 0);
    cr_assert_eq(strlen(text), size, "a NUL byte was printed");
    return text;
}

const char *report_hostile(void)
{
    static const char ends[] = "</script><script>alert(1)</script><!--\"'&amp;]]>\\\n\xed\xa0\x80";
    static char text[sizeof ends + 255];
    strcpy(text, ends);
    for (size_t byte = 1; byte < 256; byte++)
        text[sizeof ends - 2 + byte] = (char)byte;
    return text;
}

void report_expect_error(report_verb *verb)
{
    struct load_result result = report_sample();
    FILE *full = fopen("/dev/full", "we");
    cr_assert_not_null(full);
    cr_assert_eq(verb(full, &result), -ENOSPC);
    fclose(full);
    load_result_free(&result);
}

/* ---- A strict reader of JSON ---- */

static const char *skip(const char *json)
{
    return json + strspn(json, " \t\r\n");
}

static const char *string_end(const char *json)
{
    for (json++; *json != '"';) {
        size_t length = utf8_length(json);
        if ((unsigned char)*json < ' ' || length == 0)
            return NULL;
        if (*json != '\\') {
            json += length;
            continue;
        }
        if (json[1] == 'u') {
            for (int i = 2; i < 6; i++)
                if (!isxdigit((unsigned char)json[i]))
                    return NULL;
            json += 6;
        } else if (json[1] != '\0' && strchr("\"\\/bfnrt", json[1])) {
            json += 2;
        } else {
            return NULL;
        }
    }
    return json + 1;
}

static const char *digits(const char *json)
{
    size_t length = strspn(json, "0123456789");
    return length > 0 ? json + length : NULL;
}

static const char *number_end(const char *json)
{
    json += *json == '-';
    if (json[0] == '0' && isdigit((unsigned char)json[1]))
        return NULL;
    json = digits(json);
    if (json && *json == '.')
        json = digits(json + 1);
    return json;
}

/* The members or elements between two brackets. */
static const char *list_end(const char *json, bool object)
{
    char close = object ? '}' : ']';
    json = skip(json + 1);
    if (*json == close)
        return json + 1;
    for (;; json = skip(json + 1)) {
        if (object) {
            json = *json == '"' ? string_end(json) : NULL;
            json = json ? skip(json) : NULL;
            if (!json || *json != ':')
                return NULL;
            json++;
        }
        json = report_json_value(json);
        json = json ? skip(json) : NULL;
        if (!json || (*json != ',' && *json != close))
            return NULL;
        if (*json == close)
            return json + 1;
    }
}

const char *report_json_value(const char *json)
{
    static const char *const words[] = {"true", "false", "null"};
    json = skip(json);
    for (size_t i = 0; i < 3; i++)
        if (strncmp(json, words[i], strlen(words[i])) == 0)
            return json + strlen(words[i]);
    if (*json == '"')
        return string_end(json);
    if (*json == '{' || *json == '[')
        return list_end(json, *json == '{');
    return number_end(json);
}

const char *report_json_member(const char *json, const char *path)
{
    size_t length = strcspn(path, ".");
    if (*(json = skip(json)) != '{')
        return NULL;
    for (json = skip(json + 1); *json == '"'; json = skip(json + (*json == ','))) {
        const char *name = json + 1, *end = string_end(json);
        bool match = strncmp(name, path, length) == 0 && name[length] == '"';
        json = skip(skip(end) + 1);
        if (match && path[length] == '\0')
            return json;
        if (match)
            return report_json_member(json, path + length + 1);
        json = skip(report_json_value(json));
    }
    return NULL;
}
