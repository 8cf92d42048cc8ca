#ifndef CTL_EVENTS_EVENT_MEMBERS_H
#define CTL_EVENTS_EVENT_MEMBERS_H

#include <stdio.h>

/* Members "NAME=VALUE", separated by blanks, of lines of the control protocol (`event`, `result`).
 * The value of one name, the last one of its line, takes the rest of the line, blanks included. */

struct event_member {
    const char *name, *value;
};

/* Takes the next member from *rest, which is changed, and NULL after the last one. last is the name
 * whose value is the rest. Returns NULL, or what is wrong with the line as a static string. */
const char *event_members_next(struct event_member *member, char **rest, const char *last);

/* Prints all members as members of a JSON object; before precedes the first one, if there is one.
 * Values that are numbers are printed as such, and the value of "name" as the name of a device
 * (address/device_name). Returns as above. */
const char *event_members_print_json(FILE *out, const char *before, char *members,
                                     const char *last);

#endif
