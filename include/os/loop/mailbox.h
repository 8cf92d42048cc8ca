#ifndef OS_LOOP_MAILBOX_H
#define OS_LOOP_MAILBOX_H

#include "os/loop/event_loop.h"

#include <stdbool.h>

/* Mailboxes: queues of messages from any thread to the thread of one loop, and the only way in
 * which the threads of a program exchange data.
 *
 * A mailbox is a linked list under a mutex, and an eventfd that wakes the loop. The mutex is held
 * for a few assignments and never while a message is handled. A post writes to the eventfd only if
 * the list was empty, and the receiver takes the whole list at once, so that a burst of messages
 * costs one wake-up.
 *
 * What was weighed (docs/performance.md, "Alternatives in single modules"):
 *   - this one: 24 ns of CPU time for a message of a burst of 64, posted and handled; 590 ns for a
 *     single one, nearly all of it the system calls of the wake-up and of a round of the loop;
 *   - a lock-free list: saves at most one lock and unlock of those 24 ns, and no system call. It
 *     would not show in the cost of a datagram: no request and no reply passes through a mailbox,
 *     since the thread that receives a request also replies to it, and a broadcast posts one
 *     message to each worker for all its copies. A mutex is simple to prove correct, and
 *     ThreadSanitizer understands it (tests/plain/mailbox_tsan.c). So a lock-free list was not
 *     built, and has no figure;
 *   - a ring of fixed size: a post would fail or wait while the ring is full, and two threads that
 *     post to each other could wait for ever. Here a post can't fail, since the message brings its
 *     own memory. The events of a worker, which are many and may be lost, do have a ring
 *     (server/events/event_queue);
 *   - a pipe or a socket pair: 154 ns a message, since it copies each one and takes a system call
 *     for each post; and it can be full, too. */
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

/* Handles all queued messages, also those that the handlers post, when the loop does not run and no
 * other thread posts: after a loop that failed, before the memory of the messages is freed; or
 * while the threads are held for an upgrade. Also for the loop's own thread, from a handler of the
 * loop that is no message. Returns whether there was any. */
bool mailbox_handle_all(struct mailbox *mailbox);

/* Frees the mailbox; messages that are still queued are handled first, so that none is lost. Call
 * it before the loop is freed, when the loop does not run and no thread posts any more. */
void mailbox_free(struct mailbox *mailbox);

/* May be called from any thread; never fails and never waits for the receiver. */
void mailbox_post(struct mailbox *mailbox, struct mailbox_message *message);

#endif
