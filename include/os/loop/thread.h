#ifndef OS_LOOP_THREAD_H
#define OS_LOOP_THREAD_H

#include "os/loop/event_loop.h"

#include <stdint.h>

/* A thread, all signals blocked in it, and the mailboxes through which threads talk. */
struct thread;

typedef void thread_main(void *state);

/* Starts a thread under a name of at most 15 characters (what is longer is cut). NULL with errno
 * set. */
struct thread *thread_start(const char *name, thread_main *main, void *state);
/* Keeps it on that processor alone. 0 or -errno (-EINVAL: it may not run there). */
int thread_pin(struct thread *thread, uint32_t processor);

/* Waits for its end, and frees it. */
void thread_join(struct thread *thread);

/* Has the calling thread woken when its waits end, and not up to 50 microseconds later, as the
 * kernel does to wake several at once: prctl(2), PR_SET_TIMERSLACK. */
void thread_be_punctual(void);

/* A letter, embedded first in what it carries; its owner is whoever holds it. */
struct mailbox_message {
    struct mailbox_message *next;
    void (*open)(struct mailbox_message *mailbox_message); /* called in the thread that receives */
};

/* A queue of letters to the thread of one loop. */
struct mailbox;

/* Letters are opened in the loop's thread, in the order of posting, some at a time. NULL with errno
 * set. */
struct mailbox *mailbox_new(struct loop *loop);

/* Frees the box, before its loop is freed and when neither is the loop run nor does any thread post
 * any more; letters in it are opened first, so that none is lost. */
void mailbox_free(struct mailbox *mailbox);

/* From any thread; never fails and never waits for the receiver. */
void mailbox_post(struct mailbox *mailbox, struct mailbox_message *mailbox_message);

#endif
