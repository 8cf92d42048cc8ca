#include "os/file/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct state_file_fault *fault, int error, const char *why, const char *next)
{
    *fault = (struct state_file_fault){why, next};
    return error;
}

static int check(int descriptor, size_t *size, struct state_file_fault *fault)
{
    struct stat found;
    if (fstat(descriptor, &found) != 0)
        return refuse(fault, -errno, strerror(errno), "look at the file system");
    if (!S_ISREG(found.st_mode))
        return refuse(fault, -EINVAL, "it is not a regular file", "correct state.file");
    if (found.st_uid != geteuid() && found.st_uid != 0)
        return refuse(fault, -EPERM, "it belongs to another user, who can change it",
                      "make root or this user its owner (chown)");
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return refuse(fault, -EPERM, "its group or others can write it",
                      "take that permission from them (chmod 600)");
    *size = (size_t)found.st_size;
    return 0;
}

static int read_all(int descriptor, uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = read(descriptor, bytes + at, size - at);
        if (got == 0)
            return -EIO;
        if (got > 0)
            at += (size_t)got;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

static int read_open(int descriptor, uint8_t **bytes, size_t *size, struct state_file_fault *fault)
{
    int error = check(descriptor, size, fault);
    if (error != 0)
        return error;
    *bytes = malloc(*size > 0 ? *size : 1);
    if (*bytes == NULL)
        return refuse(fault, -ENOMEM, strerror(ENOMEM), "free as much memory as the file is long");
    error = read_all(descriptor, *bytes, *size);
    if (error == 0)
        return 0;
    free(*bytes);
    return refuse(fault, error, strerror(-error), "look at the file system");
}

int state_file_read(const char *path, uint8_t **bytes, size_t *size, struct state_file_fault *fault)
{
    /* O_NONBLOCK, so that a FIFO does not wait for its writer. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (descriptor < 0 && errno == ENOENT)
        return -ENOENT;
    if (descriptor < 0)
        return refuse(fault, -errno, errno == ELOOP ? "it is a symbolic link" : strerror(errno),
                      errno == EACCES ? "let the user of the server read it"
                                      : "correct state.file");
    int error = read_open(descriptor, bytes, size, fault);
    close(descriptor);
    return error;
}

int state_file_keep_aside(const char *path)
{
    char aside[PATH_MAX];
    struct stat found;
    if (lstat(path, &found) != 0)
        return -errno;
    if (!S_ISREG(found.st_mode) && !S_ISLNK(found.st_mode))
        return S_ISDIR(found.st_mode) ? -EISDIR : -EINVAL;
    if (snprintf(aside, sizeof aside, "%s" STATE_FILE_ASIDE, path) >= (int)sizeof aside)
        return -ENAMETOOLONG;
    return rename(path, aside) == 0 ? 0 : -errno;
}
