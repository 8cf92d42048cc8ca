#ifndef SERVER_CONTROL_ARGUMENTS_KEY_ARGUMENTS_H
#define SERVER_CONTROL_ARGUMENTS_KEY_ARGUMENTS_H

#include "address/publish_key.h"

#include <stdbool.h>
#include <stdint.h>

/* The words of a command line that give a broadcast a key: "key=STREAM:ID" (address/publish_key),
 * which "entries-added=N" may follow, before the words of confirmations. */
struct key_arguments {
    bool has_key;
    struct publish_key key;
    uint64_t entries_added; /* 0: it is not given */
};

enum { KEY_WRONG_BYTES = 512 };

/* Parses the leading words of arguments (may be NULL), which it changes. Returns the rest of the
 * arguments, without the blanks before it, or NULL if arguments is NULL or a word is invalid; wrong
 * is then what to write after "cannot VERB: ", or "" for NULL. */
char *key_arguments_parse(struct key_arguments *read, char *arguments, char wrong[KEY_WRONG_BYTES]);

#endif
