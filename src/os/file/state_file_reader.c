#include "os/file/state_file_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(struct state_file_fault *fault, int error, const char *why, const char *next)
{
    *fault = (struct state_file_fault){.why = why, .next = next};
    return error;
}

static int refuse_foreign(struct state_file_fault *fault, const char *why)
{
    *fault = (struct state_file_fault){
        why, "name a file in a directory that the server can write, or remove the key", true};
    return -EINVAL;
}

static const char NOT_REGULAR[] = "it is not a regular file", LINK[] = "it is a symbolic link";

/* ---- what is at the path ---- */

int state_file_check_kind(const char *path, struct state_file_fault *fault)
{
    struct stat found;
    if (lstat(path, &found) != 0 || S_ISREG(found.st_mode))
        return 0;
    return refuse_foreign(fault, S_ISLNK(found.st_mode) ? LINK : NOT_REGULAR);
}

/* Writes the directory of a path. */
static const char *directory_of(const char *path, char directory[PATH_MAX])
{
    snprintf(directory, PATH_MAX, "%s", path);
    return dirname(directory);
}

int state_file_check_writable(const char *path, struct state_file_fault *fault)
{
    char buffer[PATH_MAX];
    const char *directory = directory_of(path, buffer);
    struct stat found;
    if (stat(directory, &found) != 0)
        return refuse(fault, -errno, strerror(errno),
                      "create its directory, and let the user of the server write it");
    if (!S_ISDIR(found.st_mode))
        return refuse(fault, -ENOTDIR, strerror(ENOTDIR), "name a file in a directory");
    if (access(directory, W_OK | X_OK) != 0)
        return refuse(fault, -errno, strerror(errno),
                      "let the user of the server write its directory");
    return 0;
}

int state_file_check_safe(const char *path, struct state_file_fault *fault)
{
    char buffer[PATH_MAX];
    struct stat found;
    if (stat(directory_of(path, buffer), &found) != 0 || !S_ISDIR(found.st_mode))
        return 0;
    if (found.st_uid != geteuid() && found.st_uid != 0)
        return refuse(fault, -EPERM, "its directory belongs to another user",
                      "make root or the user of the server the owner of the directory (chown)");
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (found.st_mode & S_ISVTX) == 0)
        return refuse(fault, -EPERM, "the group of its directory or others can write that",
                      "take that permission from them (chmod go-w)");
    return 0;
}

/* ---- reading ---- */

static int check(int descriptor, uint64_t *size, struct state_file_fault *fault)
{
    struct stat found;
    if (fstat(descriptor, &found) != 0)
        return refuse(fault, -errno, strerror(errno), "look at the file system");
    if (!S_ISREG(found.st_mode))
        return refuse_foreign(fault, NOT_REGULAR);
    if (found.st_uid != geteuid() && found.st_uid != 0)
        return refuse(fault, -EPERM, "it belongs to another user, who can change it",
                      "make root or the user of the server its owner (chown)");
    if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return refuse(fault, -EPERM, "its group or others can write it",
                      "take that permission from them (chmod 600)");
    *size = (uint64_t)found.st_size;
    return 0;
}

int state_file_reader_open(struct state_file_reader *reader, const char *path,
                           struct state_file_fault *fault)
{
    /* O_NONBLOCK, so that a FIFO does not wait for its writer. */
    reader->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
    if (reader->descriptor < 0 && errno == ENOENT)
        return -ENOENT;
    if (reader->descriptor < 0 && (errno == ELOOP || errno == ENXIO))
        return refuse_foreign(fault, errno == ELOOP ? LINK : NOT_REGULAR);
    if (reader->descriptor < 0)
        return refuse(fault, -errno, strerror(errno), "let the user of the server read it");
    int error = check(reader->descriptor, &reader->size, fault);
    if (error != 0)
        state_file_reader_close(reader);
    return error;
}

int state_file_reader_read(const struct state_file_reader *reader, uint64_t offset, void *bytes,
                           size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t got =
            pread(reader->descriptor, (uint8_t *)bytes + at, size - at, (off_t)(offset + at));
        if (got == 0)
            return -EIO;
        if (got > 0)
            at += (size_t)got;
        else if (errno != EINTR)
            return -errno;
    }
    return 0;
}

void state_file_reader_close(struct state_file_reader *reader)
{
    if (reader->descriptor >= 0)
        close(reader->descriptor);
    reader->descriptor = -1;
}

int state_file_keep_aside(const char *path)
{
    char aside[PATH_MAX];
    if (snprintf(aside, sizeof aside, "%s" STATE_FILE_ASIDE, path) >= (int)sizeof aside)
        return -ENAMETOOLONG;
    return rename(path, aside) == 0 ? 0 : -errno;
}
