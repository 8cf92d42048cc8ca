#ifndef LOAD_SEND_REPLY_MATCHING_H
#define LOAD_SEND_REPLY_MATCHING_H

#include <stdbool.h>
#include <stdint.h>

/* Matches received datagrams to the requests that they answer, without an id in either. A request
 * is sent from a client that has no other open request, so that any datagram to that client is its
 * reply. A client whose request was lost pauses for one more timeout, so that a late reply is
 * recognized. Times are nanoseconds of any clock that never goes back. The cost of a call does not
 * depend on the number of clients. */
struct reply_match;

enum {
    REPLY_MATCH_CLIENTS_MAX = 1 << 26,
    REPLY_MATCH_OPEN_MAX =
        1 << 24, /* requests that are open, or lost while their client pauses: 400 MB of them */
};

/* Creates the state with all clients idle, 20 bytes per client. Returns NULL when memory is short.
 */
struct reply_match *reply_match_new(uint32_t clients, uint64_t timeout_ns);
void reply_match_free(struct reply_match *match);

/* Picks the client that has been idle for longest. If no client is idle and overlap is set, picks
 * one that has open requests, in turn; the replies of such a client are matched by order only. The
 * caller passes each picked client to reply_match_sent or reply_match_unpick, in the order of
 * picking, before it calls anything else. Returns false if no client can be picked,
 * REPLY_MATCH_OPEN_MAX requests are open, or memory is short. */
bool reply_match_pick(struct reply_match *match, bool overlap, uint32_t *client);

/* Records that the picked client's request was sent. */
void reply_match_sent(struct reply_match *match, uint32_t client, uint64_t intended_ns,
                      uint64_t sent_ns);

/* Puts back a picked client whose request was not sent. */
void reply_match_unpick(struct reply_match *match, uint32_t client);

/* What a datagram is for the client that received it. */
enum reply_match_kind {
    REPLY_MATCH_REPLY,       /* the reply to its oldest open request */
    REPLY_MATCH_LATE,        /* the reply to a lost request */
    REPLY_MATCH_DUPLICATE,   /* the same reply again */
    REPLY_MATCH_UNSOLICITED, /* the client waits for no reply */
};

struct reply_match_answer {
    enum reply_match_kind kind;
    /* The request was sent after reply_match_measure; always set for unsolicited datagrams. */
    bool measured;
    uint64_t intended_ns, sent_ns; /* of the request, for REPLY_MATCH_REPLY */
};

/* Matches a received datagram. hash is a hash of its bytes. expected is false if it cannot be a
 * reply. That is used only for late replies: a client with an open request accepts any datagram as
 * its reply. */
struct reply_match_answer reply_match_datagram(struct reply_match *match, uint32_t client,
                                               uint32_t hash, bool expected);

/* Returns whether the client has an open request. */
bool reply_match_waits(const struct reply_match *match, uint32_t client);

/* Marks requests that were sent a timeout ago or earlier as lost, and ends the pause of clients
 * whose request was lost a timeout ago. Returns how many measured requests were lost now. */
uint64_t reply_match_expire(struct reply_match *match, uint64_t now_ns);

/* Returns when reply_match_expire is due next; UINT64_MAX if no request is open and no client
 * pauses. */
uint64_t reply_match_deadline_ns(const struct reply_match *match);

/* Returns the number of requests that wait for a reply. */
uint64_t reply_match_open(const struct reply_match *match);

/* Measures the requests that are sent from now on, and not those before. */
void reply_match_measure(struct reply_match *match);

/* Returns whether each reply to a measured request was matched exactly, not by order. */
bool reply_match_is_exact(const struct reply_match *match);

#endif
