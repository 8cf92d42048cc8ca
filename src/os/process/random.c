#include "os/process/random.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>

int random_fill(void *bytes, size_t size)
{
    /* Up to 256 bytes are returned whole and without EINTR once the generator is seeded:
     * getrandom(2). */
    if (size > 256)
        return -EINVAL;
    ssize_t got = getrandom(bytes, size, GRND_NONBLOCK);
    if (got < 0)
        return -errno;
    return (size_t)got == size ? 0 : -EIO;
}
