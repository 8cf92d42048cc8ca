#ifndef SERVER_GATEWAY_GATEWAY_SESSION_H
#define SERVER_GATEWAY_GATEWAY_SESSION_H

#include "server/events/subscriptions.h"

struct control_session;

/* The operator's command `gateway`: a session both ways for a program. It gets what clients say,
 * and events if it asks for them, as subscribers do (server/events/subscriptions), and sends
 * requests (server/gateway/gateway_requests), each of which has a result:
 *
 *     result REF sent=N failed=N [CONFIRMATIONS] [reason=TEXT]       of `send`
 *     result REF [id=N] state=STATE targets=N sent=N failed=N skipped=N duration_ms=N
 *         [CONFIRMATIONS]                                            of `broadcast`
 *     result REF state=counted|known                                 of `gap`
 *     error REF TEXT
 *
 * A request that is wrong in itself has the line `permanent REF` before its error: it is refused
 * whenever it comes, unless the configuration changes.
 *
 * CONFIRMATIONS are the pairs of job_report_confirmations, of a request with `confirm`. A broadcast
 * whose key was published before has the state "duplicate", and no id.
 *
 * The messages of a session to one client leave in their order, except those that are to be
 * confirmed, which are jobs: one batch of them
 * (server/gateway/send_batch) is on its way at a time, while the next one is filled. A session that
 * sends faster than the workers take its messages, or does not read its results, is not read any
 * more until they have. Its memory is bounded: GATEWAY_BATCH_BYTES and the records of
 * GATEWAY_BATCH_MESSAGES twice, 0.3 MiB in all, the output up to GATEWAY_UNSENT_BYTES and the
 * results of two batches, half a kilobyte for each of its broadcasts that have not ended, which
 * broadcast.queue bounds, and a payload for each message that is to be confirmed, of which there
 * are at most GATEWAY_FINDING_MAX + CONFIRMED_MESSAGES_MAX, and for each broadcast with a key that
 * waits for its turn, of which there are at most GATEWAY_DECIDING_MAX: in the worst case 8.5 MiB.
 *
 * state is a struct command_context. */
void control_command_gateway(void *state, struct control_session *session, char *arguments);

enum {
    /* Payloads and references of one batch: 256 messages of 250 bytes, or one of any size. */
    GATEWAY_BATCH_BYTES = 128 << 10,
    GATEWAY_BATCH_MESSAGES = 256,
    /* Messages to be confirmed whose client is being looked up, before further requests wait: a
     * small number, since each may have the longest payload. */
    GATEWAY_FINDING_MAX = 8,
    /* Broadcasts with a key that wait for their turn, before further requests wait. */
    GATEWAY_DECIDING_MAX = 64,
    /* Output that waits for one session, before its requests wait, too. Messages and events are
     * dropped at half of it (SUBSCRIPTION_UNSENT_BYTES), so that they never stop the requests by
     * themselves: a program that answers each message would wait for ever, since it reads the next
     * message only when its answer is written. */
    GATEWAY_UNSENT_BYTES = 2 * SUBSCRIPTION_UNSENT_BYTES,
};

#endif
