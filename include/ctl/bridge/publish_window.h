#ifndef CTL_BRIDGE_PUBLISH_WINDOW_H
#define CTL_BRIDGE_PUBLISH_WINDOW_H

#include "redis/stream_position.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The entries that were sent to the server and have no result yet. */

enum {
    /* The server takes 64 of a session before it stops reading; half of them are enough that it
     * never waits for the bridge. */
    PUBLISH_WINDOW_ENTRIES = 32,
    /* The least number of entries for which Redis is asked, so that not each result leads to a
     * read of one entry. */
    PUBLISH_WINDOW_READ = 16,
    /* Of these to be confirmed: the server has at most 8, also for other operators, and each lasts
     * until its clients have confirmed it, or their time has passed. */
    PUBLISH_WINDOW_CONFIRMED = 4,
};

struct publish_window_entry {
    uint64_t ref;                    /* 0: a free place */
    struct stream_position position; /* of the stream, when this entry was read */
    bool confirms;
};

struct publish_window { /* all zero at the beginning */
    struct publish_window_entry entries[PUBLISH_WINDOW_ENTRIES];
    uint64_t last_ref;
    unsigned count, confirmed;
};

/* How many entries to ask Redis for, 0 or from PUBLISH_WINDOW_READ on; and whether an entry may be
 * added. */
unsigned publish_window_room(const struct publish_window *window);
bool publish_window_has_room(const struct publish_window *window, bool confirms);

/* Adds an entry, for which there is room. Returns its reference, which is never used again. */
uint64_t publish_window_add(struct publish_window *window, const struct stream_position *position,
                            bool confirms);

/* Removes an entry, and stores it. Returns false if there is none of that reference. */
bool publish_window_remove(struct publish_window *window, uint64_t ref,
                           struct publish_window_entry *entry);

/* Removes all entries. */
void publish_window_clear(struct publish_window *window);

#endif
