#ifndef CTL_EVENTS_EVENT_KINDS_H
#define CTL_EVENTS_EVENT_KINDS_H

#include "address/device_name.h"

/* The kinds of events (udpctl(8), "EVENTS") as operands of `events`. */

/* All kinds, in the form of a choice of text/option_parser, for completion. */
#define EVENT_KINDS_CHOICE                                                        \
    "joined|rejoined|expired|left|kicked|refused|moved|stream_closed|job_queued|" \
    "job_started|job_ended|reloaded"

enum { EVENT_KINDS_COMMAND_BYTES = 14 + sizeof EVENT_KINDS_CHOICE /* "events kinds=" */ };

/* " name=" and the name of a client. */
enum { EVENT_NAME_WORD_BYTES = 6 + DEVICE_NAME_TEXT_BYTES };

/* Writes " name=NAME" for the operand @NAME, of which there may be one; "" if there is none.
 * Returns -1, or the exit status after a usage error. */
int event_kinds_name(char *const *operands, int count, char word[EVENT_NAME_WORD_BYTES]);

/* Writes the command "events kinds=KIND,..." for these kinds, each once; "events" for none. Skips
 * an operand that begins with @. Returns -1, or, if one of them is not a kind, the exit status
 * after a usage error. */
int event_kinds_command(char *const *kinds, int count, char command[EVENT_KINDS_COMMAND_BYTES]);

#endif
