#include "terminal/history.h"

#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    char *line; /* NUL-terminated */
    size_t size;
};

struct history {
    size_t oldest, count;
    size_t bytes; /* of all lines, without their NULs */
    struct entry entries[HISTORY_LINES_MAX];
};

struct history *history_new(void)
{
    return calloc(1, sizeof(struct history));
}

static void drop_oldest(struct history *history)
{
    struct entry *entry = &history->entries[history->oldest];
    history->bytes -= entry->size;
    free(entry->line);
    history->oldest = (history->oldest + 1) % HISTORY_LINES_MAX;
    history->count--;
}

void history_free(struct history *history)
{
    if (!history)
        return;
    while (history->count)
        drop_oldest(history);
    free(history);
}

bool history_accepts(const char *line, size_t size)
{
    uint32_t code;
    if (size == 0 || size > HISTORY_LINE_MAX)
        return false;
    for (size_t length; size; line += length, size -= length)
        if ((length = utf8_decode(line, size, &code)) == 0 || code == '\n' || code == '\0')
            return false;
    return true;
}

static bool is_newest(const struct history *history, const char *line, size_t size)
{
    size_t length = 0;
    const char *newest = history->count ? history_get(history, 0, &length) : "";
    return length == size && memcmp(newest, line, size) == 0;
}

bool history_add(struct history *history, const char *line, size_t size)
{
    if (!history_accepts(line, size) || is_newest(history, line, size))
        return false;
    char *copy = malloc(size + 1);
    if (!copy)
        return false;
    memcpy(copy, line, size);
    copy[size] = '\0';
    while (history->count == HISTORY_LINES_MAX ||
           (history->count && history->bytes + size > HISTORY_BYTES_MAX))
        drop_oldest(history);
    size_t newest = (history->oldest + history->count++) % HISTORY_LINES_MAX;
    history->entries[newest] = (struct entry){copy, size};
    history->bytes += size;
    return true;
}

size_t history_count(const struct history *history)
{
    return history->count;
}

const char *history_get(const struct history *history, size_t age, size_t *size)
{
    const struct entry *entry =
        &history->entries[(history->oldest + history->count - 1 - age) % HISTORY_LINES_MAX];
    *size = entry->size;
    return entry->line;
}

void history_add_lines(struct history *history, const char *text, size_t size)
{
    while (size) {
        const char *newline = memchr(text, '\n', size);
        size_t length = newline ? (size_t)(newline - text) : size;
        history_add(history, text, length);
        length += newline != NULL;
        text += length;
        size -= length;
    }
}
