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
    ['L' & 31] = KEY_CLEAR_SCREEN,
    ['M' & 31] = KEY_ENTER,
    ['N' & 31] = KEY_DOWN,
    ['P' & 31] = KEY_UP,
    ['T' & 31] = KEY_TRANSPOSE,
    ['U' & 31] = KEY_KILL_BEGIN,
    ['W' & 31] = KEY_KILL_WORD_LEFT,
    ['Y' & 31] = KEY_YANK,
    ['Z' & 31] = KEY_SUSPEND,
    ['\\' & 31] = KEY_QUIT,
};

static enum key_decoder_key text_key(struct key_decoder *decoder, const char *text, size_t size)
{
    decoder->text = text;
    decoder->text_size = size;
    return KEY_TEXT;
}

/* Returns the length of the UTF-8 sequence that begins with this byte; 0: none does. */
static size_t sequence_length(uint8_t byte)
{
    return byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 0;
}

static enum key_decoder_key begin_utf8(struct key_decoder *decoder, char byte)
{
    decoder->after_cr = false;
    if (!sequence_length((uint8_t)byte))
        return text_key(decoder, REPLACEMENT, 3);
    decoder->kept[0] = byte;
    decoder->kept_size = 1;
    decoder->state = UTF8;
    return KEY_NONE;
}

static enum key_decoder_key continue_utf8(struct key_decoder *decoder, char byte, bool *consumed)
{
    uint32_t code;
    size_t length = sequence_length((uint8_t)decoder->kept[0]);
    if (((uint8_t)byte & 0xc0) == 0x80) {
        decoder->kept[decoder->kept_size++] = byte;
        if (decoder->kept_size < length)
            return KEY_NONE;
    } else {
        *consumed = false;
    }
    decoder->state = GROUND;
    if (decoder->kept_size < length || !utf8_decode(decoder->kept, length, &code))
        return text_key(decoder, REPLACEMENT, 3);
    return text_key(decoder, decoder->kept, length);
}

static enum key_decoder_key decode_ground(struct key_decoder *decoder, char byte)
{
    uint8_t code = (uint8_t)byte;
    if (code >= 0x80)
        return begin_utf8(decoder, byte);
    if (code == 0x7f)
        return KEY_BACKSPACE;
    if (code == 0x1b || code == ('V' & 31)) {
        decoder->state = code == 0x1b ? ESCAPE : QUOTED;
        return KEY_NONE;
    }
    return CONTROLS[code] == KEY_NONE ? KEY_OTHER : CONTROLS[code];
}

static enum key_decoder_key decode_quoted(struct key_decoder *decoder, char byte)
{
    decoder->state = GROUND;
    if ((uint8_t)byte >= 0x80)
        return begin_utf8(decoder, byte);
    decoder->kept[0] = byte;
    return text_key(decoder, decoder->kept, 1);
}

static enum key_decoder_key decode_escape(struct key_decoder *decoder, char byte, bool *consumed)
{
    decoder->state = GROUND;
    switch (byte) {
    case '[':
        decoder->state = CSI;
        decoder->numbers[0] = decoder->numbers[1] = decoder->number = 0;
        decoder->has_other_parameters = false;
        return KEY_NONE;
    case 'O':
        decoder->state = SS3;
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
        /* Alt with a key that has no meaning with it; a control character keeps its meaning. */
        *consumed = (uint8_t)byte >= 0x20 && (uint8_t)byte < 0x80;
        return *consumed ? KEY_OTHER : KEY_NONE;
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
    case 'M': /* Enter on the keypad */
        return KEY_ENTER;
    default:
        return KEY_OTHER;
    }
}

static enum key_decoder_key tilde_key(struct key_decoder *decoder)
{
    switch (decoder->numbers[0]) {
    case 1:
    case 7:
        return KEY_HOME;
    case 4:
    case 8:
        return KEY_END;
    case 3:
        return KEY_DELETE;
    case 200:
        decoder->pasting = true;
        decoder->after_cr = false;
        return KEY_NONE;
    default:
        return KEY_OTHER;
    }
}

/* Decodes a complete CSI sequence. The second number of a key is 1 plus 1 for Shift, 2 for Alt and
 * 4 for Control. */
static enum key_decoder_key csi_key(struct key_decoder *decoder, char final)
{
    decoder->state = GROUND;
    if (final == '[' && !decoder->numbers[0]) {
        decoder->state = CSI_CONSOLE;
        return KEY_NONE;
    }
    if (decoder->has_other_parameters || final == 'M')
        return KEY_OTHER;
    if (final == '~')
        return tilde_key(decoder);
    if (final == 'R')
        return KEY_CURSOR_REPORT;
    bool by_word = decoder->numbers[1] > 2 && (decoder->numbers[1] - 1) & 6;
    if (by_word && final == 'C')
        return KEY_WORD_RIGHT;
    if (by_word && final == 'D')
        return KEY_WORD_LEFT;
    return letter_key(final);
}

static enum key_decoder_key decode_csi(struct key_decoder *decoder, char byte, bool *consumed)
{
    uint8_t code = (uint8_t)byte;
    if (code >= '0' && code <= '9' && decoder->number < 2) {
        unsigned *number = &decoder->numbers[decoder->number];
        *number = *number * 10 + (code - '0');
        *number = *number < NUMBER_MAX ? *number : NUMBER_MAX;
    } else if (code == ';') {
        decoder->number++;
    } else if (code >= 0x20 && code <= 0x3f) {
        decoder->has_other_parameters = true;
    } else if (code >= 0x40 && code <= 0x7e) {
        return csi_key(decoder, byte);
    } else {
        decoder->state = GROUND;
        *consumed = false;
    }
    return KEY_NONE;
}

/* Decodes the byte after ESC O or ESC [ [. */
static enum key_decoder_key decode_last_byte(struct key_decoder *decoder, char byte, bool *consumed)
{
    bool ss3 = decoder->state == SS3;
    decoder->state = GROUND;
    *consumed = (uint8_t)byte >= 0x20 && (uint8_t)byte < 0x7f;
    if (!*consumed)
        return KEY_NONE;
    return ss3 ? letter_key(byte) : KEY_OTHER;
}

/* Decodes a byte below 0x80 in a paste. Terminals send newlines as CR, or as LF or CR LF. */
static enum key_decoder_key decode_pasted(struct key_decoder *decoder, char byte)
{
    bool is_lf_of_crlf = byte == '\n' && decoder->after_cr;
    decoder->after_cr = byte == '\r';
    if (is_lf_of_crlf)
        return KEY_NONE;
    if (byte == 0x1b) {
        decoder->state = PASTE_ENDING;
        decoder->kept_size = 1;
        return KEY_NONE;
    }
    decoder->kept[0] = byte == '\r' ? '\n' : byte;
    return text_key(decoder, decoder->kept, 1);
}

/* Decodes a byte after an ESC in a paste: either the end of the paste or text. */
static enum key_decoder_key end_paste(struct key_decoder *decoder, char byte, bool *consumed)
{
    *consumed = byte == PASTE_END[decoder->kept_size];
    if (!*consumed) {
        decoder->state = GROUND;
        return text_key(decoder, PASTE_END, decoder->kept_size);
    }
    if (++decoder->kept_size == sizeof PASTE_END - 1) {
        decoder->state = GROUND;
        decoder->pasting = false;
    }
    return KEY_NONE;
}

static enum key_decoder_key decode_byte(struct key_decoder *decoder, char byte, bool *consumed)
{
    switch ((enum state)decoder->state) {
    case GROUND:
        return decoder->pasting && (uint8_t)byte < 0x80 ? decode_pasted(decoder, byte)
                                                        : decode_ground(decoder, byte);
    case ESCAPE:
        return decode_escape(decoder, byte, consumed);
    case CSI:
        return decode_csi(decoder, byte, consumed);
    case CSI_CONSOLE:
    case SS3:
        return decode_last_byte(decoder, byte, consumed);
    case UTF8:
        return continue_utf8(decoder, byte, consumed);
    case QUOTED:
        return decode_quoted(decoder, byte);
    case PASTE_ENDING:
        return end_paste(decoder, byte, consumed);
    }
    return KEY_OTHER;
}

/* Returns how many bytes at the beginning are printable ASCII, which makes one key of text. */
static size_t printable_length(const char *bytes, size_t size)
{
    size_t length = 0;
    while (length < size && bytes[length] >= 0x20 && bytes[length] < 0x7f)
        length++;
    return length;
}

enum key_decoder_key key_decoder_next(struct key_decoder *decoder, const char *bytes, size_t size,
                                      size_t *used)
{
    for (*used = 0; *used < size;) {
        size_t printable =
            decoder->state == GROUND ? printable_length(bytes + *used, size - *used) : 0;
        if (printable) {
            enum key_decoder_key key = text_key(decoder, bytes + *used, printable);
            decoder->after_cr = false;
            *used += printable;
            return key;
        }
        bool consumed = true;
        enum key_decoder_key key = decode_byte(decoder, bytes[*used], &consumed);
        *used += consumed;
        if (key != KEY_NONE)
            return key;
    }
    return KEY_NONE;
}
