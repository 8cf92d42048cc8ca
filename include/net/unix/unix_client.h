#ifndef NET_UNIX_UNIX_CLIENT_H
#define NET_UNIX_UNIX_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The client's end of a Unix socket: connecting, and reading and writing with a time limit. */

/* Connects to the Unix socket at path. The descriptor blocks; each read and write lasts at most
 * timeout_ms. Returns the descriptor or -errno. */
int unix_client_connect(const char *path, uint32_t timeout_ms);

/* The same for an event loop: non-blocking. Returns the descriptor or -errno (-EAGAIN: too many
 * connections wait to be accepted). */
int unix_client_connect_nonblocking(const char *path);

/* Writes all bytes to a blocking descriptor. Returns 0 or -errno (-EAGAIN: the time limit has
 * passed). */
int unix_client_write_all(int fd, const void *bytes, size_t size);

/* Reads what is there, or waits for input until until_ms (of clock_now_ms). Returns the number of
 * bytes, 0 at the end, or -errno (-EAGAIN: the time limit has passed). */
ssize_t unix_client_read_until(int fd, void *bytes, size_t capacity, uint64_t until_ms);

#endif
