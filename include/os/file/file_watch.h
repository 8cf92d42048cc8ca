#ifndef OS_FILE_FILE_WATCH_H
#define OS_FILE_FILE_WATCH_H

#include "os/loop/event_loop.h"

/* Watches a file for its removal in an event loop, without polling: inotify(7) reports when the
 * file, or its directory, is removed or moved. */
struct file_watch {
    struct loop_handler handler; /* not added: nothing is watched */
    loop_callback *changed;
    void *state;
};

/* Calls changed after each event of the file at path; the caller checks whether the file is still
 * there. If an event cannot be read, changed is called once more, and the file is not watched any
 * more. Returns 0 or -errno (-ENOENT: there is no such file; -EACCES: it can't be read, and so not
 * be watched; -EMFILE: too many are watched). */
int file_watch_open(struct loop *loop, struct file_watch *watch, const char *path,
                    loop_callback *changed, void *state);

/* Does nothing if it is not open. */
void file_watch_close(struct file_watch *watch);

#endif
