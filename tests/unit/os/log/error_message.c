#include "os/log/error_message.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Prints a message in another process, whose standard error is fd. */
static pid_t print_in_child(int fd)
{
    pid_t child = fork();
    if (child == 0) {
        dup2(fd, STDERR_FILENO);
        print_error("refused", "try again", "sending %d bytes", 5);
        _exit(0);
    }
    return child;
}

static bool read_until(int fd, const char *text)
{
    static char bytes[1 << 20];
    size_t size = 0;
    ssize_t got;
    while ((got = read(fd, bytes + size, sizeof bytes - 1 - size)) > 0)
        size += (size_t)got;
    bytes[size] = '\0';
    return strstr(bytes, text) != NULL;
}

Test(error_message, waits_for_the_reader_of_a_standard_error_that_is_non_blocking)
{
    char full[4096];
    int ends[2];
    if (getenv("UDPSRV_VALGRIND"))
        cr_skip("valgrind does not know pidfd_open");
    memset(full, 'x', sizeof full);
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    cr_assert_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends[1], full, sizeof full) > 0)
        ;
    pid_t child = print_in_child(ends[1]);
    close(ends[1]);
    /* Without waiting for the reader it ends at once, and the line is lost. */
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
    cr_assert(end.fd >= 0);
    cr_assert_eq(poll(&end, 1, 50), 0);
    close(end.fd);
    cr_assert(read_until(ends[0], ": sending 5 bytes: refused; try again\n"));
    cr_assert_eq(waitpid(child, NULL, 0), child);
}
