#ifndef CLIENT_EXCHANGE_H
#define CLIENT_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* What may be unanswered at a time. A receive buffer of the kernel's default size, 212992
     * bytes, charged at 768 bytes for a small datagram, holds 277 of them; four such clients fit.
     */
    EXCHANGE_WINDOW = 64,
    /* In bytes of payload, since a large datagram is charged at up to twice its size. One datagram
     * may always wait. */
    EXCHANGE_WINDOW_BYTES = 64 << 10,
};

/* Requests that wait for replies. UDP doesn't say which request a reply belongs to, so a datagram
 * that comes answers the one that has waited longest, or else one that was given up. Time is an
 * argument, in milliseconds that never go back. */
struct exchange {
    uint64_t timeout_ms; /* 0: no reply is waited for */
    uint64_t sent;       /* requests, keepalives not counted */
    uint64_t answered;   /* of these */
    uint64_t last_reply_ms;
    size_t waiting_bytes;
    uint32_t oldest, count;
    struct exchange_request {
        uint64_t sent_ms;
        size_t size;
        bool keepalive;
    } waiting[EXCHANGE_WINDOW];
};

void exchange_init(struct exchange *exchange, uint64_t timeout_ms);

/* Whether a request of size bytes may be sent now. */
bool exchange_has_room(const struct exchange *exchange, size_t size);

/* A request was sent, for which there was room. A keepalive uses up its reply, but none is missed.
 */
void exchange_sent(struct exchange *exchange, size_t size, bool keepalive, uint64_t now_ms);

/* A datagram came. */
void exchange_reply(struct exchange *exchange, uint64_t now_ms);

/* The peer refused: those that wait are given up. */
void exchange_refused(struct exchange *exchange);

/* When the oldest is to be given up: timeout after it was sent or after the last datagram that
 * came, whichever is later, since a slow service is not a silent one. UINT64_MAX when none waits.
 */
uint64_t exchange_deadline_ms(const struct exchange *exchange);

/* Gives up those whose deadline has come. Returns how many. */
uint32_t exchange_expire(struct exchange *exchange, uint64_t now_ms);

/* Whether every request was answered (or none is expected to be). */
bool exchange_complete(const struct exchange *exchange);

#endif
