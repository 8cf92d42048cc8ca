#include "os/file/file_watch.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

static void on_event(void *state, unsigned events)
{
    struct file_watch *watch = state;
    char event[4096];
    ssize_t size;

    (void)events;
    do
        size = read(watch->handler.fd, event, sizeof event);
    while (size > 0);
    /* An event that cannot be read would be reported again without end. */
    if (size < 0 && errno != EAGAIN && errno != EINTR)
        file_watch_close(watch);
    watch->changed(watch->state);
}

/* The removal of the name changes the attributes of the file (its number of links), also while it
 * is open. */
static int add_watches(int fd, const char *path)
{
    char copy[PATH_MAX];

    if (inotify_add_watch(fd, path, IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_DONT_FOLLOW) < 0)
        return -errno;
    /* A directory that can't be read can't be watched; its removal is rare. */
    snprintf(copy, sizeof copy, "%s", path);
    inotify_add_watch(fd, dirname(copy), IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR);
    return 0;
}

int file_watch_open(struct loop *loop, struct file_watch *watch, const char *path,
                    loop_callback *changed, void *state)
{
    *watch = (struct file_watch){.changed = changed, .state = state};
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = add_watches(fd, path);
    if (error == 0)
        error = loop_add(loop, &watch->handler, fd, LOOP_READ, on_event, watch);
    if (error != 0)
        close(fd);
    return error;
}

void file_watch_close(struct file_watch *watch)
{
    if (watch->handler.loop == NULL)
        return;
    int fd = watch->handler.fd;
    loop_remove(&watch->handler);
    close(fd);
}
