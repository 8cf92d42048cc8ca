#ifndef SERVER_CONTROL_ARGUMENTS_SELECTOR_ARGUMENTS_H
#define SERVER_CONTROL_ARGUMENTS_SELECTOR_ARGUMENTS_H

#include "config/config.h"
#include "registry/client_selector.h"
#include "server/listen/listeners.h"

/* Selectors in command lines: words "to=BLOCK" (at most CLIENT_SELECTOR_BLOCKS_MAX of them),
 * "listener=ADDRESS" and "idle-max=DURATION" (each at most once), in any order, before the other
 * arguments of the command. BLOCK is as in cidr_parse, ADDRESS as `clients` shows it or in another
 * form of the same address, DURATION as in duration_parse, without a unit in seconds. */

enum {
    /* Of a message: a word of up to 199 bytes, the reason, and the names of some listeners. */
    SELECTOR_WRONG_BYTES = 1024,
    /* The longest text of a selector, its NUL included. */
    SELECTOR_TEXT_BYTES = CLIENT_SELECTOR_BLOCKS_MAX * (4 + CIDR_TEXT_BYTES) +
                          (10 + CONFIG_LISTEN_TEXT_BYTES) + (10 + 24),
};

/* Parses the leading selector words of arguments, which it changes. Without any, the selector is
 * that of all clients. Every leading word that contains "=" must be one of the above: no other
 * argument of a command has one.
 *
 * Returns the rest of the arguments, without the blanks before it, "" if there is none. Returns
 * NULL if a word is invalid; wrong is then what to write after "cannot VERB: ": the word, escaped,
 * the reason, and what to do. */
char *selector_arguments_parse(struct client_selector *selector, const struct listeners *listeners,
                               char *arguments, char wrong[SELECTOR_WRONG_BYTES]);

/* Writes the words of a selector as every answer, event and line of the log has them: separated by
 * commas, since columns and members are separated by blanks; "" if every client matches it. With
 * blanks in place of these commas the function above reads the same selector again. Writes the
 * first of its listeners, of which it has one. Returns text. */
const char *selector_arguments_format(const struct client_selector *selector,
                                      const struct listeners *listeners,
                                      char text[SELECTOR_TEXT_BYTES]);

#endif
