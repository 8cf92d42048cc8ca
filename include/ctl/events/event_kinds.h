#ifndef CTL_EVENTS_EVENT_KINDS_H
#define CTL_EVENTS_EVENT_KINDS_H

/* The kinds of events (udpctl(8), "EVENTS") as operands of `events`. */

/* All kinds, in the form of a choice of base/option_parser, for completion. */
#define EVENT_KINDS_CHOICE                                                        \
    "joined|rejoined|expired|left|kicked|refused|moved|stream_closed|job_queued|" \
    "job_started|job_ended|reloaded"

enum { EVENT_KINDS_COMMAND_BYTES = 14 + sizeof EVENT_KINDS_CHOICE /* "events kinds=" */ };

/* Writes the command "events kinds=KIND,..." for these kinds, each once; "events" for none. Returns
 * -1, or, if one of them is not a kind, the exit status after a usage error. */
int event_kinds_command(char *const *kinds, int count, char command[EVENT_KINDS_COMMAND_BYTES]);

#endif
