#ifndef CTL_SELECTOR_OPTIONS_H
#define CTL_SELECTOR_OPTIONS_H

#include "address/cidr.h"
#include "registry/client_selector.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The options that select clients (--to or --address, --listener, --idle-max): their values, and
 * the words of the control protocol that they become. Invalid values are refused before anything is
 * sent. */

struct selector_options {
    struct cidr blocks[CLIENT_SELECTOR_BLOCKS_MAX];
    size_t block_count;
    const char *listener; /* NULL: any. A valid address; only the server knows its listeners */
    bool has_idle_max;
    uint64_t idle_max_ms;
};

/* Each stores a value. Returns NULL, or what is wrong with it: a static string for the end of a
 * message ("bad --to 'x': ..."). listener is not copied. */
const char *selector_options_add_block(struct selector_options *selector, const char *block);
const char *selector_options_set_listener(struct selector_options *selector, const char *listener);
const char *selector_options_set_idle_max(struct selector_options *selector, const char *duration);

/* Whether anything is selected. */
bool selector_options_are_given(const struct selector_options *selector);

enum {
    /* " to=" and a block, " listener=" and an address of the command line (at most the 108 bytes
     * of a path and its prefix, or an IPv6 address with a zone), " idle-max=" and a duration. */
    SELECTOR_OPTIONS_WORDS_BYTES = CLIENT_SELECTOR_BLOCKS_MAX * (4 + CIDR_TEXT_BYTES) + 160 + 40,
};

/* Writes the words, each with a blank before it, so that they can follow the name of a command; ""
 * if nothing is selected. Returns words. */
const char *selector_options_format(const struct selector_options *selector,
                                    char words[SELECTOR_OPTIONS_WORDS_BYTES]);

#endif
