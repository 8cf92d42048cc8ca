#include "os/loop/poller.h"

#include "os/loop/wakeup.h"
#include "os/process/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Some C libraries do not declare epoll_pwait2: musl, and glibc before 2.35. Its number is the same
 * on all processors but Alpha, as that of all calls since Linux 5.1. */
#if !defined SYS_epoll_pwait2 && !defined __alpha__
#define SYS_epoll_pwait2 441
#endif

#define WAKE UINT32_MAX /* the eventfd's index */

struct poller {
    int epoll, wake;
    bool coarse; /* the kernel has no epoll_pwait2, new in Linux 5.11 */
};

static int control(struct poller *poller, int operation, int fd, uint32_t events, uint32_t index)
{
    struct epoll_event event = {.events = events, .data.u32 = index};
    return epoll_ctl(poller->epoll, operation, fd, &event) == 0 ? 0 : -errno;
}

struct poller *poller_new(void)
{
    struct poller *poller = calloc(1, sizeof *poller);

    if (!poller)
        return NULL;
    poller->epoll = epoll_create1(EPOLL_CLOEXEC);
    int error = poller->epoll < 0 ? -errno : 0;
    poller->wake = wakeup_open(WAKEUP_POLLED);
    if (!error && poller->wake < 0)
        error = poller->wake;
    if (!error)
        error = poller_add(poller, poller->wake, WAKE);
    if (!error)
        return poller;
    poller_free(poller);
    errno = -error;
    return NULL;
}

void poller_free(struct poller *poller)
{
    if (!poller)
        return;
    if (poller->wake >= 0)
        close(poller->wake);
    if (poller->epoll >= 0)
        close(poller->epoll);
    free(poller);
}

int poller_add(struct poller *poller, int socket, uint32_t index)
{
    return control(poller, EPOLL_CTL_ADD, socket, EPOLLIN, index);
}

int poller_want_write(struct poller *poller, int socket, uint32_t index, bool wanted)
{
    return control(poller, EPOLL_CTL_MOD, socket, EPOLLIN | (wanted ? EPOLLOUT : 0), index);
}

/* Waits whole milliseconds, rounded down: returning early is better than late, and the caller waits
 * again. */
static int wait_coarsely(struct poller *poller, struct epoll_event *events, uint64_t wait_ns)
{
    const uint64_t day_ms = 86400000;
    uint64_t ms = wait_ns / 1000000 < day_ms ? wait_ns / 1000000 : day_ms;
    return epoll_wait(poller->epoll, events, POLLER_READY_MAX, (int)ms);
}

static int wait_ns(struct poller *poller, struct epoll_event *events, uint64_t ns)
{
    /* Both fields of the kernel's struct timespec have 64 bits, unlike those of some C libraries.
     */
    const int64_t wait[] = {(int64_t)(ns / 1000000000), (int64_t)(ns % 1000000000)};

    if (!poller->coarse) {
        long count = syscall(SYS_epoll_pwait2, poller->epoll, events, POLLER_READY_MAX, wait, NULL,
                             (size_t)0);
        /* EPERM: from a sandbox that does not know the call. */
        if (count >= 0 || (errno != ENOSYS && errno != EPERM))
            return (int)count;
        poller->coarse = true;
    }
    return wait_coarsely(poller, events, ns);
}

int poller_wait(struct poller *poller, uint64_t until_ns, uint32_t ready[POLLER_READY_MAX])
{
    struct epoll_event events[POLLER_READY_MAX];
    uint64_t now_ns = until_ns ? clock_now_ns() : 0;
    int filled = 0;

    int count = wait_ns(poller, events, until_ns > now_ns ? until_ns - now_ns : 0);
    for (int i = 0; i < count; i++) {
        if (events[i].data.u32 != WAKE)
            ready[filled++] = events[i].data.u32;
        else
            wakeup_take(poller->wake);
    }
    return filled;
}

void poller_wake(struct poller *poller)
{
    wakeup_post(poller->wake);
}
