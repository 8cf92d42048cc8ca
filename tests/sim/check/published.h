#ifndef SIM_CHECK_PUBLISHED_H
#define SIM_CHECK_PUBLISHED_H

#include <stdbool.h>
#include <stdint.h>

/* The oracle of broadcasts with a key, over all starts of a run: no entry of a publish stream is
 * sent twice or after a newer one; none is called a duplicate unless it or a newer one may have
 * been accepted; and what was sent is remembered. Entries are numbered from 1 in each stream, in
 * the order of their ids. */

enum {
    PUBLISHED_STREAMS = 3,
    PUBLISHED_ENTRIES_MAX = 1024, /* of a stream */
};

/* A broadcast of that number (check/copies) is asked for as that entry. */
void published_asked(uint32_t number, unsigned stream, uint32_t entry);

/* Whether a broadcast has a key. */
bool published_has_key(uint32_t number);

/* Its answer: its job was queued; it is a duplicate; or it is refused, for that reason. */
void published_queued(uint32_t number);
void published_duplicate(uint32_t number);
void published_refused(uint32_t number, const char *reason);

/* A copy of a broadcast was sent, or the kernel refused it. */
void published_copy(uint32_t number);

/* `streams` says that this entry is the last one of a stream. */
void published_listed(unsigned stream, uint32_t entry, const char *state);
/* It was asked at that time, and has listed all: those that published_listed was called for since
 * the call before. */
void published_list_end(uint64_t asked_ms);

/* The journal cannot be read: the streams are forgotten. */
void published_forgotten(void);
bool published_is_forgotten(void);

/* The host has lost its power: what was appended to the journal may be lost. */
void published_power_failure(void);

/* The server has ended. */
void published_reset(void);
/* It starts. */
void published_start(void);

#endif
