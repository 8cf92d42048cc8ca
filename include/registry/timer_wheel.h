#ifndef REGISTRY_TIMER_WHEEL_H
#define REGISTRY_TIMER_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which slots to look at, and when: a timing wheel (Varghese and Lauck, 1987) that is corrected
 * lazily. A slot waits in the bucket of the deadline that it had when it was inserted; one that has
 * got a later deadline since is inserted anew by whoever looks at it. So what moves a deadline on
 * needn't know the wheel, and a slot is looked at about once in the time that it lives without a
 * sign, or once a lap if that is longer. */
struct timer_wheel {
    uint32_t *heads;
    struct timer_wheel_link *links;
    uint64_t tick; /* the earliest whose bucket may still hold something due */
    uint64_t last; /* of the pass at hand: the tick at whose bucket it ends */
    bool passing;
};

enum {
    TIMER_WHEEL_TICK_MS = 128,  /* as fine as a sweep is felt, and a shift to divide by */
    TIMER_WHEEL_BUCKETS = 8192, /* a lap of 17.5 minutes, 32 KiB of heads */
    TIMER_WHEEL_SLOTS_MAX = 1 << 30,
};
#define TIMER_WHEEL_NONE UINT32_MAX

/* The memory for slots 0 to slots - 1, 12 bytes each: zero bytes, aligned to 4, the caller's. */
size_t timer_wheel_bytes(uint32_t slots);
void timer_wheel_init(struct timer_wheel *wheel, void *memory, uint64_t now_ms);

/* A slot that isn't in the wheel gets in. */
void timer_wheel_insert(struct timer_wheel *wheel, uint32_t slot, uint64_t deadline_ms);

/* A slot that is in the wheel gets out. */
void timer_wheel_remove(struct timer_wheel *wheel, uint32_t slot);

/* A slot that is in the wheel, for a later deadline than this, moves to this one. */
void timer_wheel_move_earlier(struct timer_wheel *wheel, uint32_t slot, uint64_t deadline_ms);

/* A pass looks at what may be due: called until it returns TIMER_WHEEL_NONE, this takes out slot
 * after slot, each the caller's to be inserted again or to be forgotten. Every slot that was due at
 * the pass's first now_ms comes; what falls due meanwhile may have to wait for the next pass, so
 * that a pass ends. What is inserted with a deadline behind now_ms comes at most once more in it.
 * now_ms never goes back. */
uint32_t timer_wheel_take(struct timer_wheel *wheel, uint64_t now_ms);

/* The slot that is most likely to be taken next, so that memory can be asked for early;
 * TIMER_WHEEL_NONE if that isn't known without a search. */
uint32_t timer_wheel_next(const struct timer_wheel *wheel);

/* Puts the slot back that was just taken: it is the next to be taken. */
void timer_wheel_put_back(struct timer_wheel *wheel, uint32_t slot);

#endif
