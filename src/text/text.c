/* Text as people write it: numbers with units, escapes, hexadecimal, near misses. */
#include "text/text.h"

#include <stdio.h>
#include <string.h>

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Largest first; of equal factors, the one to write first. */
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

/* Reads the digits at *text and moves behind them. */
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

/* Reads digits and a suffix of units; bare is the factor without one, 0 to refuse that. */
static const char *read_scaled(const char *text, const struct unit *units, uint64_t bare,
                               const char *misfit, uint64_t *value)
{
    uint64_t number;
    const char *wrong = read_digits(&text, &number);
    if (wrong)
        return wrong;

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

const char *text_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
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

const char *text_duration(const char *text, uint64_t bare_unit_ms, uint64_t *ms)
{
    return read_scaled(text, DURATIONS, bare_unit_ms, "a duration ends in ms, s, m, h or d", ms);
}

const char *text_size(const char *text, uint64_t *bytes)
{
    return read_scaled(text, SIZES, 1, "a size ends in k, m, g or no unit", bytes);
}

const char *text_format_duration(uint64_t ms, char text[24])
{
    return format_scaled(ms, DURATIONS, text);
}

const char *text_format_size(uint64_t bytes, char text[24])
{
    return format_scaled(bytes, SIZES, text);
}

/* Bytes that have a letter of their own, each before it. */
static const char LETTERS[] = "\nn\tt\rr\\\\\"\"";

/* Writes a byte as it is printed, without a NUL, and returns the length. */
static size_t escape_byte(char out[4], uint8_t byte)
{
    for (const char *pair = LETTERS; *pair; pair += 2) {
        if (byte == (uint8_t)pair[0]) {
            memcpy(out, (char[]){'\\', pair[1]}, 2);
            return 2;
        }
    }
    if (byte >= ' ' && byte <= '~') {
        out[0] = (char)byte;
        return 1;
    }
    char digits[3];
    text_to_hex(digits, &byte, 1);
    memcpy(out, (char[]){'\\', 'x', digits[0], digits[1]}, 4);
    return 4;
}

size_t text_escape(char *out, size_t room, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    size_t length = 0, cut = 0; /* cut: the longest prefix that leaves room for the dots */
    for (size_t i = 0; i < size; i++) {
        char escape[4];
        size_t n = escape_byte(escape, in[i]);
        if (length + n >= room) {
            memcpy(out + cut, "...", 4);
            return cut + 3;
        }
        memcpy(out + length, escape, n);
        length += n;
        if (length + 3 < room)
            cut = length;
    }
    out[length] = '\0';
    return length;
}

size_t text_unescape(const char *text, uint8_t *byte)
{
    if (text[0] == 'x')
        return text[1] && text_from_hex(byte, text + 1, 2) ? 3 : 0;
    for (const char *pair = LETTERS; *pair; pair += 2) {
        if (text[0] == pair[1]) {
            *byte = (uint8_t)pair[0];
            return 1;
        }
    }
    return 0;
}

void text_to_hex(char *out, const void *bytes, size_t size)
{
    const uint8_t *in = bytes;
    for (size_t i = 0; i < size; i++) {
        out[2 * i] = "0123456789abcdef"[in[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[in[i] & 15];
    }
    out[2 * size] = '\0';
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool text_from_hex(uint8_t *out, const char *hex, size_t length)
{
    if (length % 2 != 0)
        return false;
    for (size_t i = 0; i < length; i += 2) {
        int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return true;
}

enum {
    NEAR = 2,            /* typing errors that a suggestion forgives */
    WORD_BYTES_MAX = 64, /* no word that we suggest is longer */
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The Damerau-Levenshtein distance of words of n and m <= WORD_BYTES_MAX bytes, no part edited
 * twice (optimal string alignment), and upper case the same as lower. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t rows[3][WORD_BYTES_MAX + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            char x = lower(a[i - 1]), y = lower(b[j - 1]);
            row[j] = least(above[j - 1] + (x != y), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && y == lower(a[i - 2]))
                row[j] = least(row[j], above2[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *text_nearest(const char *word, const char *const *words, size_t count)
{
    size_t length = strlen(word);
    size_t best = least(NEAR + 1, length);
    const char *nearest = NULL;
    if (length > WORD_BYTES_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(words[i]);
        if (other > WORD_BYTES_MAX)
            continue;
        size_t d = distance(word, length, words[i], other);
        if (d < best) {
            best = d;
            nearest = words[i];
        }
    }
    return nearest;
}

const char *text_bad_value(char *out, size_t room, const char *what, const char *value,
                           const char *why)
{
    char escaped[200];
    text_escape(escaped, sizeof escaped, value, strlen(value));
    snprintf(out, room, "bad %s '%s': %s", what, escaped, why);
    return out;
}
