#ifndef OS_FILE_FILE_H
#define OS_FILE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads a regular file of at most max_bytes whole (or a device such as /dev/null to its end), and
 * never waits for anybody: a pipe, a terminal or a socket is -EINVAL, so that a reload can't stand
 * still, and a directory -EISDIR. *bytes is the caller's to free, has a NUL behind its last byte,
 * and *size does not count it. 0 or -errno (-EFBIG: longer than max_bytes). */
int file_read(const char *path, size_t max_bytes, char **bytes, size_t *size);

/* The same, but reads a pipe, a terminal or a socket, too, to its end, however long that takes;
 * *once says that it was one of these, which can't be read again. */
int file_read_once(const char *path, size_t max_bytes, char **bytes, size_t *size, bool *once);

/* Whether the path names a descriptor of this process: /dev/stdin, /dev/fd/N, /proc/self/fd/N. */
bool file_is_descriptor(const char *path);

/* The files that match a pattern of glob(7), sorted. A path without wildcards is itself, whether it
 * exists or not; a pattern that matches nothing gives count 0, but a directory that can't be read
 * is an error. *paths is to be freed by file_glob_free. 0 or -errno. */
int file_glob(const char *pattern, char ***paths, size_t *count);
void file_glob_free(char **paths, size_t count);

/* Whether the text has a wildcard of glob(7) in it. */
bool file_is_pattern(const char *path);

/* Whether both paths lead to the same file: device and inode. */
bool file_same(const char *a, const char *b);

/* Whether an open descriptor is one of a regular file, on which no write ever waits for a reader.
 */
bool file_is_regular(int descriptor);

/* Whether this process, as it is now, may read the file: 0 or -errno. */
int file_readable(const char *path);

/* Whether this process may remove a file from the directory that path is in: 0 or -errno. */
int file_removable(const char *path);

#endif
