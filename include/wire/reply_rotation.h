#ifndef WIRE_REPLY_ROTATION_H
#define WIRE_REPLY_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reply_mode {
    REPLY_ROTATE, /* each request gets the next message of the list */
    REPLY_ECHO,   /* each request gets itself */
    REPLY_NONE,   /* silence */
};

/* Counted bytes; a message may hold any of them, NUL too, or none at all. */
struct message {
    const uint8_t *bytes;
    size_t size;
};

/* What is answered: one object for all workers, unchanging but for its turn. */
struct reply;

/* Copies the count messages (at least one under REPLY_ROTATE). NULL when memory is short. */
struct reply *reply_rotation_new(enum reply_mode mode, const struct message *messages,
                                 size_t count);
/* One reference more, and one less: the last one frees it. NULL is nothing. Any thread. */
struct reply *reply_rotation_hold(struct reply *reply);
void reply_rotation_release(struct reply *reply);

enum reply_mode reply_mode(const struct reply *reply);

/* Whether both answer alike, so that a reload may keep the older one and its turn. */
bool reply_rotation_same(const struct reply *a, const struct reply *b);

/* Reserves the next count turns of the rotation for the caller alone, by one atomic addition, and
 * returns the first as an index of reply_rotation_message. Any thread. The list isn't empty: under
 * REPLY_ROTATE it never is. */
size_t reply_rotation_take(struct reply *reply, size_t count);

/* The message of a turn, and the index of the turn behind it: the list is a ring. */
const struct message *reply_rotation_message(const struct reply *reply, size_t turn);
size_t reply_rotation_next(const struct reply *reply, size_t turn);

#endif
