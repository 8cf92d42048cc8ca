/* What a terminal sends, as keys. */
#include "terminal/key_decoder.h"

#include "text/utf8.h"

#include <stdint.h>
#include <string.h>

enum state { GROUND, ESCAPE, CSI, CSI_CONSOLE, SS3, UTF8, QUOTED, PASTE_ENDING };

enum { NUMBER_MAX = 9999 };

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */
#define PASTE_END   "\x1b[201~"

static const enum key_decoder_key CONTROLS[0x20] = {
    [0] = KEY_OTHER,
    ['A' & 31] = KEY_HOME,
    ['B' & 31] = KEY_LEFT,
    ['C' & 31] = KEY_INTERRUPT,
    ['D' & 31] = KEY_END_OR_DELETE,
    ['E' & 31] = KEY_END,
    ['F' & 31] = KEY_RIGHT,
    ['H' & 31] = KEY_BACKSPACE,
    ['I' & 31] = KEY_TAB,
    ['J' & 31] = KEY_ENTER,
    ['K' & 31] = KEY_KILL_END,
    ['L' & 31] = KEY_REFRESH,
    ['M' & 31] = KEY_ENTER,
    ['N' & 31] = KEY_DOWN,
    ['P' & 31] = KEY_UP,
    ['T' & 31] = KEY_SWAP,
    ['U' & 31] = KEY_KILL_BEGIN,
    ['W' & 31] = KEY_KILL_WORD_LEFT,
    ['Y' & 31] = KEY_YANK,
    ['Z' & 31] = KEY_SUSPEND,
    ['\\' & 31] = KEY_QUIT,
};

static enum key_decoder_key give(struct key_decoder *keyboard, const char *text, size_t size)
{
    keyboard->text = text;
    keyboard->text_size = size;
    return KEY_TEXT;
}

/* How long the UTF-8 sequence is that a byte begins; 0: none begins with it. */
static size_t sequence_length(uint8_t byte)
{
    return byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 0;
}

static enum key_decoder_key begin_utf8(struct key_decoder *keyboard, char byte)
{
    keyboard->after_cr = false;
    if (!sequence_length((uint8_t)byte))
        return give(keyboard, REPLACEMENT, 3);
    keyboard->kept[0] = byte;
    keyboard->have = 1;
    keyboard->state = UTF8;
    return KEY_NONE;
}

static enum key_decoder_key go_on_utf8(struct key_decoder *keyboard, char byte, bool *taken)
{
    uint32_t code;
    size_t length = sequence_length((uint8_t)keyboard->kept[0]);
    if (((uint8_t)byte & 0xc0) == 0x80) {
        keyboard->kept[keyboard->have++] = byte;
        if (keyboard->have < length)
            return KEY_NONE;
    } else {
        *taken = false;
    }
    keyboard->state = GROUND;
    if (keyboard->have < length || !utf8_decode(keyboard->kept, length, &code))
        return give(keyboard, REPLACEMENT, 3);
    return give(keyboard, keyboard->kept, length);
}

static enum key_decoder_key take_ground(struct key_decoder *keyboard, char byte)
{
    uint8_t code = (uint8_t)byte;
    if (code >= 0x80)
        return begin_utf8(keyboard, byte);
    if (code == 0x7f)
        return KEY_BACKSPACE;
    if (code == 0x1b || code == ('V' & 31)) {
        keyboard->state = code == 0x1b ? ESCAPE : QUOTED;
        return KEY_NONE;
    }
    return CONTROLS[code] == KEY_NONE ? KEY_OTHER : CONTROLS[code];
}

static enum key_decoder_key take_quoted(struct key_decoder *keyboard, char byte)
{
    keyboard->state = GROUND;
    if ((uint8_t)byte >= 0x80)
        return begin_utf8(keyboard, byte);
    keyboard->kept[0] = byte;
    return give(keyboard, keyboard->kept, 1);
}

static enum key_decoder_key take_escape(struct key_decoder *keyboard, char byte, bool *taken)
{
    keyboard->state = GROUND;
    switch (byte) {
    case '[':
        keyboard->state = CSI;
        keyboard->numbers[0] = keyboard->numbers[1] = keyboard->number = 0;
        keyboard->odd = false;
        return KEY_NONE;
    case 'O':
        keyboard->state = SS3;
        return KEY_NONE;
    case 'b':
        return KEY_WORD_LEFT;
    case 'f':
        return KEY_WORD_RIGHT;
    case 'd':
        return KEY_KILL_WORD_RIGHT;
    case '\b':
    case 0x7f:
        return KEY_KILL_PART_LEFT;
    default:
        /* Alt with a key that means nothing with it; but a control is obeyed. */
        *taken = (uint8_t)byte >= 0x20 && (uint8_t)byte < 0x80;
        return *taken ? KEY_OTHER : KEY_NONE;
    }
}

static enum key_decoder_key letter_key(char final)
{
    switch (final) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'F':
        return KEY_END;
    case 'H':
        return KEY_HOME;
    case 'M': /* the keypad's */
        return KEY_ENTER;
    default:
        return KEY_OTHER;
    }
}

static enum key_decoder_key tilde_key(struct key_decoder *keyboard)
{
    switch (keyboard->numbers[0]) {
    case 1:
    case 7:
        return KEY_HOME;
    case 4:
    case 8:
        return KEY_END;
    case 3:
        return KEY_DELETE;
    case 200:
        keyboard->pasting = true;
        keyboard->after_cr = false;
        return KEY_NONE;
    default:
        return KEY_OTHER;
    }
}

/* A whole CSI sequence. The second number of a key is 1 + a sum of 1 Shift, 2 Alt, 4 Control. */
static enum key_decoder_key csi_key(struct key_decoder *keyboard, char final)
{
    keyboard->state = GROUND;
    if (final == '[' && !keyboard->numbers[0]) {
        keyboard->state = CSI_CONSOLE;
        return KEY_NONE;
    }
    if (keyboard->odd || final == 'M')
        return KEY_OTHER;
    if (final == '~')
        return tilde_key(keyboard);
    if (final == 'R')
        return KEY_POSITION;
    bool by_word = keyboard->numbers[1] > 2 && (keyboard->numbers[1] - 1) & 6;
    if (by_word && final == 'C')
        return KEY_WORD_RIGHT;
    if (by_word && final == 'D')
        return KEY_WORD_LEFT;
    return letter_key(final);
}

static enum key_decoder_key take_csi(struct key_decoder *keyboard, char byte, bool *taken)
{
    uint8_t code = (uint8_t)byte;
    if (code >= '0' && code <= '9' && keyboard->number < 2) {
        unsigned *number = &keyboard->numbers[keyboard->number];
        *number = *number * 10 + (code - '0');
        *number = *number < NUMBER_MAX ? *number : NUMBER_MAX;
    } else if (code == ';') {
        keyboard->number++;
    } else if (code >= 0x20 && code <= 0x3f) {
        keyboard->odd = true;
    } else if (code >= 0x40 && code <= 0x7e) {
        return csi_key(keyboard, byte);
    } else {
        keyboard->state = GROUND;
        *taken = false;
    }
    return KEY_NONE;
}

/* One byte behind ESC O or ESC [ [. */
static enum key_decoder_key take_last(struct key_decoder *keyboard, char byte, bool *taken)
{
    bool ss3 = keyboard->state == SS3;
    keyboard->state = GROUND;
    *taken = (uint8_t)byte >= 0x20 && (uint8_t)byte < 0x7f;
    if (!*taken)
        return KEY_NONE;
    return ss3 ? letter_key(byte) : KEY_OTHER;
}

/* A byte of a paste below 0x80. Newlines come as CR from terminals, but may come as LF or CR LF. */
static enum key_decoder_key take_pasted(struct key_decoder *keyboard, char byte)
{
    bool second = byte == '\n' && keyboard->after_cr;
    keyboard->after_cr = byte == '\r';
    if (second)
        return KEY_NONE;
    if (byte == 0x1b) {
        keyboard->state = PASTE_ENDING;
        keyboard->have = 1;
        return KEY_NONE;
    }
    keyboard->kept[0] = byte == '\r' ? '\n' : byte;
    return give(keyboard, keyboard->kept, 1);
}

/* A byte behind an escape within a paste. */
static enum key_decoder_key end_paste(struct key_decoder *keyboard, char byte, bool *taken)
{
    *taken = byte == PASTE_END[keyboard->have];
    if (!*taken) {
        keyboard->state = GROUND;
        return give(keyboard, PASTE_END, keyboard->have);
    }
    if (++keyboard->have == sizeof PASTE_END - 1) {
        keyboard->state = GROUND;
        keyboard->pasting = false;
    }
    return KEY_NONE;
}

static enum key_decoder_key take(struct key_decoder *keyboard, char byte, bool *taken)
{
    switch ((enum state)keyboard->state) {
    case GROUND:
        return keyboard->pasting && (uint8_t)byte < 0x80 ? take_pasted(keyboard, byte)
                                                         : take_ground(keyboard, byte);
    case ESCAPE:
        return take_escape(keyboard, byte, taken);
    case CSI:
        return take_csi(keyboard, byte, taken);
    case CSI_CONSOLE:
    case SS3:
        return take_last(keyboard, byte, taken);
    case UTF8:
        return go_on_utf8(keyboard, byte, taken);
    case QUOTED:
        return take_quoted(keyboard, byte);
    case PASTE_ENDING:
        return end_paste(keyboard, byte, taken);
    }
    return KEY_OTHER;
}

/* How many bytes in front are printable ASCII, which needs no look at each. */
static size_t plain_length(const char *bytes, size_t size)
{
    size_t length = 0;
    while (length < size && bytes[length] >= 0x20 && bytes[length] < 0x7f)
        length++;
    return length;
}

enum key_decoder_key key_decoder_next(struct key_decoder *keyboard, const char *bytes, size_t size,
                                      size_t *used)
{
    for (*used = 0; *used < size;) {
        size_t plain = keyboard->state == GROUND ? plain_length(bytes + *used, size - *used) : 0;
        if (plain) {
            enum key_decoder_key key = give(keyboard, bytes + *used, plain);
            keyboard->after_cr = false;
            *used += plain;
            return key;
        }
        bool taken = true;
        enum key_decoder_key key = take(keyboard, bytes[*used], &taken);
        *used += taken;
        if (key != KEY_NONE)
            return key;
    }
    return KEY_NONE;
}
