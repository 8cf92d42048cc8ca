/* Editing of a line: keys in, lines and drawings out. */
#include "terminal/line_editor.h"

#include "terminal/edit_buffer.h"
#include "terminal/key_decoder.h"

#include <stdlib.h>
#include <string.h>

struct line_editor {
    struct edit_buffer line;
    struct edit_buffer killed; /* its cursor means nothing */
    struct edit_buffer typed;  /* what was being typed when the walk through history began */
    struct history *history;
    size_t age;    /* in the history, 1 for the newest; 0: the line is being typed */
    bool kills;    /* the last key killed: the next goes on with it */
    bool entered;  /* the line was entered, and is handed out piece by piece */
    size_t piece;  /* where the one at hand begins */
    size_t length; /* and how long it is */
    bool changed;
    bool rings;
    const char *prompt;
    struct line_layout view;
    struct key_decoder keyboard;
    line_editor_complete *complete;
    void *complete_state;
    struct line_editor_choices choices;
};

struct line_editor *line_editor_new(size_t max_bytes, const char *prompt, struct history *history)
{
    struct line_editor *edit = calloc(1, sizeof *edit);
    char *memory = malloc(3 * (max_bytes + 1));
    if (!edit || !memory) {
        free(edit);
        free(memory);
        return NULL;
    }
    edit->line = (struct edit_buffer){.bytes = memory, .max = max_bytes};
    edit->killed = (struct edit_buffer){.bytes = memory + max_bytes + 1, .max = max_bytes};
    edit->typed = (struct edit_buffer){.bytes = memory + 2 * (max_bytes + 1), .max = max_bytes};
    edit->prompt = prompt;
    edit->history = history;
    edit->changed = true;
    return edit;
}

void line_editor_free(struct line_editor *edit)
{
    if (!edit)
        return;
    free(edit->line.bytes);
    free(edit);
}

void line_editor_set_prompt(struct line_editor *edit, const char *prompt)
{
    edit->prompt = prompt;
    edit->changed = true;
}

void line_editor_set_completion(struct line_editor *edit, line_editor_complete *complete,
                                void *state)
{
    edit->complete = complete;
    edit->complete_state = state;
}

void line_editor_clear(struct line_editor *edit)
{
    edit->line.size = edit->line.cursor = 0;
    edit->age = 0;
    edit->entered = false;
    edit->changed = true;
    edit->keyboard = (struct key_decoder){0};
}

/* ---- Killing and putting back ---- */

/* Takes [from, to) out and keeps it, beside what the key before killed. */
static void kill_range(struct line_editor *edit, bool kills, size_t from, size_t to)
{
    edit->kills = kills;
    if (from == to) {
        edit->rings = true;
        return;
    }
    if (!kills)
        edit->killed.size = 0;
    /* What stood behind goes to the end, what stood before to the beginning. */
    edit->killed.cursor = from < edit->line.cursor ? 0 : edit->killed.size;
    edit_buffer_insert(&edit->killed, edit->line.bytes + from, to - from);
    edit_buffer_erase(&edit->line, from, to);
    edit->kills = true;
}

static void kill_key(struct line_editor *edit, enum key_decoder_key key, bool kills)
{
    const struct edit_buffer *line = &edit->line;
    size_t cursor = line->cursor;
    if (key == KEY_KILL_END)
        kill_range(edit, kills, cursor, line->size);
    else if (key == KEY_KILL_BEGIN)
        kill_range(edit, kills, 0, cursor);
    else if (key == KEY_KILL_WORD_RIGHT)
        kill_range(edit, kills, cursor, edit_buffer_word_end(line, cursor));
    else
        kill_range(edit, kills, edit_buffer_word_begin(line, cursor, key == KEY_KILL_PART_LEFT),
                   cursor);
}

/* ---- History ---- */

static void recall(struct line_editor *edit, size_t age)
{
    size_t count = edit->history ? history_count(edit->history) : 0;
    if (age > count || age == edit->age) {
        edit->rings = true;
        return;
    }
    if (edit->age == 0)
        edit_buffer_set(&edit->typed, edit->line.bytes, edit->line.size);
    edit->age = age;
    if (age == 0) {
        edit_buffer_set(&edit->line, edit->typed.bytes, edit->typed.size);
        return;
    }
    size_t size;
    const char *line = history_line(edit->history, age - 1, &size);
    edit_buffer_set(&edit->line, line, size);
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

/* Keeps the choices that begin with what is typed. Returns what they have in common. */
static size_t sift(struct line_editor_choices *choices, const char *typed, size_t size)
{
    size_t kept = 0, common = 0;
    for (size_t i = 0; i < choices->count; i++) {
        const char *word = choices->words[i];
        if (strnlen(word, size) < size || memcmp(word, typed, size) != 0)
            continue;
        size_t alike = kept ? common_length(word, choices->words[0]) : strlen(word);
        common = !kept || alike < common ? alike : common;
        choices->words[kept++] = word;
    }
    choices->count = kept;
    return common;
}

static enum line_editor_event complete(struct line_editor *edit)
{
    struct edit_buffer *line = &edit->line;
    struct line_editor_choices *choices = &edit->choices;
    *choices = (struct line_editor_choices){0};
    if (edit->complete) {
        char behind = line->bytes[line->cursor];
        line->bytes[line->cursor] = '\0';
        edit->complete(edit->complete_state, line->bytes, line->cursor, choices);
        line->bytes[line->cursor] = behind;
    }
    size_t typed = line->cursor - choices->begin;
    size_t common = sift(choices, line->bytes + choices->begin, typed);
    edit->rings |= choices->count == 0;
    if (choices->count > 0 && (choices->partial || (choices->count > 1 && common == typed)))
        return LINE_EDITOR_CHOICES;
    if (choices->count == 0)
        return LINE_EDITOR_MORE;
    const char *word = choices->words[0];
    bool fits = edit_buffer_insert(line, word + typed, common - typed);
    bool apart = line->cursor < line->size && line->bytes[line->cursor] == ' ';
    if (choices->count == 1 && !apart)
        fits = fits && edit_buffer_insert(line, " ", 1);
    edit->rings |= !fits;
    return LINE_EDITOR_MORE;
}

const struct line_editor_choices *line_editor_choices(const struct line_editor *edit)
{
    return &edit->choices;
}

/* ---- Entering ---- */

/* Hands out the next piece of what was entered: up to a newline. False behind the last. */
static bool next_piece(struct line_editor *edit, size_t from)
{
    struct edit_buffer *line = &edit->line;
    if (from > line->size) {
        line->size = line->cursor = 0;
        edit->entered = false;
        return false;
    }
    char *begin = line->bytes + from;
    char *newline = memchr(begin, '\n', line->size - from);
    edit->piece = from;
    edit->length = newline ? (size_t)(newline - begin) : line->size - from;
    begin[edit->length] = '\0';
    edit->entered = true;
    edit->changed = true;
    if (edit->history)
        history_add(edit->history, begin, edit->length);
    return true;
}

static enum line_editor_event enter(struct line_editor *edit)
{
    edit->age = 0;
    next_piece(edit, 0);
    return LINE_EDITOR_LINE;
}

char *line_editor_line(struct line_editor *edit, size_t *size)
{
    *size = edit->entered ? edit->length : edit->line.size;
    if (!edit->entered)
        edit->line.bytes[edit->line.size] = '\0';
    return edit->line.bytes + (edit->entered ? edit->piece : 0);
}

size_t line_editor_cursor(const struct line_editor *edit)
{
    return edit->entered ? 0 : edit->line.cursor;
}

/* ---- Keys ---- */

static void move(struct line_editor *edit, enum key_decoder_key key)
{
    struct edit_buffer *line = &edit->line;
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

static enum line_editor_event erase(struct line_editor *edit, enum key_decoder_key key)
{
    struct edit_buffer *line = &edit->line;
    if (key == KEY_END_OR_DELETE && line->size == 0)
        return LINE_EDITOR_END;
    size_t from = key == KEY_BACKSPACE ? edit_buffer_previous(line, line->cursor) : line->cursor;
    size_t to = key == KEY_BACKSPACE ? line->cursor : edit_buffer_next(line, line->cursor);
    edit->rings |= from == to;
    edit_buffer_erase(line, from, to);
    return LINE_EDITOR_MORE;
}

static enum line_editor_event act(struct line_editor *edit, enum key_decoder_key key)
{
    struct edit_buffer *line = &edit->line;
    bool kills = edit->kills;
    edit->kills = false;
    edit->changed = true;
    switch (key) {
    case KEY_TEXT:
        edit->rings |= !edit_buffer_insert(line, edit->keyboard.text, edit->keyboard.text_size);
        return LINE_EDITOR_MORE;
    case KEY_LEFT:
    case KEY_RIGHT:
    case KEY_WORD_LEFT:
    case KEY_WORD_RIGHT:
    case KEY_HOME:
    case KEY_END:
        move(edit, key);
        return LINE_EDITOR_MORE;
    case KEY_UP:
        recall(edit, edit->age + 1);
        return LINE_EDITOR_MORE;
    case KEY_DOWN:
        recall(edit, edit->age ? edit->age - 1 : 0);
        return LINE_EDITOR_MORE;
    case KEY_BACKSPACE:
    case KEY_DELETE:
    case KEY_END_OR_DELETE:
        return erase(edit, key);
    case KEY_KILL_END:
    case KEY_KILL_BEGIN:
    case KEY_KILL_WORD_LEFT:
    case KEY_KILL_PART_LEFT:
    case KEY_KILL_WORD_RIGHT:
        kill_key(edit, key, kills);
        return LINE_EDITOR_MORE;
    case KEY_YANK:
        edit->rings |= !edit_buffer_insert(line, edit->killed.bytes, edit->killed.size);
        return LINE_EDITOR_MORE;
    case KEY_SWAP:
        edit->rings |= !edit_buffer_swap(line);
        return LINE_EDITOR_MORE;
    case KEY_TAB:
        return complete(edit);
    case KEY_ENTER:
        return enter(edit);
    case KEY_REFRESH:
        return LINE_EDITOR_REFRESH;
    case KEY_INTERRUPT:
        return LINE_EDITOR_INTERRUPT;
    case KEY_SUSPEND:
        return LINE_EDITOR_SUSPEND;
    case KEY_QUIT:
        return LINE_EDITOR_QUIT;
    case KEY_POSITION:
        edit->kills = kills;
        return LINE_EDITOR_POSITION;
    default:
        return LINE_EDITOR_MORE;
    }
}

enum line_editor_event line_editor_feed(struct line_editor *edit, const char *bytes, size_t size,
                                        size_t *used)
{
    *used = 0;
    if (edit->entered && next_piece(edit, edit->piece + edit->length + 1))
        return LINE_EDITOR_LINE;
    for (;;) {
        size_t taken;
        enum key_decoder_key key =
            key_decoder_next(&edit->keyboard, bytes + *used, size - *used, &taken);
        *used += taken;
        if (key == KEY_NONE)
            return LINE_EDITOR_MORE;
        enum line_editor_event event = act(edit, key);
        if (event != LINE_EDITOR_MORE)
            return event;
    }
}

void line_editor_position(const struct line_editor *edit, unsigned *row, unsigned *column)
{
    *row = edit->keyboard.numbers[0];
    *column = edit->keyboard.numbers[1];
}

/* ---- Drawing ---- */

bool line_editor_changed(const struct line_editor *edit)
{
    return edit->changed;
}

size_t line_editor_draw(struct line_editor *edit, unsigned columns,
                        char out[LINE_EDITOR_DRAW_BYTES])
{
    struct edit_buffer none = {.bytes = edit->line.bytes};
    size_t bell = edit->rings;
    if (bell)
        out[0] = '\a';
    edit->rings = edit->changed = false;
    return bell + line_layout_draw(&edit->view, edit->prompt, edit->entered ? &none : &edit->line,
                                   columns, out + bell);
}

size_t line_editor_write_entered(const struct line_editor *edit, char *out, size_t room)
{
    return line_layout_write(edit->prompt, edit->line.bytes + edit->piece, edit->length, out, room);
}

unsigned line_editor_drawn_cursor(const struct line_editor *edit)
{
    return edit->view.cursor;
}

unsigned line_editor_drawn_columns(const struct line_editor *edit)
{
    return edit->view.columns;
}

void line_editor_wrapped(const struct line_editor *edit, unsigned columns, unsigned *row,
                         unsigned *column)
{
    line_layout_wrapped(&edit->view, columns, row, column);
}
