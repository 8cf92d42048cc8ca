#include "os/process/program_path.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

static const char OWN_FILE[] = "/proc/self/exe";

enum { LINKS_MAX = 40 /* on the way; as the kernel follows, path_resolution(7) */ };

/* ---- finding ---- */

/* Makes the path absolute. Returns whether it fits. */
static bool make_absolute(const char *name, char path[PATH_MAX])
{
    if (name[0] == '/')
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    if (getcwd(path, PATH_MAX) == NULL || path[0] != '/')
        return false;
    size_t size = strlen(path), room = PATH_MAX - size;
    while (strncmp(name, "./", 2) == 0)
        name += 2;
    return snprintf(path + size, room, "%s%s", path[size - 1] == '/' ? "" : "/", name) < (int)room;
}

/* Whether the path leads to the file that this process runs, as far as that can be found out: a
 * process whose program it may not read cannot find out which file that is. */
static bool is_own_file(const char *path)
{
    struct stat own, found;
    if (stat(OWN_FILE, &own) != 0)
        return true;
    return stat(path, &found) == 0 && own.st_dev == found.st_dev && own.st_ino == found.st_ino;
}

int program_path_find(char path[PATH_MAX])
{
    /* The name that was given to execve(2). argv[0] may be anything. */
    const char *name = (const char *)getauxval(AT_EXECFN); // NOLINT(performance-no-int-to-ptr)
    if (name != NULL && make_absolute(name, path) && is_own_file(path))
        return 0;
    ssize_t size = readlink(OWN_FILE, path, PATH_MAX);
    int error = size < 0 ? -errno : size == PATH_MAX ? -ENAMETOOLONG : 0;
    path[error == 0 ? size : 0] = '\0';
    return error;
}

/* ---- checking ---- */

/* A walk from the root to the file, which follows symbolic links. */
struct walk {
    char done[PATH_MAX]; /* what was checked: "" is the root */
    char rest[PATH_MAX]; /* what follows, without a slash at its beginning */
    unsigned links;
    char *fault;
};

static int report(const struct walk *walk, int error, const char *what)
{
    snprintf(walk->fault, PROGRAM_PATH_FAULT_BYTES, "%s %s", walk->done[0] ? walk->done : "/",
             what);
    return error;
}

static int check_owner(const struct walk *walk, const struct stat *found)
{
    if (found->st_uid == 0 || found->st_uid == geteuid())
        return 0;
    return report(walk, -EPERM, "belongs to a user who is neither root nor the server's own");
}

static int check_mode(const struct walk *walk, const struct stat *found)
{
    if (S_ISLNK(found->st_mode) || (S_ISDIR(found->st_mode) && found->st_mode & S_ISVTX) ||
        !(found->st_mode & (S_IWGRP | S_IWOTH)))
        return 0;
    return report(walk, -EPERM,
                  found->st_mode & S_IWOTH ? "can be written by all users"
                                           : "can be written by the users of its group");
}

/* Checks what was walked to. */
static int check_here(const struct walk *walk, struct stat *found)
{
    if (lstat(walk->done[0] ? walk->done : "/", found) != 0)
        return report(walk, -errno, strerror(errno));
    int error = check_owner(walk, found);
    return error != 0 ? error : check_mode(walk, found);
}

static void go_up(struct walk *walk)
{
    char *slash = strrchr(walk->done, '/');
    if (slash != NULL)
        *slash = '\0';
}

/* Puts the target of the link that was walked to before the rest. */
static int follow(struct walk *walk)
{
    char target[PATH_MAX], rest[PATH_MAX];
    ssize_t size = readlink(walk->done, target, sizeof target - 1);
    if (size < 0)
        return report(walk, -errno, strerror(errno));
    target[size] = '\0';
    strcpy(rest, walk->rest);
    if (++walk->links > LINKS_MAX ||
        snprintf(walk->rest, sizeof walk->rest, "%s/%s", target, rest) >= (int)sizeof walk->rest)
        return report(walk, -ELOOP, strerror(ELOOP));
    if (target[0] == '/')
        walk->done[0] = '\0';
    else
        go_up(walk);
    return 0;
}

/* Moves the next name from the rest to what is done. Returns false if there is none; *moved is
 * false if the name is no step down. */
static bool next_name(struct walk *walk, bool *moved)
{
    char *name = walk->rest + strspn(walk->rest, "/");
    size_t size = strcspn(name, "/"), done = strlen(walk->done);
    *moved = false;
    if (size == 0)
        return false;
    if (size == 2 && strncmp(name, "..", 2) == 0) {
        go_up(walk);
    } else if (size != 1 || name[0] != '.') {
        /* What is done is shorter than what the rest was taken from. */
        snprintf(walk->done + done, sizeof walk->done - done, "/%.*s", (int)size, name);
        *moved = true;
    }
    memmove(walk->rest, name + size, strlen(name + size) + 1);
    return true;
}

int program_path_check(const char *path, char fault[PROGRAM_PATH_FAULT_BYTES])
{
    struct walk walk = {.fault = fault};
    struct stat found;
    bool moved;
    fault[0] = '\0';
    if (path[0] != '/' || strlen(path) >= sizeof walk.rest) {
        snprintf(fault, PROGRAM_PATH_FAULT_BYTES, "the path of the program is not known");
        return -ENOENT;
    }
    strcpy(walk.rest, path);
    int error = check_here(&walk, &found);
    while (error == 0 && next_name(&walk, &moved)) {
        if (moved)
            error = check_here(&walk, &found);
        if (error == 0 && moved && S_ISLNK(found.st_mode))
            error = follow(&walk);
    }
    return error;
}
