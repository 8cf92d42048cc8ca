#ifndef CLIENT_HELLO_SCHEDULE_H
#define CLIENT_HELLO_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

/* When a client says hello (frame 08 of wire/frame), by which it asks a udpsrv for messages in
 * frames, which it can confirm, or for a name. Pure: the caller passes the time, in nanoseconds of
 * a clock that never goes back. No errors; one thread.
 *
 * A hello has an effect only for a registered client, so it is sent after a reply, and again after
 * the client has joined anew. It is answered; without the answer it is repeated. A service that
 * knows no hello takes it for a request, so one that never answered one gets at most
 * HELLO_SCHEDULE_TRIES. If it has sent no frame either and the user has not asked for a hello,
 * these are not repeated each second, but only after a reply HELLO_SCHEDULE_RENEWAL_NS later. A
 * server that was restarted, or has removed the client, does not say so under policy = open; so to
 * a service that has answered one the hello is sent again with the requests, as docs/protocol.md
 * asks for it with keepalives, also when the last ones were lost.
 *
 * A hello that proves a key is answered by a challenge if its cookie is no longer valid. It is then
 * sent again at once with the new cookie, HELLO_SCHEDULE_CHALLENGES times at most, so that no
 * service makes the client send without an end. */

enum {
    HELLO_SCHEDULE_TRIES = 3,
    /* Between two answers. One is enough for a server that is registering the client; the others
     * are for challenges that come twice, or to a try that was late. */
    HELLO_SCHEDULE_CHALLENGES = 3,
};
#define HELLO_SCHEDULE_INTERVAL_NS UINT64_C(1000000000) /* between the tries (RFC 8085, 3.1.1) */
/* From an answer on, or from the end of the tries without one; then the next reply is followed by
 * another hello. It is the keepalive interval of docs/protocol.md. */
#define HELLO_SCHEDULE_RENEWAL_NS UINT64_C(20000000000)

enum hello_policy {
    HELLO_NEVER,
    HELLO_UNASKED, /* by the program itself: a service that may be any is not to be disturbed */
    HELLO_ASKED,   /* the user has asked for it */
};

struct hello_schedule {
    enum hello_policy policy;
    bool spoken;         /* the service has sent a frame */
    bool registered;     /* it has replied since the client joined */
    bool answered;       /* it has answered a hello since then */
    bool known;          /* it has answered any hello */
    uint64_t last_ns;    /* of the last hello, answer, or end of the tries */
    uint32_t tries;      /* hellos since the last answer */
    uint32_t planned;    /* those that follow without a further reply */
    uint32_t challenges; /* those since the last answer by which a hello was answered */
    uint64_t due_ns;     /* of the next step; UINT64_MAX: none */
};

void hello_schedule_init(struct hello_schedule *hello, enum hello_policy policy);

/* The service has sent a frame. */
void hello_schedule_frame_came(struct hello_schedule *hello, uint64_t now_ns);

/* The service has replied to a request, or the user expects no replies: the client is registered.
 */
void hello_schedule_registered(struct hello_schedule *hello, uint64_t now_ns);

/* The client is no longer registered, or may not be: a hello is sent again after the next reply. */
void hello_schedule_rejoin(struct hello_schedule *hello);

/* The service has sent a challenge, by which it may have answered a hello that proves a key.
 * Returns whether such a hello is open; it is then sent again at once if that is permitted. */
bool hello_schedule_challenged(struct hello_schedule *hello, uint64_t now_ns);

/* The service has answered a hello. */
void hello_schedule_answered(struct hello_schedule *hello, uint64_t now_ns);

/* The service has returned a hello as it was: it is an echo service, which gets no other. */
void hello_schedule_end(struct hello_schedule *hello);

enum hello_step {
    HELLO_WAIT,    /* nothing is due */
    HELLO_SEND,    /* a hello has to be sent now */
    HELLO_GIVE_UP, /* the last try was not answered; reported once */
};
enum hello_step hello_schedule_step(struct hello_schedule *hello, uint64_t now_ns);

/* Returns when hello_schedule_step has something to do; UINT64_MAX: never. As long as it does, the
 * answer is open. */
uint64_t hello_schedule_due_ns(const struct hello_schedule *hello);

#endif
