/* A control with a few commands, and peers of it. */
#ifndef UNIT_CONTROL_FIXTURE_H
#define UNIT_CONTROL_FIXTURE_H

#include "server/control.h"

#include <criterion/criterion.h>

/* Both ends live in this one thread: a Unix socket hands bytes over at once, so that after a few
 * rounds of the loop everything that can happen has happened. */
extern struct loop *control_loop;
extern struct control *control_tested; /* closed behind the test unless NULL */
extern char control_path[64];          /* of its socket */

void control_turn(int rounds);
void control_stop_loop(void *state);

extern struct control_session *control_waiting; /* of the last `wait`, for the test to end */

/* Of the last `list`. */
extern struct listing {
    struct loop_task task;
    struct control_session *session;
    int written, slices, lines;
    bool left_early;
} control_listing;

int control_open_another(struct control **opened);
void control_start(void);
void control_stop(void);

int operator_open(void);
int operator_in_session(void); /* accepted already */
void operator_say_bytes(int fd, const char *bytes, size_t size);
void operator_say(int fd, const char *text);
/* All that the peer has been sent by now; good until the next call. */
const char *operator_hear(int fd);
bool operator_is_closed(int fd);
void operator_expects(int fd, const char *command, const char *answer);
/* A new peer gets an answer. */
void operator_is_served(void);
/* Reads a listing to its end, and checks that each line is there once, in order. */
void operator_expects_listing(int fd, int lines);

#endif
