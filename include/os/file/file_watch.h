#ifndef OS_FILE_FILE_WATCH_H
#define OS_FILE_FILE_WATCH_H

#include "os/loop/event_loop.h"

/* A file that may be removed by others, watched in the loop without a look every so often:
 * inotify(7) says when it, or the directory that it is in, is removed or moved. */
struct file_watch {
    struct loop_handler handler; /* not added: nothing is watched */
    loop_run *changed;
    void *state;
};

/* Has changed called when something has happened to the file at path, which may be nothing that
 * matters: the caller looks. 0 or -errno (-ENOENT: it isn't there; -EACCES: it can't be read, and
 * so not be watched; -EMFILE: too many are watched). */
int file_watch_open(struct loop *loop, struct file_watch *watch, const char *path,
                    loop_run *changed, void *state);

/* Nothing happens to one that isn't open. */
void file_watch_close(struct file_watch *watch);

#endif
