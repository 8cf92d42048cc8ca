#ifndef OS_LOOP_MAILBOX_H
#define OS_LOOP_MAILBOX_H

#include "os/loop/event_loop.h"

/* Mailboxes: queues of messages from any thread to the thread of one loop, and the only way in
 * which the threads of a program exchange data.
 *
 * A mailbox is a linked list under a mutex, and an eventfd that wakes the loop. The mutex is held
 * for a few assignments and never while a message is handled. A post writes to the eventfd only if
 * the list was empty, and the receiver takes the whole list at once, so that a burst of messages
 * costs one wake-up.
 *
 * A lock-free queue would not show in the cost of a datagram: no request and no reply passes
 * through a mailbox, since the thread that receives a request also replies to it, and a broadcast
 * posts one message to each worker for all its copies. A mutex is simple to prove correct, and
 * ThreadSanitizer understands it (tests/plain/mailbox_tsan.c).
 *
 * A post can't fail, since the message brings its own memory. In a ring of fixed size, a post would
 * fail or wait while the ring is full, and two threads that post to each other could wait for ever.
 * A pipe or a socket pair copies each message, takes a system call for each post, and can be full,
 * too. */
struct mailbox;

/* A message, embedded as the first member of what it carries. The thread that holds it owns it:
 * after mailbox_post that is the receiver. */
struct mailbox_message {
    struct mailbox_message *next;
    void (*handle)(struct mailbox_message *message); /* called in the receiving thread */
};

/* Messages are handled in the loop's thread, in the order of posting, at most 64 in each round of
 * the loop. Returns NULL with errno set. */
struct mailbox *mailbox_new(struct loop *loop);

/* Frees the mailbox; messages that are still queued are handled first, so that none is lost. Call
 * it before the loop is freed, when the loop does not run and no thread posts any more. */
void mailbox_free(struct mailbox *mailbox);

/* May be called from any thread; never fails and never waits for the receiver. */
void mailbox_post(struct mailbox *mailbox, struct mailbox_message *message);

#endif
