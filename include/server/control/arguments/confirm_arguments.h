#ifndef SERVER_CONTROL_ARGUMENTS_CONFIRM_ARGUMENTS_H
#define SERVER_CONTROL_ARGUMENTS_CONFIRM_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

/* The words of a command line that have a message confirmed: "confirm", which "within=DURATION" may
 * follow, before the selectors or the payload. DURATION is as in duration_parse, without a unit in
 * seconds. */
struct confirm_arguments {
    bool confirms;
    uint32_t within_ms; /* CONFIRMATION_WITHIN_MIN_MS to CONFIRMATION_WITHIN_MAX_MS */
};

enum { CONFIRM_WRONG_BYTES = 512 };

/* Parses the leading words of arguments (may be NULL), which it changes. Without them nothing is to
 * be confirmed.
 *
 * Returns the rest of the arguments, without the blanks before it, or NULL if arguments is NULL or
 * the duration is invalid; wrong is then what to write after "cannot VERB: ", or "" for NULL. */
char *confirm_arguments_parse(struct confirm_arguments *read, char *arguments,
                              char wrong[CONFIRM_WRONG_BYTES]);

#endif
