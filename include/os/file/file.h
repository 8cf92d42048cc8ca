#ifndef OS_FILE_FILE_H
#define OS_FILE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Files: reading a whole file, glob patterns, permissions and kinds of files. */

/* Reads a whole regular file of at most max_bytes, or a device such as /dev/null to its end. Never
 * waits for a writer: a pipe, a terminal or a socket is -EINVAL, so that a reload can't block; a
 * directory is -EISDIR. The caller frees *bytes; a NUL follows its last byte, which *size does not
 * count. Returns 0 or -errno (-EFBIG: longer than max_bytes). */
int file_read(const char *path, size_t max_bytes, char **bytes, size_t *size);

/* The same, but also reads a pipe, a terminal or a socket to its end, however long that takes;
 * *is_stream is true if it was one of these, which can't be read again. */
int file_read_stream(const char *path, size_t max_bytes, char **bytes, size_t *size,
                     bool *is_stream);

/* Whether the path names a descriptor of this process: /dev/stdin, /dev/fd/N, /proc/self/fd/N. */
bool file_is_descriptor(const char *path);

/* Lists the files that match a pattern of glob(7), sorted. A pattern that matches nothing gives
 * *count 0; a directory that can't be read is an error. Free *paths by file_glob_free. Returns 0 or
 * -errno. */
int file_glob(const char *pattern, char ***paths, size_t *count);
void file_glob_free(char **paths, size_t count);

/* Whether the path contains a wildcard of glob(7). */
bool file_is_pattern(const char *path);

/* Whether both paths lead to the same file: device and inode. */
bool file_same(const char *a, const char *b);

/* Whether a descriptor refers to a regular file, for which no write waits for a reader. */
bool file_is_regular(int descriptor);

/* Returns 0 if this process, with its current user, may read the file, or -errno. */
int file_check_readable(const char *path);

/* Returns 0 if this process may remove files from the directory of path, or -errno. */
int file_check_removable(const char *path);

#endif
