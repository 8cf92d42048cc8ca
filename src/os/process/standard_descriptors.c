#include "os/process/standard_descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int standard_descriptors_open_missing(void)
{
    static const int modes[] = {
        [STDIN_FILENO] = O_RDONLY,
        [STDOUT_FILENO] = O_RDONLY, /* so that writing fails, as before */
        [STDERR_FILENO] = O_WRONLY,
    };
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        /* open returns the lowest free number, which is this one. */
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", modes[fd]) < 0)
            return -errno;
    }
    return 0;
}
