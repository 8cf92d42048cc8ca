#ifndef REGISTRY_TIMER_WHEEL_H
#define REGISTRY_TIMER_WHEEL_H

#include "base/handover.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A timer wheel (Varghese and Lauck, 1987): determines which slots to check, and when.
 *
 * It is updated lazily. A slot stays in the bucket of the deadline with which it was added, though
 * its deadline may have moved to a later time since; when the wheel returns it, the caller checks
 * the deadline and adds the slot again. So a datagram, which moves a deadline to a later time, does
 * not touch the wheel, and a slot is checked about once in each ttl (or once in each lap, if
 * the ttl is longer).
 *
 * Measured alternatives. The first figure is CPU time for the next datagram of a known client, with
 * a million clients. The registry uses one slot of the wheel for eight neighbouring clients
 * (docs/performance.md, "Layouts of the registry"; a median is accurate to about 15 %):
 *   - this wheel: 67 ns a datagram, 5 ns for each check, 39.9 bytes a client in all;
 *   - a list in the order of the last datagrams, which needs no checks: 105 ns a datagram, since it
 *     moves its client in the list and reads the neighbours; 46.3 bytes. The checks that it saves
 *     take 40 ms of a processor in each ttl for ten million clients. It expires clients too late
 *     after the ttl was shortened. Rejected, since datagrams are by far the most frequent;
 *   - a slot of the wheel for each client: 59 ns a datagram and 50.4 bytes. It expires clients
 *     faster by a fifth (368 ns instead of 449). Rejected for its memory.
 *
 * All functions belong to the thread of the registry's shard. */
struct timer_wheel {
    uint32_t *heads;
    struct timer_wheel_link *links;
    uint64_t tick;     /* the earliest one whose bucket may still contain a slot that is due */
    uint64_t last;     /* the tick with whose bucket the current pass ends */
    bool pass_started; /* a pass has begun and not ended */
};

enum {
    TIMER_WHEEL_TICK_MS = 128,  /* resolution; a power of two, so that division is a shift */
    TIMER_WHEEL_BUCKETS = 8192, /* a lap of 17.5 minutes; 32 KiB of list heads */
    TIMER_WHEEL_SLOTS_MAX = 1 << 30,
};
#define TIMER_WHEEL_NONE UINT32_MAX

/* The size of the memory for slots 0 to slots - 1: 12 bytes each, and the list heads. The caller
 * provides it, filled with zero bytes and aligned to 4, and frees it after the last use. */
size_t timer_wheel_bytes(uint32_t slots);
void timer_wheel_init(struct timer_wheel *wheel, void *memory, uint64_t now_ms);

/* Adds a slot that is not in the wheel. */
void timer_wheel_add(struct timer_wheel *wheel, uint32_t slot, uint64_t deadline_ms);

/* Removes a slot that is in the wheel. */
void timer_wheel_remove(struct timer_wheel *wheel, uint32_t slot);

/* Moves a slot that is in the wheel to an earlier deadline. Does nothing if the slot is to be
 * checked by then anyway. */
void timer_wheel_move_earlier(struct timer_wheel *wheel, uint32_t slot, uint64_t deadline_ms);

/* Takes the next slot that may be due out of the wheel; the caller adds it again, or is done with
 * it. A pass is a sequence of calls up to the one that returns TIMER_WHEEL_NONE. It returns every
 * slot that was due at the now_ms of its first call. A slot that becomes due during the pass may
 * have to wait for the next one, so that each pass ends. A slot that is added with a deadline after
 * now_ms is returned at most once more in the same pass. now_ms never decreases. */
uint32_t timer_wheel_take(struct timer_wheel *wheel, uint64_t now_ms);

/* The slot that timer_wheel_take will probably return next, so that the caller can prefetch memory;
 * TIMER_WHEEL_NONE if that is not known without a search. */
uint32_t timer_wheel_peek(const struct timer_wheel *wheel);

/* Puts the slot back that was taken last: it is the next one to be taken. */
void timer_wheel_put_back(struct timer_wheel *wheel, uint32_t slot);

/* Hand over the numbers that are not in the memory, which is shared with the next process, and
 * take them over for that memory. timer_wheel_take_over returns 0 or -EPROTO. */
void timer_wheel_hand_over(const struct timer_wheel *wheel, struct handover_writer *writer);
int timer_wheel_take_over(struct timer_wheel *wheel, struct handover_reader *reader);

#endif
