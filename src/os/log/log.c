#include "os/log/log.h"

#include "os/log/log_writer.h"
#include "os/process/clock.h"
#include "text/printable.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    VALUE_BYTES = 1024,    /* a value, escaped and quoted; a longer one is truncated */
    PUNCTUATION_BYTES = 4, /* around a key: '{"' or ',"', and '":' */
    PAIRS_MAX = 16,
    CLOSING_BYTES = 1, /* reserved for the end of the line: '}' */
};

/* A reload sets these while other threads log. */
static atomic_int log_level = LOG_LEVEL_INFO;
static atomic_int log_format = LOG_FORMAT_TEXT;
static atomic_int log_target = LOG_TARGET_STDERR;

static struct {
    _Atomic uint64_t quiet_until_ms; /* 0: never logged */
    _Atomic uint64_t suppressed;
} kinds[LOG_KINDS];

static const char *program = ""; /* its name */

struct line {
    char *text; /* LOG_TEXT_BYTES */
    size_t size;
    enum config_log_format format;
};

void log_setup(const char *name, enum config_log_level level, enum config_log_format format,
               enum config_log_target target)
{
    program = name;
    atomic_store(&log_level, (int)level);
    atomic_store(&log_format, (int)format);
    atomic_store(&log_target, (int)target);
}

/* ---- Parts of a line ---- */

static size_t bytes_left(const struct line *line)
{
    return LOG_TEXT_BYTES - CLOSING_BYTES - line->size;
}

static void put(struct line *line, const char *bytes, size_t size)
{
    memcpy(line->text + line->size, bytes, size);
    line->size += size;
}

/* Escapes the text for a JSON string; returns its size. */
static size_t escape_json(char *out, size_t capacity, const char *text)
{
    char piece[PRINTABLE_BYTES];
    size_t size = 0;

    for (size_t left = strlen(text), taken; left > 0; text += taken, left -= taken) {
        size_t length = printable_json(piece, text, left, &taken);
        /* All pieces but the last one leave space for the dots. */
        size_t dots = left > taken ? 3 : 0;
        if (size + length + dots > capacity) {
            memcpy(out + size, "...", 3);
            return size + 3;
        }
        memcpy(out + size, piece, length);
        size += length;
    }
    return size;
}

/* Whether logfmt needs no quotes: printable bytes without separators. */
static bool is_bare(const char *text)
{
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++)
        if (*text <= ' ' || *text > '~' || *text == '"' || *text == '=' || *text == '\\')
            return false;
    return true;
}

/* At most 2^53, which every JSON parser reads exactly (RFC 8259, section 6). */
static bool is_json_number(const char *text)
{
    static const char most[] = "9007199254740992";
    size_t size = strspn(text, "0123456789");

    if (size == 0 || text[size] != '\0' || (text[0] == '0' && size > 1))
        return false;
    return size < sizeof most - 1 || (size == sizeof most - 1 && strcmp(text, most) <= 0);
}

/* Writes a value in the format of the log, at most VALUE_BYTES, and returns its size. */
static size_t write_value(char value[VALUE_BYTES], enum config_log_format format, const char *text,
                          bool may_be_number)
{
    bool json = format == LOG_FORMAT_JSON;
    bool quoted = json ? !may_be_number || !is_json_number(text) : !is_bare(text);
    size_t start = quoted ? 1 : 0;
    size_t capacity = VALUE_BYTES - 2 * start;

    size_t size = json && quoted ? escape_json(value + start, capacity, text)
                                 : printable_ascii(value + start, capacity, text, strlen(text));
    if (!quoted)
        return size;
    value[0] = '"';
    value[size + 1] = '"';
    return size + 2;
}

/* A pair that does not fit is left out whole, so that the line can be parsed. */
static void put_typed_pair(struct line *line, const char *key, const char *text, bool may_be_number)
{
    bool json = line->format == LOG_FORMAT_JSON;
    char value[VALUE_BYTES];
    size_t key_size = strlen(key);
    size_t value_size = write_value(value, line->format, text, may_be_number);

    if (key_size + value_size + PUNCTUATION_BYTES > bytes_left(line))
        return;
    if (json)
        put(line, line->size == 0 ? "{\"" : ",\"", 2);
    else if (line->size > 0)
        put(line, " ", 1);
    put(line, key, key_size);
    put(line, json ? "\":" : "=", json ? 2 : 1);
    put(line, value, value_size);
}

static void put_pair(struct line *line, const char *key, const char *text)
{
    put_typed_pair(line, key, text, true);
}

/* The value is a string even if it looks like a number. */
static void put_text(struct line *line, const char *key, const char *text)
{
    put_typed_pair(line, key, text, false);
}

/* ---- A line ---- */

/* Without the time, and in text without the level: the sink adds them. */
static void put_head(struct line *line, enum config_log_level level, const char *sentence)
{
    if (line->format == LOG_FORMAT_TEXT) {
        char escaped[VALUE_BYTES];
        put(line, escaped, printable_ascii(escaped, sizeof escaped, sentence, strlen(sentence)));
        return;
    }
    put_text(line, "level", log_level_name(level));
    put_text(line, "msg", sentence);
}

static void put_number(struct line *line, const char *key, uint64_t value)
{
    char number[24];

    if (value == 0)
        return;
    snprintf(number, sizeof number, "%llu", (unsigned long long)value);
    put_pair(line, key, number);
}

/* The contents of a line. */
struct event {
    enum config_log_level level;
    const char *sentence;
    uint64_t suppressed;
    const struct log_pair *pairs;
    size_t count;
};

/* Composes the line, all but the time of the event. */
static void compose(struct log_line *made, char text[LOG_TEXT_BYTES], const struct event *event,
                    enum config_log_format format)
{
    struct line line = {.text = text, .format = format};

    put_head(&line, event->level, event->sentence);
    put_number(&line, "suppressed", event->suppressed);
    for (size_t i = 0; i < event->count; i++)
        put_pair(&line, event->pairs[i].key, event->pairs[i].value ? event->pairs[i].value : "");
    if (line.format == LOG_FORMAT_JSON)
        put(&line, "}", 1);
    *made = (struct log_line){
        .level = event->level,
        .format = line.format,
        .target = (enum config_log_target)atomic_load(&log_target),
        .size = line.size,
        .text = text,
    };
}

static void log_now(const struct event *event)
{
    int kept_errno = errno;
    char text[LOG_TEXT_BYTES];
    struct log_line line;

    compose(&line, text, event, (enum config_log_format)atomic_load(&log_format));
    line.wall_ms = clock_wall_ms();
    log_writer_put(&line);
    errno = kept_errno;
}

/* ---- the last error ---- */

static struct {
    pthread_mutex_t lock;
    atomic_bool is_kept;
    char text[LOG_LAST_ERROR_BYTES];
} last_error = {.lock = PTHREAD_MUTEX_INITIALIZER};

void log_keep_last_error(void)
{
    atomic_store(&last_error.is_kept, true);
}

const char *log_last_error(char text[LOG_LAST_ERROR_BYTES])
{
    pthread_mutex_lock(&last_error.lock);
    strcpy(text, last_error.text[0] != '\0' ? last_error.text : "it did not say why");
    pthread_mutex_unlock(&last_error.lock);
    return text;
}

static void keep_error(const struct event *event)
{
    char text[LOG_TEXT_BYTES];
    struct log_line line;
    if (event->level != LOG_LEVEL_ERROR ||
        !atomic_load_explicit(&last_error.is_kept, memory_order_relaxed))
        return;
    compose(&line, text, event, LOG_FORMAT_TEXT);
    pthread_mutex_lock(&last_error.lock);
    snprintf(last_error.text, sizeof last_error.text, "%.*s", (int)line.size, text);
    pthread_mutex_unlock(&last_error.lock);
}

static void note_lost(struct log_line *line, char text[LOG_TEXT_BYTES], uint64_t lost)
{
    char number[24];
    const struct log_pair pairs[] = {
        {"dropped", number},
        {"reason", "the reader of the log was too slow, or refused them"},
        {"advice", "look at what reads the log"},
    };

    snprintf(number, sizeof number, "%llu", (unsigned long long)lost);
    compose(line, text,
            &(struct event){LOG_LEVEL_WARNING, "lines of the log were lost", 0, pairs,
                            sizeof pairs / sizeof pairs[0]},
            (enum config_log_format)atomic_load(&log_format));
}

int log_start(void)
{
    return log_writer_start(program, note_lost);
}

void log_close(void)
{
    log_writer_stop(program, note_lost);
}

/* Collects pairs up to the NULL that ends them; those beyond PAIRS_MAX are left out. */
static size_t collect(struct log_pair pairs[PAIRS_MAX], va_list list)
{
    size_t count = 0;
    while (count < PAIRS_MAX && (pairs[count].key = va_arg(list, const char *)) != NULL)
        pairs[count++].value = va_arg(list, const char *);
    return count;
}

static bool is_logged(enum config_log_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void log_pairs(enum config_log_level level, const char *sentence, const struct log_pair *pairs,
               size_t count)
{
    const struct event event = {level, sentence, 0, pairs, count};
    keep_error(&event);
    if (is_logged(level))
        log_now(&event);
}

void log_event(enum config_log_level level, const char *sentence, ...)
{
    struct log_pair pairs[PAIRS_MAX];
    va_list list;

    va_start(list, sentence);
    log_pairs(level, sentence, pairs, collect(pairs, list));
    va_end(list);
}

void log_limited(enum log_kind kind, uint64_t now_ms, const char *sentence, ...)
{
    uint64_t quiet_until_ms = atomic_load(&kinds[kind].quiet_until_ms);
    struct log_pair pairs[PAIRS_MAX];
    va_list list;

    if (!is_logged(LOG_LEVEL_WARNING))
        return;
    /* If several threads call at the same time, one logs. */
    if (now_ms < quiet_until_ms ||
        !atomic_compare_exchange_strong(&kinds[kind].quiet_until_ms, &quiet_until_ms,
                                        now_ms + LOG_REPEAT_MS)) {
        atomic_fetch_add(&kinds[kind].suppressed, 1);
        return;
    }
    va_start(list, sentence);
    size_t count = collect(pairs, list);
    uint64_t suppressed = atomic_exchange(&kinds[kind].suppressed, 0);
    log_now(&(struct event){LOG_LEVEL_WARNING, sentence, suppressed, pairs, count});
    va_end(list);
}
