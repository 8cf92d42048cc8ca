#ifndef TERMINAL_KEY_DECODER_H
#define TERMINAL_KEY_DECODER_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes the bytes that a terminal sends into keys: control characters, UTF-8 text, the CSI and
 * SS3 sequences of xterm, VT220 and the Linux console, and bracketed pastes. */

enum key_decoder_key {
    KEY_NONE,
    KEY_TEXT, /* text and text_size */
    KEY_ENTER,
    KEY_TAB,
    KEY_LEFT,
    KEY_RIGHT,
    KEY_WORD_LEFT,
    KEY_WORD_RIGHT,
    KEY_HOME,
    KEY_END,
    KEY_UP,
    KEY_DOWN,
    KEY_BACKSPACE,
    KEY_DELETE,
    KEY_END_OR_DELETE, /* Ctrl-D */
    KEY_KILL_END,
    KEY_KILL_BEGIN,
    KEY_KILL_WORD_LEFT,  /* back to a blank */
    KEY_KILL_PART_LEFT,  /* back to a punctuation character */
    KEY_KILL_WORD_RIGHT, /* up to a punctuation character */
    KEY_YANK,
    KEY_TRANSPOSE,
    KEY_CLEAR_SCREEN,
    KEY_INTERRUPT,
    KEY_SUSPEND,
    KEY_QUIT,
    KEY_CURSOR_REPORT, /* the answer to CSI 6n: numbers has row and column */
    KEY_OTHER,         /* a key or sequence without a meaning here */
};

/* Initialize it with zeros. */
struct key_decoder {
    const char *text; /* valid UTF-8, until the next call */
    size_t text_size;
    unsigned numbers[2]; /* of a CSI sequence, 0 where missing, at most 9999 */
    /* The rest is internal. */
    int state;
    unsigned number; /* index of the number that is being read */
    char kept[8];    /* the beginning of a code point or of the end of a paste */
    size_t kept_size;
    bool has_other_parameters; /* the CSI sequence has more than numbers */
    bool pasting;
    bool after_cr; /* in a paste: an LF now would be part of a CR LF */
};

/* Decodes bytes up to the end of one key and sets *used to the number of bytes consumed. KEY_NONE:
 * all were consumed, and an incomplete sequence waits for more. A byte that interrupts a sequence
 * is left for the next call, so that Ctrl-C always works. Invalid UTF-8 becomes U+FFFD. */
enum key_decoder_key key_decoder_next(struct key_decoder *decoder, const char *bytes, size_t size,
                                      size_t *used);

#endif
