#include "os/loop/wakeup.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/types.h>
#include <unistd.h>

int wakeup_open(enum wakeup_mode mode)
{
    int fd = eventfd(0, EFD_CLOEXEC | (mode == WAKEUP_POLLED ? EFD_NONBLOCK : 0));
    return fd >= 0 ? fd : -errno;
}

void wakeup_post(int fd)
{
    const uint64_t one = 1;

    /* A signal interrupts it in WAKEUP_BLOCKING only. Else it fails only if the counter is full,
     * and the descriptor is readable then, too. */
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

bool wakeup_take(int fd)
{
    uint64_t posts;
    ssize_t got;

    do
        got = read(fd, &posts, sizeof posts);
    while (got < 0 && errno == EINTR);
    return got == sizeof posts;
}
