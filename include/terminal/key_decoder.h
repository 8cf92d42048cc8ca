#ifndef TERMINAL_KEY_DECODER_H
#define TERMINAL_KEY_DECODER_H

#include <stdbool.h>
#include <stddef.h>

/* What a terminal sends, bytes in, keys out: control characters, UTF-8, the sequences of xterm,
 * VT220 and the Linux console for keys (CSI and SS3), and pastes in brackets. */

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
    KEY_KILL_WORD_LEFT,  /* up to a blank */
    KEY_KILL_PART_LEFT,  /* up to a sign */
    KEY_KILL_WORD_RIGHT, /* up to a sign */
    KEY_YANK,
    KEY_SWAP,
    KEY_REFRESH,
    KEY_INTERRUPT,
    KEY_SUSPEND,
    KEY_QUIT,
    KEY_POSITION, /* numbers: row and column */
    KEY_OTHER,    /* a key or sequence that means nothing here */
};

/* All zero is the beginning. */
struct key_decoder {
    const char *text; /* valid UTF-8, until the next call */
    size_t text_size;
    unsigned numbers[2]; /* of a CSI sequence, 0 where missing, at most 9999 */
    /* Its own. */
    int state;
    unsigned number; /* which of them is being read */
    size_t have;     /* bytes of kept */
    char kept[8];
    bool odd; /* of a CSI sequence: it has more than numbers */
    bool pasting;
    bool after_cr; /* in a paste: an LF would belong to the CR before */
};

/* Takes bytes up to the end of one key; *used of them were taken. KEY_NONE: all were, and what was
 * begun waits for more. A byte that breaks a sequence off is left for the next call, so that Ctrl-C
 * is always heard. What isn't UTF-8 becomes U+FFFD. */
enum key_decoder_key key_decoder_next(struct key_decoder *keyboard, const char *bytes, size_t size,
                                      size_t *used);

#endif
