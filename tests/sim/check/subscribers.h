#ifndef SIM_CHECK_SUBSCRIBERS_H
#define SIM_CHECK_SUBSCRIBERS_H

#include "sim/check/model.h"
#include "sim/net/connection.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Oracle of subscribers (`listen`, `events`): each message that the server has received from a
 * registered client is in each subscription that it matches, once and in the order of its client,
 * or counted as lost; and there are as many events as the counters say. A message of a source that
 * may or may not be registered may be missing. */

enum { SUBSCRIBERS_MAX = 56 /* more than the server accepts of operators, or of observers */ };

/* The kinds of events of clients, in the order of bits of `kinds`. */
enum subscriber_kind {
    SUBSCRIBER_MESSAGE,
    SUBSCRIBER_JOINED,
    SUBSCRIBER_REJOINED,
    SUBSCRIBER_EXPIRED,
    SUBSCRIBER_LEFT,
    SUBSCRIBER_KICKED,
    SUBSCRIBER_REFUSED,
    SUBSCRIBER_STREAM_CLOSED,
    SUBSCRIBER_KINDS
};
const char *subscriber_kind_name(enum subscriber_kind kind);

/* What a subscriber asks for. */
struct subscriber_filter {
    uint32_t kinds;   /* a bit each */
    int listener;     /* its number in the server; -1: any */
    struct addr addr; /* the block of these bits around it; family ADDR_NONE: any address */
    unsigned bits;
};

/* A datagram, or a line of a stream, was received. */
void subscribers_datagram(const struct model_entry *from, const void *bytes, size_t size,
                          bool is_frame);
void subscribers_line(const struct connection *from, const void *bytes, size_t size);

/* The subscriber of that number sends its command; it is accepted; and it has read a line. */
void subscribers_begin(uint32_t number, const struct subscriber_filter *filter);
void subscribers_accepted(uint32_t number);
void subscribers_read(uint32_t number, char *line);

/* An accepted subscriber has read all, and the server has nothing to do. */
void subscribers_check(uint32_t number);

/* How many messages and events subscribers have been notified of as lost, since the start of the
 * server. */
uint64_t subscribers_losses(void);

/* The server has ended. */
void subscribers_reset(void);

#endif
