#ifndef LOAD_SEND_REPLY_MATCHING_H
#define LOAD_SEND_REPLY_MATCHING_H

#include <stdbool.h>
#include <stdint.h>

/* Which datagram answers which request, without an id in either. A request goes out from a client
 * that has no other open, so whatever comes to that client is its answer. A client whose request
 * was lost rests for one more timeout, so that what comes then is known as late. Times are
 * nanoseconds from any beginning and never go back. Nothing here takes longer for more clients. */
struct reply_match;

enum {
    REPLY_MATCH_CLIENTS_MAX = 1 << 26,
    REPLY_MATCH_OPEN_MAX = 1 << 24, /* requests that are open, or resting: 400 MB of them */
};

/* All clients idle. 20 bytes a client. NULL when memory is short. */
struct reply_match *reply_match_new(uint32_t clients, uint64_t timeout_ns);
void reply_match_free(struct reply_match *match);

/* The client that has been idle for longest: the next in turn. If there is none and crowd is set,
 * one with open requests, in turn; then order alone tells its answers apart. Each client that was
 * picked is to be given to reply_match_sent or reply_match_unpick, in the order of picking, before
 * anything else is done. False if there is none, or REPLY_MATCH_OPEN_MAX requests are open, or
 * memory is short. */
bool reply_match_pick(struct reply_match *match, bool crowd, uint32_t *client);

/* Its request is out. */
void reply_match_sent(struct reply_match *match, uint32_t client, uint64_t intended_ns,
                      uint64_t sent_ns);

/* It was not sent after all. */
void reply_match_unpick(struct reply_match *match, uint32_t client);

/* What a datagram is to the client that it came to. */
enum reply_match_kind {
    REPLY_MATCH_REPLY,       /* the answer to its request */
    REPLY_MATCH_LATE,        /* to one that was lost */
    REPLY_MATCH_DUPLICATE,   /* the same answer once more */
    REPLY_MATCH_UNSOLICITED, /* it waits for none */
};

struct reply_match_answer {
    enum reply_match_kind kind;
    bool measured; /* the request was sent since reply_match_measure; and so for what is unsolicited
                    */
    uint64_t intended_ns, sent_ns; /* of the request, for REPLY_MATCH_REPLY */
};

/* A datagram came. hash is one of its bytes; expected is whether it may be an answer at all, which
 * matters to late ones alone: while an answer is awaited, whatever comes is taken for it. */
struct reply_match_answer reply_match_datagram(struct reply_match *match, uint32_t client,
                                               uint32_t hash, bool expected);

/* Whether the client waits for the answer to a request. */
bool reply_match_waits(const struct reply_match *match, uint32_t client);

/* Gives up what was sent a timeout or longer ago, and ends the rest of those given up a timeout
 * ago. Returns how many of the measured were lost now. */
uint64_t reply_match_expire(struct reply_match *match, uint64_t now_ns);

/* When reply_match_expire has something to do, UINT64_MAX if nothing is open and nobody rests. */
uint64_t reply_match_deadline_ns(const struct reply_match *match);

/* Requests that wait for an answer. */
uint64_t reply_match_open(const struct reply_match *match);

/* From here on requests are measured, those before are not. */
void reply_match_measure(struct reply_match *match);

/* Whether each answer to a measured request was certainly its own, rather than by order. */
bool reply_match_is_exact(const struct reply_match *match);

#endif
