#ifndef CTL_EVENTS_EVENT_OUTPUT_H
#define CTL_EVENTS_EVENT_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* Prints an event from its line of the control protocol, and the line of lost ones. For people a
 * line of time, kind and what the event says; as JSON an object {"time", "event", ...} with the
 * members of its kind. */

/* value is the line after "event ", and is changed. Returns NULL, or what is wrong with the line as
 * a static string. */
const char *event_output_print(FILE *out, bool json, char *value);

/* The same for the line after "lost ", how many messages and events were lost: {"lost": N}. */
const char *event_output_print_lost(FILE *out, bool json, const char *value);

#endif
