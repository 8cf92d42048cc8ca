#include "os/file/names_key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than a key: what fills it is no key file. */
enum { CONTENTS_BYTES = 2 * DEVICE_KEY_BYTES + 16 };

static int refuse(struct names_key_file_fault *fault, int error, const char *why, const char *next)
{
    *fault = (struct names_key_file_fault){why, next};
    return error;
}

static int check(int descriptor, struct names_key_file_fault *fault)
{
    struct stat found;
    if (fstat(descriptor, &found) != 0)
        return refuse(fault, -errno, strerror(errno), "look at the file system");
    if (!S_ISREG(found.st_mode))
        return refuse(fault, -EINVAL, "it is not a regular file", "name the file of the key");
    if (found.st_uid != geteuid() && found.st_uid != 0)
        return refuse(fault, -EPERM, "it belongs to another user, who can replace it",
                      "make root or this user its owner (chown)");
    if ((found.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return refuse(fault, -EPERM, "its group or others have a permission on it",
                      "take it from them (chmod 600)");
    return 0;
}

/* Reads at most CONTENTS_BYTES; returns how many, or -errno. */
static ssize_t read_contents(int descriptor, char contents[CONTENTS_BYTES])
{
    size_t size = 0;
    while (size < CONTENTS_BYTES) {
        ssize_t got = read(descriptor, contents + size, CONTENTS_BYTES - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        size += (size_t)got;
    }
    return (ssize_t)size;
}

/* next: what to do if the file has no key. */
static int read_key(struct names_key *key, int descriptor, const char *next,
                    struct names_key_file_fault *fault)
{
    char contents[CONTENTS_BYTES];
    int error = check(descriptor, fault);
    if (error != 0)
        return error;
    ssize_t size = read_contents(descriptor, contents);
    const char *wrong = size >= 0 ? names_key_parse(key, contents, (size_t)size) : NULL;
    explicit_bzero(contents, sizeof contents);
    if (size < 0)
        return refuse(fault, (int)size, strerror((int)-size), "look at the file system");
    if (wrong != NULL) {
        explicit_bzero(key, sizeof *key);
        return refuse(fault, -EINVAL, wrong, next);
    }
    return 0;
}

static int read_file(struct names_key *key, const char *path, const char *next,
                     struct names_key_file_fault *fault)
{
    /* O_NONBLOCK, so that a FIFO does not wait for its writer. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0)
        return refuse(fault, -errno, strerror(errno),
                      errno == EACCES ? "start this program as the owner of the file"
                                      : "create it with mode 0600, or correct its path");
    int error = read_key(key, descriptor, next, fault);
    close(descriptor);
    return error;
}

int names_key_file_read(struct names_key *key, const char *path, struct names_key_file_fault *fault)
{
    return read_file(key, path, "write 32 random bytes in hexadecimal to it (openssl rand -hex 32)",
                     fault);
}

int device_key_file_read(uint8_t device_key[DEVICE_KEY_BYTES], const char *path,
                         struct names_key_file_fault *fault)
{
    struct names_key key;
    int error = read_file(&key, path, "write to it what `udpctl key` prints for the name", fault);
    if (error == 0)
        memcpy(device_key, key.bytes, DEVICE_KEY_BYTES);
    explicit_bzero(&key, sizeof key);
    return error;
}
