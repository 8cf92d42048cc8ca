/* Clients that join a server, with or without a challenge. */
#include "joiner.h"

#include "clock.h"
#include "frames.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { ANSWER_TYPE = 2, EVENTS = 64, DATAGRAM_BYTES = 2048 };

static const char REQUEST[] = "join";

/* Ignores errors: a request that cannot be sent is repeated like one that is lost. */
static void send_bytes(const struct joiners *joiners, const struct joiner *joiner,
                       const void *bytes, size_t size)
{
    (void)!sendto(joiner->udp, bytes, size, MSG_DONTWAIT,
                  (const struct sockaddr *)&joiners->to.sockaddr, joiners->to.size);
}

static void answer_challenge(const struct joiners *joiners, const struct joiner *joiner,
                             const uint8_t *challenge)
{
    uint8_t answer[FRAME_CHALLENGE + sizeof REQUEST - 1];

    memcpy(answer, challenge, FRAME_CHALLENGE);
    answer[FRAME_HEAD - 1] = ANSWER_TYPE;
    memcpy(answer + FRAME_CHALLENGE, REQUEST, sizeof REQUEST - 1);
    send_bytes(joiners, joiner, answer, sizeof answer);
}

static void receive_all(const struct joiners *joiners, struct joiner *joiner)
{
    uint8_t bytes[DATAGRAM_BYTES];
    ssize_t size;

    while (joiner->joined_ns == 0 &&
           (size = recv(joiner->udp, bytes, sizeof bytes, MSG_DONTWAIT)) >= 0) {
        if (size == FRAME_CHALLENGE && memcmp(bytes, "\0UDP\1", FRAME_HEAD) == 0) {
            joiner->challenged++;
            answer_challenge(joiners, joiner, bytes);
        } else if (size == sizeof REQUEST - 1 && memcmp(bytes, REQUEST, sizeof REQUEST - 1) == 0) {
            joiner->joined_ns = clock_now_ns();
        }
    }
}

static void send_request(const struct joiners *joiners, struct joiner *joiner)
{
    struct endpoint host = udp_name(joiner->udp);

    if (joiner->requests++ == 0 && joiners->requester != NULL)
        (void)address_requester_send(joiners->requester, &host);
    send_bytes(joiners, joiner, REQUEST, sizeof REQUEST - 1);
    joiner->next_request_ns += NS_PER_S;
}

/* Sends all requests that are due. Returns whether any joiner is still active, and the time of the
 * next request. */
static bool send_due_requests(struct joiners *joiners, int64_t now_ns, int64_t *next_ns)
{
    bool active = false;

    *next_ns = now_ns + NS_PER_S;
    for (size_t i = 0; i < joiners->count; i++) {
        struct joiner *joiner = &joiners->all[i];

        if (joiner->joined_ns != 0 || now_ns - joiner->start_ns >= joiners->limit_ns)
            continue;
        active = true;
        if (joiner->next_request_ns <= now_ns)
            send_request(joiners, joiner);
        *next_ns = joiner->next_request_ns < *next_ns ? joiner->next_request_ns : *next_ns;
    }
    return active;
}

void joiners_run(struct joiners *joiners)
{
    struct epoll_event events[EVENTS];
    int64_t next_ns;
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    for (size_t i = 0; i < joiners->count; i++) {
        struct joiner *joiner = &joiners->all[i];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = joiner};

        joiner->next_request_ns = joiner->start_ns;
        epoll_ctl(epoll, EPOLL_CTL_ADD, joiner->udp, &event);
    }
    while (send_due_requests(joiners, clock_now_ns(), &next_ns)) {
        int64_t wait_ns = next_ns - clock_now_ns();
        int count = epoll_wait(epoll, events, EVENTS,
                               wait_ns > 0 ? (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS) : 0);

        for (int i = 0; i < count; i++) {
            struct joiner *joiner = events[i].data.ptr;

            receive_all(joiners, joiner);
            if (joiner->joined_ns != 0)
                epoll_ctl(epoll, EPOLL_CTL_DEL, joiner->udp, NULL);
        }
    }
    close(epoll);
}

static void *run_in_thread(void *argument)
{
    joiners_run(argument);
    return NULL;
}

void joiners_start(struct joiners *joiners)
{
    expect(pthread_create(&joiners->thread, NULL, run_in_thread, joiners) == 0,
           "expected a thread");
}

void joiners_wait(struct joiners *joiners)
{
    pthread_join(joiners->thread, NULL);
}

size_t joiners_joined(const struct joiners *joiners)
{
    size_t joined = 0;

    for (size_t i = 0; i < joiners->count; i++)
        joined += joiners->all[i].joined_ns != 0;
    return joined;
}

void joiners_close(struct joiners *joiners)
{
    for (size_t i = 0; i < joiners->count; i++)
        close(joiners->all[i].udp);
}
