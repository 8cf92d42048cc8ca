/* Measures the time from each request to its reply. */
#include "prober.h"

#include "clock.h"
#include "process.h"

#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    EVENTS = 64,
    DATAGRAM_BYTES = 2048,
    JOIN_LIMIT_S = 15,
    /* The longest time to wait for outstanding replies. */
    REPLY_LIMIT_MS = 1000,
    RECEIVE_BYTES = 1 << 20,
};

/* The payload of a request. The number in the echoed payload identifies the request. */
struct request {
    char mark[4];
    uint32_t number;
};

static const char MARK[4] = "prob";

static void send_next(struct prober *prober, int64_t due_ns)
{
    const struct joiners *clients = &prober->clients;
    const struct joiner *client = &clients->all[prober->sent % clients->count];
    struct request request = {.number = prober->sent};
    struct probe *probe = &prober->probes[prober->sent++];

    memcpy(request.mark, MARK, sizeof MARK);
    probe->due_ns = due_ns;
    probe->sent_ns = clock_now_ns();
    (void)!sendto(client->udp, &request, sizeof request, MSG_DONTWAIT,
                  (const struct sockaddr *)&clients->to.sockaddr, clients->to.size);
}

/* The time at which the kernel received a datagram. */
static int64_t receive_time(struct msghdr *header)
{
    struct cmsghdr *message = CMSG_FIRSTHDR(header);
    struct timespec stamp;

    if (message == NULL || message->cmsg_type != SCM_TIMESTAMPNS)
        return clock_now_ns();
    memcpy(&stamp, CMSG_DATA(message), sizeof stamp);
    return stamp.tv_sec * NS_PER_S + stamp.tv_nsec;
}

static void count_datagram(struct prober *prober, size_t client, const void *bytes, ssize_t size,
                           int64_t stamp_ns)
{
    struct request reply;

    if (size == sizeof reply) {
        memcpy(&reply, bytes, sizeof reply);
        if (memcmp(reply.mark, MARK, sizeof MARK) == 0 && reply.number < prober->sent) {
            prober->answered += prober->probes[reply.number].answered_ns == 0;
            if (prober->probes[reply.number].answered_ns == 0)
                prober->probes[reply.number].answered_ns = stamp_ns;
            return;
        }
    }
    prober->copies[client]++;
    if (stamp_ns > atomic_load(&prober->copied_ns))
        atomic_store(&prober->copied_ns, stamp_ns);
    atomic_fetch_add(&prober->copy_sum, 1);
}

static void receive_all(struct prober *prober, const struct joiner *client)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct timespec))];
        struct cmsghdr aligned;
    } control;
    char bytes[DATAGRAM_BYTES];
    struct iovec iovec = {bytes, sizeof bytes};
    ssize_t size;

    for (;;) {
        struct msghdr header = {.msg_iov = &iovec,
                                .msg_iovlen = 1,
                                .msg_control = control.bytes,
                                .msg_controllen = sizeof control.bytes};

        size = recvmsg(client->udp, &header, MSG_DONTWAIT);
        if (size < 0)
            return;
        count_datagram(prober, (size_t)(client - prober->clients.all), bytes, size,
                       receive_time(&header));
    }
}

static void receive_for(struct prober *prober, int epoll, int64_t wait_ns)
{
    struct epoll_event events[EVENTS];
    struct timespec wait = {.tv_sec = wait_ns / NS_PER_S, .tv_nsec = wait_ns % NS_PER_S};
    int count = epoll_pwait2(epoll, events, EVENTS, &wait, NULL);

    for (int i = 0; i < count; i++)
        receive_all(prober, events[i].data.ptr);
}

static void *run_prober(void *argument)
{
    struct prober *prober = argument;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int64_t step_ns = NS_PER_S / prober->rate_pps, due_ns = clock_now_ns(), now_ns;

    for (size_t i = 0; i < prober->clients.count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &prober->clients.all[i]};

        epoll_ctl(epoll, EPOLL_CTL_ADD, prober->clients.all[i].udp, &event);
    }
    while (!atomic_load(&prober->stop)) {
        for (now_ns = clock_now_ns(); due_ns <= now_ns && prober->sent < PROBER_REQUESTS_MAX;
             due_ns += step_ns)
            send_next(prober, due_ns);
        receive_for(prober, epoll, due_ns > now_ns ? due_ns - now_ns : 0);
    }
    due_ns = clock_now_ns() + REPLY_LIMIT_MS * NS_PER_MS;
    while (prober->answered < prober->sent && (now_ns = clock_now_ns()) < due_ns)
        receive_for(prober, epoll, due_ns - now_ns);
    close(epoll);
    return NULL;
}

void prober_open(struct prober *prober, const struct endpoint *to, const int *sockets, size_t count)
{
    int on = 1, buffer_bytes = RECEIVE_BYTES;

    *prober = (struct prober){
        .clients = {.all = harness_allocate(count * sizeof(struct joiner)),
                    .count = count,
                    .to = *to,
                    .limit_ns = JOIN_LIMIT_S * NS_PER_S},
        .probes = harness_allocate(PROBER_REQUESTS_MAX * sizeof(struct probe)),
        .copies = harness_allocate(count * sizeof(uint32_t)),
    };
    memset(prober->probes, 0, PROBER_REQUESTS_MAX * sizeof(struct probe));
    memset(prober->copies, 0, count * sizeof(uint32_t));
    for (size_t i = 0; i < count; i++)
        prober->clients.all[i] = (struct joiner){.udp = sockets[i], .start_ns = clock_now_ns()};
    joiners_run(&prober->clients);
    harness_equal("clients that joined", (int64_t)joiners_joined(&prober->clients), (int64_t)count);
    for (size_t i = 0; i < count; i++) {
        setsockopt(sockets[i], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
        setsockopt(sockets[i], SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    }
}

void prober_start(struct prober *prober, uint32_t rate_pps)
{
    prober->rate_pps = rate_pps;
    expect(pthread_create(&prober->thread, NULL, run_prober, prober) == 0, "expected a thread");
}

void prober_stop(struct prober *prober)
{
    atomic_store(&prober->stop, true);
    pthread_join(prober->thread, NULL);
    expect(prober->sent < PROBER_REQUESTS_MAX, "expected less than %d requests",
           PROBER_REQUESTS_MAX);
}

struct prober_window prober_window(const struct prober *prober, int64_t from_ns, int64_t to_ns)
{
    struct prober_window window = {0};

    for (uint32_t i = 0; i < prober->sent; i++) {
        const struct probe *probe = &prober->probes[i];
        int64_t took_ns = probe->answered_ns - probe->sent_ns;

        if (probe->due_ns < from_ns || probe->due_ns >= to_ns)
            continue;
        window.sent++;
        window.silent += probe->answered_ns == 0;
        window.late += probe->answered_ns == 0 || took_ns > PROBER_LATE_MS * NS_PER_MS;
        if (probe->answered_ns != 0 && took_ns > window.worst_ns)
            window.worst_ns = took_ns;
    }
    return window;
}

void prober_close(struct prober *prober)
{
    joiners_close(&prober->clients);
}

const char *in_time_text(const char *what, const struct prober *prober,
                         const struct prober *control, int64_t from_ns, int64_t to_ns)
{
    struct prober_window window = prober_window(prober, from_ns, to_ns);
    struct prober_window control_window = prober_window(control, from_ns, to_ns);

    return harness_format("%s: of %u requests %u late (%.3f %% in time), %u without a reply, worst "
                          "%.1f ms; control: of %u requests %u late, worst %.1f ms",
                          what, window.sent, window.late,
                          100.0 - 100.0 * window.late / (window.sent > 0 ? window.sent : 1),
                          window.silent, (double)window.worst_ns / NS_PER_MS, control_window.sent,
                          control_window.late, (double)control_window.worst_ns / NS_PER_MS);
}

void expect_in_time(const char *what, const struct prober *prober, const struct prober *control,
                    int64_t from_ns, int64_t to_ns)
{
    struct prober_window window = prober_window(prober, from_ns, to_ns);
    struct prober_window control_window = prober_window(control, from_ns, to_ns);
    int64_t scheduled = (to_ns - from_ns) * prober->rate_pps / NS_PER_S;

    expect(window.sent >= scheduled * 9 / 10, "expected %lld requests to be sent; %s",
           (long long)scheduled, in_time_text(what, prober, control, from_ns, to_ns));
    expect(window.late <= (window.sent + 999) / 1000 + control_window.late,
           "expected 99.9 %% to be answered within %d ms; %s", PROBER_LATE_MS,
           in_time_text(what, prober, control, from_ns, to_ns));
}
