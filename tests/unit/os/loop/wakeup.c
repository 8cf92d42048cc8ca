/* Wake-ups through an eventfd. */
#include "os/loop/wakeup.h"

#include "os/loop/thread.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

TestSuite(wakeup, .timeout = 20);

static bool readable(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    return poll(&wait, 1, 0) == 1;
}

Test(wakeup, is_readable_from_a_post_until_it_is_taken)
{
    int fd = wakeup_open(WAKEUP_POLLED);
    cr_assert_geq(fd, 0);
    cr_assert_not(readable(fd));
    wakeup_post(fd);
    cr_assert(readable(fd));
    cr_assert(wakeup_take(fd));
    cr_assert_not(readable(fd));
    close(fd);
}

Test(wakeup, takes_many_posts_at_once)
{
    int fd = wakeup_open(WAKEUP_POLLED);
    for (int i = 0; i < 3; i++)
        wakeup_post(fd);
    cr_assert(wakeup_take(fd));
    cr_assert_not(wakeup_take(fd));
    close(fd);
}

Test(wakeup, does_not_wait_if_the_counter_is_full)
{
    int fd = wakeup_open(WAKEUP_POLLED);
    const uint64_t most = UINT64_MAX - 1; /* eventfd(2) */
    cr_assert_eq(write(fd, &most, sizeof most), sizeof most);
    wakeup_post(fd);
    cr_assert(wakeup_take(fd));
    close(fd);
}

static void post(void *fd)
{
    wakeup_post(*(int *)fd);
}

Test(wakeup, waits_for_a_post_of_another_thread_if_it_blocks)
{
    int fd = wakeup_open(WAKEUP_BLOCKING);
    struct thread *thread = thread_start("post", post, &fd);
    cr_assert_not_null(thread);
    cr_assert(wakeup_take(fd));
    thread_join(thread);
    cr_assert_not(readable(fd));
    close(fd);
}

Test(wakeup, is_not_inherited_by_other_programs)
{
    int fd = wakeup_open(WAKEUP_BLOCKING);
    cr_assert_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

Test(wakeup, reports_that_no_descriptor_is_left)
{
    struct rlimit before, none;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    int fd = wakeup_open(WAKEUP_POLLED);
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    cr_assert_eq(fd, -EMFILE);
}
