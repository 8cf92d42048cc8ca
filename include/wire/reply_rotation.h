#ifndef WIRE_REPLY_ROTATION_H
#define WIRE_REPLY_ROTATION_H

#include "base/handover.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The choice of the reply to a request: the next message of the configured list, an echo, or none.
 * All workers share one object; a reload makes a new one. */

enum reply_mode {
    REPLY_ROTATE, /* each request gets the next message of the list */
    REPLY_ECHO,   /* each request gets its own bytes */
    REPLY_NONE,   /* no reply */
};

/* A byte string with its length. It may contain NUL bytes and may be empty. */
struct message {
    const uint8_t *bytes;
    size_t size;
};

/* A mode, its list of messages and the position in it. Only the position and the references change.
 * The members are for the functions of this header, of which those for each reply are inline. */
struct reply {
    atomic_uint references;
    enum reply_mode mode;
    size_t count;
    struct message *messages;
    uint64_t *turns; /* taken until now: own_turns, or in memory of the caller */
    /* All workers write it, so it has its own cache line: the other fields stay in their caches. */
    _Alignas(64) uint64_t own_turns;
};

/* Copies the count messages (at least one for REPLY_ROTATE). Returns an object with one reference,
 * or NULL if there is no memory. */
struct reply *reply_rotation_new(enum reply_mode mode, const struct message *messages,
                                 size_t count);
/* Add and remove a reference, in any thread. Removing the last one frees the object; NULL is
 * ignored. */
struct reply *reply_rotation_retain(struct reply *reply);
void reply_rotation_release(struct reply *reply);

/* Whether there are references beside the caller's own one. If not, no other thread has the object
 * any more, and none can get it. */
bool reply_rotation_is_shared(const struct reply *reply);

/* Returns the object's mode. */
enum reply_mode reply_rotation_mode(const struct reply *reply);

/* Whether both have the same mode and messages. A reload then keeps the older one, so that the
 * rotation continues. */
bool reply_rotation_equal(const struct reply *a, const struct reply *b);

/* The number of messages, and the size of the longest one (0 without messages). */
size_t reply_rotation_count(const struct reply *reply);
size_t reply_rotation_max_bytes(const struct reply *reply);

/* Makes the count of turns one in memory of the caller, which it continues: other programs that
 * have the memory take turns by atomic addition there, and their message is the turn modulo the
 * number of messages. The memory is aligned to 8 and outlives the object, or the object is set back
 * to its own count (NULL), which continues, too. No other thread uses the object meanwhile. */
void reply_rotation_use_turns(struct reply *reply, uint64_t *turns);

/* Returns where its turns are counted: the last argument of reply_rotation_use_turns, or memory of
 * its own. */
static inline const uint64_t *reply_rotation_turns(const struct reply *reply)
{
    return reply->turns;
}

/* Reserves the next count turns of the rotation for the caller, by one atomic addition, in any
 * thread. Returns the first turn, an argument of reply_rotation_message. The list must not be
 * empty; for REPLY_ROTATE it never is. */
size_t reply_rotation_take(struct reply *reply, size_t count);

/* In an upgrade, write the next turn into the record, and continue with it: if mode and messages
 * are the same there, else the rotation begins anew. reply_rotation_take_over returns 0 or -EPROTO.
 */
void reply_rotation_hand_over(const struct reply *reply, struct handover_writer *writer);
int reply_rotation_take_over(struct reply *reply, struct handover_reader *reader);

/* The message of a turn, and the turn after it: the list is circular. */
static inline const struct message *reply_rotation_message(const struct reply *reply, size_t turn)
{
    return &reply->messages[turn];
}

static inline size_t reply_rotation_next(const struct reply *reply, size_t turn)
{
    return turn + 1 == reply->count ? 0 : turn + 1;
}

#endif
