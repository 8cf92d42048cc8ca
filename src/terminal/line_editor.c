#include "terminal/line_editor.h"

#include "terminal/edit_buffer.h"
#include "terminal/key_decoder.h"

#include <stdlib.h>
#include <string.h>

struct line_editor {
    struct edit_buffer line;
    struct edit_buffer killed; /* its cursor is unused */
    struct edit_buffer typed;  /* the line being typed before a line of the history was selected */
    struct history *history;
    size_t age;    /* of the line selected from the history, 1 for the newest; 0: none is */
    bool kills;    /* the last key killed text: the next kill is joined to it */
    bool entered;  /* the line was entered; its pieces between newlines are returned one by one */
    size_t piece;  /* offset of the current piece */
    size_t length; /* of the current piece */
    bool changed;
    bool bell;
    const char *prompt;
    struct line_layout layout;
    struct key_decoder decoder;
    line_editor_complete *complete;
    void *complete_state;
    struct line_editor_choices choices;
};

struct line_editor *line_editor_new(size_t max_bytes, const char *prompt, struct history *history)
{
    struct line_editor *editor = calloc(1, sizeof *editor);
    char *memory = malloc(3 * (max_bytes + 1));
    if (!editor || !memory) {
        free(editor);
        free(memory);
        return NULL;
    }
    editor->line = (struct edit_buffer){.bytes = memory, .max = max_bytes};
    editor->killed = (struct edit_buffer){.bytes = memory + max_bytes + 1, .max = max_bytes};
    editor->typed = (struct edit_buffer){.bytes = memory + 2 * (max_bytes + 1), .max = max_bytes};
    editor->prompt = prompt;
    editor->history = history;
    editor->changed = true;
    return editor;
}

void line_editor_free(struct line_editor *editor)
{
    if (!editor)
        return;
    free(editor->line.bytes);
    free(editor);
}

void line_editor_set_prompt(struct line_editor *editor, const char *prompt)
{
    editor->prompt = prompt;
    editor->changed = true;
}

void line_editor_set_completion(struct line_editor *editor, line_editor_complete *complete,
                                void *state)
{
    editor->complete = complete;
    editor->complete_state = state;
}

void line_editor_clear(struct line_editor *editor)
{
    editor->line.size = editor->line.cursor = 0;
    editor->age = 0;
    editor->entered = false;
    editor->changed = true;
    editor->decoder = (struct key_decoder){0};
}

/* ---- Killing ---- */

/* Removes [from, to) and keeps it; joins it to the last kill if the previous key killed, too. */
static void kill_range(struct line_editor *editor, bool kills, size_t from, size_t to)
{
    editor->kills = kills;
    if (from == to) {
        editor->bell = true;
        return;
    }
    if (!kills)
        editor->killed.size = 0;
    /* Text after the cursor is appended, text before the cursor is prepended. */
    editor->killed.cursor = from < editor->line.cursor ? 0 : editor->killed.size;
    edit_buffer_insert(&editor->killed, editor->line.bytes + from, to - from);
    edit_buffer_erase(&editor->line, from, to);
    editor->kills = true;
}

static void kill_key(struct line_editor *editor, enum key_decoder_key key, bool kills)
{
    const struct edit_buffer *line = &editor->line;
    size_t cursor = line->cursor;
    if (key == KEY_KILL_END)
        kill_range(editor, kills, cursor, line->size);
    else if (key == KEY_KILL_BEGIN)
        kill_range(editor, kills, 0, cursor);
    else if (key == KEY_KILL_WORD_RIGHT)
        kill_range(editor, kills, cursor, edit_buffer_word_end(line, cursor));
    else
        kill_range(editor, kills, edit_buffer_word_begin(line, cursor, key == KEY_KILL_PART_LEFT),
                   cursor);
}

/* ---- History ---- */

static void select_from_history(struct line_editor *editor, size_t age)
{
    size_t count = editor->history ? history_count(editor->history) : 0;
    if (age > count || age == editor->age) {
        editor->bell = true;
        return;
    }
    if (editor->age == 0)
        edit_buffer_set(&editor->typed, editor->line.bytes, editor->line.size);
    editor->age = age;
    if (age == 0) {
        edit_buffer_set(&editor->line, editor->typed.bytes, editor->typed.size);
        return;
    }
    size_t size;
    const char *line = history_get(editor->history, age - 1, &size);
    edit_buffer_set(&editor->line, line, size);
}

/* ---- Completion ---- */

static size_t common_length(const char *a, const char *b)
{
    size_t length = 0;
    while (a[length] && a[length] == b[length])
        length++;
    while (length && ((unsigned char)a[length] & 0xc0) == 0x80)
        length--;
    return length;
}

/* Removes the choices that do not begin with the typed text. Returns the length of the prefix that
 * the rest share. */
static size_t filter_choices(struct line_editor_choices *choices, const char *typed, size_t size)
{
    size_t kept = 0, common = 0;
    for (size_t i = 0; i < choices->count; i++) {
        const char *word = choices->words[i];
        if (strnlen(word, size) < size || memcmp(word, typed, size) != 0)
            continue;
        size_t shared = kept ? common_length(word, choices->words[0]) : strlen(word);
        common = !kept || shared < common ? shared : common;
        choices->words[kept++] = word;
    }
    choices->count = kept;
    return common;
}

static enum line_editor_event complete(struct line_editor *editor)
{
    struct edit_buffer *line = &editor->line;
    struct line_editor_choices *choices = &editor->choices;
    *choices = (struct line_editor_choices){0};
    if (editor->complete) {
        char next = line->bytes[line->cursor];
        line->bytes[line->cursor] = '\0';
        editor->complete(editor->complete_state, line->bytes, line->cursor, choices);
        line->bytes[line->cursor] = next;
    }
    size_t typed = line->cursor - choices->begin;
    size_t common = filter_choices(choices, line->bytes + choices->begin, typed);
    editor->bell |= choices->count == 0;
    if (choices->count > 0 && (choices->partial || (choices->count > 1 && common == typed)))
        return LINE_EDITOR_CHOICES;
    if (choices->count == 0)
        return LINE_EDITOR_MORE;
    const char *word = choices->words[0];
    bool fits = edit_buffer_insert(line, word + typed, common - typed);
    bool blank_follows = line->cursor < line->size && line->bytes[line->cursor] == ' ';
    if (choices->count == 1 && !blank_follows)
        fits = fits && edit_buffer_insert(line, " ", 1);
    editor->bell |= !fits;
    return LINE_EDITOR_MORE;
}

const struct line_editor_choices *line_editor_choices(const struct line_editor *editor)
{
    return &editor->choices;
}

/* ---- Entering ---- */

/* Makes the text from offset from up to a newline the current piece. Returns false after the last.
 */
static bool next_piece(struct line_editor *editor, size_t from)
{
    struct edit_buffer *line = &editor->line;
    if (from > line->size) {
        line->size = line->cursor = 0;
        editor->entered = false;
        return false;
    }
    char *begin = line->bytes + from;
    char *newline = memchr(begin, '\n', line->size - from);
    editor->piece = from;
    editor->length = newline ? (size_t)(newline - begin) : line->size - from;
    begin[editor->length] = '\0';
    editor->entered = true;
    editor->changed = true;
    if (editor->history)
        history_add(editor->history, begin, editor->length);
    return true;
}

static enum line_editor_event enter(struct line_editor *editor)
{
    editor->age = 0;
    next_piece(editor, 0);
    return LINE_EDITOR_LINE;
}

char *line_editor_line(struct line_editor *editor, size_t *size)
{
    *size = editor->entered ? editor->length : editor->line.size;
    if (!editor->entered)
        editor->line.bytes[editor->line.size] = '\0';
    return editor->line.bytes + (editor->entered ? editor->piece : 0);
}

size_t line_editor_cursor(const struct line_editor *editor)
{
    return editor->entered ? 0 : editor->line.cursor;
}

/* ---- Keys ---- */

static void move_cursor(struct line_editor *editor, enum key_decoder_key key)
{
    struct edit_buffer *line = &editor->line;
    switch (key) {
    case KEY_LEFT:
        line->cursor = edit_buffer_previous(line, line->cursor);
        break;
    case KEY_RIGHT:
        line->cursor = edit_buffer_next(line, line->cursor);
        break;
    case KEY_WORD_LEFT:
        line->cursor = edit_buffer_word_begin(line, line->cursor, true);
        break;
    case KEY_WORD_RIGHT:
        line->cursor = edit_buffer_word_end(line, line->cursor);
        break;
    default:
        line->cursor = key == KEY_HOME ? 0 : line->size;
    }
}

static enum line_editor_event erase(struct line_editor *editor, enum key_decoder_key key)
{
    struct edit_buffer *line = &editor->line;
    if (key == KEY_END_OR_DELETE && line->size == 0)
        return LINE_EDITOR_END;
    size_t from = key == KEY_BACKSPACE ? edit_buffer_previous(line, line->cursor) : line->cursor;
    size_t to = key == KEY_BACKSPACE ? line->cursor : edit_buffer_next(line, line->cursor);
    editor->bell |= from == to;
    edit_buffer_erase(line, from, to);
    return LINE_EDITOR_MORE;
}

static enum line_editor_event handle_key(struct line_editor *editor, enum key_decoder_key key)
{
    struct edit_buffer *line = &editor->line;
    bool kills = editor->kills;
    editor->kills = false;
    editor->changed = true;
    switch (key) {
    case KEY_TEXT:
        editor->bell |= !edit_buffer_insert(line, editor->decoder.text, editor->decoder.text_size);
        return LINE_EDITOR_MORE;
    case KEY_LEFT:
    case KEY_RIGHT:
    case KEY_WORD_LEFT:
    case KEY_WORD_RIGHT:
    case KEY_HOME:
    case KEY_END:
        move_cursor(editor, key);
        return LINE_EDITOR_MORE;
    case KEY_UP:
        select_from_history(editor, editor->age + 1);
        return LINE_EDITOR_MORE;
    case KEY_DOWN:
        select_from_history(editor, editor->age ? editor->age - 1 : 0);
        return LINE_EDITOR_MORE;
    case KEY_BACKSPACE:
    case KEY_DELETE:
    case KEY_END_OR_DELETE:
        return erase(editor, key);
    case KEY_KILL_END:
    case KEY_KILL_BEGIN:
    case KEY_KILL_WORD_LEFT:
    case KEY_KILL_PART_LEFT:
    case KEY_KILL_WORD_RIGHT:
        kill_key(editor, key, kills);
        return LINE_EDITOR_MORE;
    case KEY_YANK:
        editor->bell |= !edit_buffer_insert(line, editor->killed.bytes, editor->killed.size);
        return LINE_EDITOR_MORE;
    case KEY_TRANSPOSE:
        editor->bell |= !edit_buffer_transpose(line);
        return LINE_EDITOR_MORE;
    case KEY_TAB:
        return complete(editor);
    case KEY_ENTER:
        return enter(editor);
    case KEY_CLEAR_SCREEN:
        return LINE_EDITOR_CLEAR_SCREEN;
    case KEY_INTERRUPT:
        return LINE_EDITOR_INTERRUPT;
    case KEY_SUSPEND:
        return LINE_EDITOR_SUSPEND;
    case KEY_QUIT:
        return LINE_EDITOR_QUIT;
    case KEY_CURSOR_REPORT:
        editor->kills = kills;
        return LINE_EDITOR_CURSOR_REPORT;
    default:
        return LINE_EDITOR_MORE;
    }
}

enum line_editor_event line_editor_feed(struct line_editor *editor, const char *bytes, size_t size,
                                        size_t *used)
{
    *used = 0;
    if (editor->entered && next_piece(editor, editor->piece + editor->length + 1))
        return LINE_EDITOR_LINE;
    for (;;) {
        size_t taken;
        enum key_decoder_key key =
            key_decoder_next(&editor->decoder, bytes + *used, size - *used, &taken);
        *used += taken;
        if (key == KEY_NONE)
            return LINE_EDITOR_MORE;
        enum line_editor_event event = handle_key(editor, key);
        if (event != LINE_EDITOR_MORE)
            return event;
    }
}

void line_editor_cursor_report(const struct line_editor *editor, unsigned *row, unsigned *column)
{
    *row = editor->decoder.numbers[0];
    *column = editor->decoder.numbers[1];
}

/* ---- Drawing ---- */

bool line_editor_changed(const struct line_editor *editor)
{
    return editor->changed;
}

size_t line_editor_draw(struct line_editor *editor, unsigned columns,
                        char out[LINE_EDITOR_DRAW_BYTES])
{
    struct edit_buffer none = {.bytes = editor->line.bytes};
    size_t bell = editor->bell;
    if (bell)
        out[0] = '\a';
    editor->bell = editor->changed = false;
    return bell + line_layout_draw(&editor->layout, editor->prompt,
                                   editor->entered ? &none : &editor->line, columns, out + bell);
}

size_t line_editor_write_entered(const struct line_editor *editor, char *out, size_t capacity)
{
    return line_layout_write(editor->prompt, editor->line.bytes + editor->piece, editor->length,
                             out, capacity);
}

unsigned line_editor_drawn_cursor(const struct line_editor *editor)
{
    return editor->layout.cursor;
}

unsigned line_editor_drawn_columns(const struct line_editor *editor)
{
    return editor->layout.columns;
}

void line_editor_wrapped_cursor(const struct line_editor *editor, unsigned columns, unsigned *row,
                                unsigned *column)
{
    line_layout_wrapped_cursor(&editor->layout, columns, row, column);
}
