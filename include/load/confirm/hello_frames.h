#ifndef LOAD_CONFIRM_HELLO_FRAMES_H
#define LOAD_CONFIRM_HELLO_FRAMES_H

#include "load/confirm/confirming_clients.h"
#include "load/send/copy_counts.h"
#include "load/send/simulated_clients.h"

#include <stdbool.h>
#include <stdint.h>

/* Has the registered clients of a fan-out say hello (wire/frame), so that they get messages in
 * frames. At most as many hellos are unanswered at a time as requests were, so the server's receive
 * buffer holds no more of them. When no answer has come for a second, those without one are sent
 * again, three times in all. Used by one thread. */
struct hello_frames;

/* The clients stay the caller's. Returns NULL when memory is short. */
struct hello_frames *hello_frames_new(const struct simulated_clients *clients);
void hello_frames_free(struct hello_frames *hello);

/* Begins at now_ns, with at most max_open unanswered hellos at a time. */
void hello_frames_start(struct hello_frames *hello, uint64_t now_ns, uint32_t max_open);

/* Sends further hellos, of the clients that are registered by copies and have no answer by
 * confirming. Returns false when all were answered, or are given up. */
bool hello_frames_step(struct hello_frames *hello, const struct copy_counts *copies,
                       const struct confirming_clients *confirming, uint64_t now_ns);

/* Returns when hello_frames_step has something to do, if no answer is received before. */
uint64_t hello_frames_next_ns(const struct hello_frames *hello);

/* The first answer to the hello of a client was received at now_ns. */
void hello_frames_answer(struct hello_frames *hello, uint64_t now_ns);

#endif
