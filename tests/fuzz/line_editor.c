/* Fuzzes terminal/line_editor with COUNT random sequences of keys, text and noise from a seed:
 * line_editor [COUNT [SEED]]. Build it with sanitizers. It checks that the line is valid UTF-8 and
 * fits, that the cursor is between glyphs, that the drawing is valid UTF-8 and fits into the
 * window, and that the cursor is at the reported column of a terminal that draws each code point
 * separately.
 */
#include "terminal/line_editor.h"
#include "base/prng.h"
#include "terminal/grapheme.h"
#include "text/character_width.h"
#include "text/printable.h"
#include "text/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 512, LINE_MAX_BYTES = 96 };

static const char *const TOKENS[] = {
    "a",
    "b c",
    " ",
    "word",
    "\xc3\xa9",
    "\xe6\xbc\xa2",
    "\xef\xbc\xa1",
    "\xcc\x81",
    "e\xcc\x81",
    "\xf0\x9f\x98\x80",
    "\xe2\x80\x8d",
    "\xf0\x9f\x91\xa9",
    "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
    "\xf0\x9f\x8f\xbd",
    "\xef\xb8\x8f",
    "\xe2\x9d\xa4",
    "1\xef\xb8\x8f\xe2\x83\xa3",
    "\xf0\x9f\x87\xa9",
    "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa",
    "\xe1\x84\x80\xe1\x85\xa1",
    "\xe2\x80\xae",
    "\xc2\x9b",
    "\t",
    "\r",
    "\n",
    "\x7f",
    "\b",
    "\x01",
    "\x02",
    "\x04",
    "\x05",
    "\x06",
    "\x0b",
    "\x0e",
    "\x10",
    "\x14",
    "\x15",
    "\x16",
    "\x17",
    "\x19",
    "\x03",
    "\x1a",
    "\x0c",
    "\x1c",
    "\x1b",
    "\x1b[A",
    "\x1b[B",
    "\x1b[C",
    "\x1b[D",
    "\x1b[H",
    "\x1b[F",
    "\x1b[3~",
    "\x1b[1;5C",
    "\x1b[1;5D",
    "\x1b[5;7R",
    "\x1b[99999999999;1;2;3~",
    "\x1b[[A",
    "\x1bOA",
    "\x1bOH",
    "\x1b"
    "b",
    "\x1b"
    "f",
    "\x1b"
    "d",
    "\x1b\x7f",
    "\x1b[200~",
    "\x1b[201~",
    "\x1b[2",
    "\x1b[<1;2;3M",
    "\xff",
    "\xc0\xaf",
    "\xed\xa0\x80",
    "\xf4\x90\x80\x80",
    "\xe6\xbc",
    "one\rtwo\r\nthree",
};

static size_t below(struct prng *prng, size_t limit)
{
    return (size_t)(prng_next(prng) % limit);
}

static uint64_t sequence;
static const char *input;
static size_t input_size;

static void fail(const char *what)
{
    fprintf(stderr, "line_editor: sequence %llu: %s; it was:\n", (unsigned long long)sequence,
            what);
    for (size_t i = 0; i < input_size; i++)
        fprintf(stderr, "\\x%02x", (unsigned char)input[i]);
    fputs("\n", stderr);
    exit(1);
}

/* Checks the reported width of a glyph, if terminals agree about it. */
static void check_glyph(const char *text, struct grapheme grapheme)
{
    char drawing[GRAPHEME_DRAW_BYTES];
    size_t size = grapheme_draw(drawing, text, grapheme, SIZE_MAX), columns = 0;
    uint32_t code;
    if (size > sizeof drawing || grapheme.size == 0)
        fail("a glyph is empty, or its drawing is longer than it may be");
    for (size_t i = 0; i < size && !grapheme.escaped; columns += character_width_of(code))
        i += utf8_decode(drawing + i, size - i, &code);
    if (!grapheme.escaped && !grapheme.uncertain_width && columns != grapheme.columns)
        fail("a glyph does not have the reported width");
}

static void check_line(struct line_editor *edit, size_t max)
{
    size_t size, at = 0, cursor = line_editor_cursor(edit);
    const char *line = line_editor_line(edit, &size);
    uint32_t code;
    if (size > max || line[size] != '\0')
        fail("the line is longer than it may be, or not NUL-terminated");
    for (size_t length, i = 0; i < size; i += length)
        if ((length = utf8_decode(line + i, size - i, &code)) == 0)
            fail("the line is not UTF-8");
    bool between = cursor == 0;
    while (at < size) {
        struct grapheme grapheme = grapheme_first(line + at, size - at);
        check_glyph(line + at, grapheme);
        if (grapheme_before(line, at + grapheme.size) != at)
            fail("a glyph is not found backwards");
        at += grapheme.size;
        between |= at == cursor;
    }
    if (!between)
        fail("the cursor is not between glyphs of the line");
}

/* Interprets one drawing as a terminal does. Returns the column of the cursor. */
static size_t show(const char *drawing, size_t size, size_t columns)
{
    size_t column = 0, furthest = 0;
    uint32_t code;
    unsigned move;
    int length;
    for (size_t i = 0; i < size;) {
        if (drawing[i] == '\a' && i == 0) {
            i++;
        } else if (drawing[i] == '\r') {
            column = 0;
            i++;
        } else if (drawing[i] == '\x1b') {
            char sequence_text[16] = "";
            snprintf(sequence_text, sizeof sequence_text, "%.*s", (int)(size - i), drawing + i);
            static const char *const known[] = {"\x1b[K", "\x1b[7m", "\x1b[27m"};
            size_t taken = 0;
            for (int k = 0; k < 3; k++)
                if (strncmp(sequence_text, known[k], strlen(known[k])) == 0)
                    taken = strlen(known[k]);
            if (!taken && sscanf(sequence_text, "\x1b[%uC%n", &move, &length) == 1) {
                column += move;
                taken = (size_t)length;
            }
            if (!taken)
                fail("an unknown sequence was drawn");
            i += taken;
        } else {
            size_t taken = utf8_decode(drawing + i, size - i, &code);
            if (!taken || !printable_is_safe(code))
                fail("the drawing is not UTF-8, or not printable");
            column += character_width_of(code);
            i += taken;
        }
        furthest = column > furthest ? column : furthest;
    }
    if (furthest > columns - 1)
        fail("the drawing is wider than the window");
    return column;
}

static void check_drawing(struct line_editor *edit, unsigned columns)
{
    static char drawing[LINE_EDITOR_DRAW_BYTES];
    size_t size = line_editor_draw(edit, columns, drawing);
    if (size > sizeof drawing)
        fail("the drawing is longer than it may be");
    columns = columns < LINE_EDITOR_COLUMNS_MIN ? LINE_EDITOR_COLUMNS_MIN : columns;
    if (show(drawing, size, columns) != line_editor_drawn_cursor(edit))
        fail("the cursor is not at the reported column");
    if (line_editor_drawn_columns(edit) > columns - 1 || line_editor_changed(edit))
        fail("the drawing differs from what is reported");
}

static void offer(void *state, const char *line, size_t cursor, struct line_editor_choices *choices)
{
    static const char *const words[] = {"word", "wort", "w\xc3\xb6rter", "b", "\xe6\xbc\xa2"};
    (void)state;
    if (strlen(line) > cursor)
        fail("the line of the completion callback does not end at the cursor");
    size_t begin = cursor;
    while (begin && line[begin - 1] != ' ')
        begin--;
    choices->begin = begin;
    static const char *offered[5];
    memcpy(offered, words, sizeof offered);
    choices->count = 5;
    choices->words = offered;
}

static size_t make_input(struct prng *prng, char bytes[BYTES_MAX])
{
    size_t size = 0, tokens = 1 + below(prng, 40);
    while (tokens--) {
        char noise[2] = {(char)below(prng, 256), '\0'};
        const char *token = TOKENS[below(prng, sizeof TOKENS / sizeof *TOKENS)];
        bool noisy = below(prng, 10) == 0;
        size_t length = noisy ? 1 : strlen(token);
        if (size + length > BYTES_MAX)
            break;
        memcpy(bytes + size, noisy ? noise : token, length);
        size += length;
    }
    return size;
}

static void run(struct prng *prng, struct history *history)
{
    char bytes[BYTES_MAX];
    size_t size = make_input(prng, bytes), used;
    size_t max = LINE_EDITOR_BYTES_MIN + below(prng, LINE_MAX_BYTES - LINE_EDITOR_BYTES_MIN);
    unsigned columns = (unsigned)below(prng, 30);
    struct line_editor *edit =
        line_editor_new(max, below(prng, 2) ? "> " : "udpctl\xe6\xbc\xa2> ", history);
    if (!edit)
        fail("out of memory");
    line_editor_set_completion(edit, offer, NULL);
    input = bytes;
    input_size = size;
    for (size_t at = 0; at < size;) {
        size_t part = 1 + below(prng, size - at), end = at + part;
        enum line_editor_event event;
        do {
            event = line_editor_feed(edit, bytes + at, end - at, &used);
            at += used;
            check_line(edit, max);
            const char *line = line_editor_line(edit, &used);
            if (event == LINE_EDITOR_LINE && memchr(line, '\n', used))
                fail("an entered line has a newline in it");
            if (event == LINE_EDITOR_INTERRUPT && below(prng, 2))
                line_editor_clear(edit);
            if (event == LINE_EDITOR_LINE && below(prng, 2))
                check_drawing(edit, columns);
        } while (event != LINE_EDITOR_MORE);
        if (at != end)
            fail("bytes were left");
        if (below(prng, 4) == 0)
            columns = (unsigned)below(prng, 60);
        check_drawing(edit, columns);
    }
    line_editor_free(edit);
}

int main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    struct history *history = history_new();
    for (sequence = 0; history && sequence < count; sequence++) {
        struct prng prng;
        prng_init(&prng, seed + sequence);
        run(&prng, history);
        if (sequence % 64 == 63) {
            history_free(history);
            history = history_new();
        }
    }
    history_free(history);
    printf("line_editor: %llu sequences from seed %llu passed\n", (unsigned long long)sequence,
           (unsigned long long)seed);
    return sequence < count;
}
