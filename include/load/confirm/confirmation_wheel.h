#ifndef LOAD_CONFIRM_CONFIRMATION_WHEEL_H
#define LOAD_CONFIRM_CONFIRMATION_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

/* When each simulated client sends its confirmation: a timing wheel (Varghese and Lauck, "Hashed
 * and hierarchical timing wheels", 1987) with a slot for each millisecond. A client has at most one
 * confirmation at a time. Adding and taking one cost the same for any number of clients. Pure;
 * times are nanoseconds of a clock that never goes back. Used by one thread. */
struct confirmation_wheel;

/* The longest delay: more than the longest leisure of a message, 25.5 s (wire/frame). A later time
 * counts as this one. */
enum { CONFIRMATION_WHEEL_MAX_MS = 32767 };

/* Uses 4 bytes a client, and 128 KiB. Returns NULL when memory is short. */
struct confirmation_wheel *confirmation_wheel_new(uint32_t clients);
void confirmation_wheel_free(struct confirmation_wheel *wheel);

/* Adds the confirmation of a client, due at due_ns, rounded up to a millisecond. Does nothing if
 * the client has one already. */
void confirmation_wheel_add(struct confirmation_wheel *wheel, uint32_t client, uint64_t now_ns,
                            uint64_t due_ns);

/* Takes a client whose confirmation is due. Returns false if there is none. */
bool confirmation_wheel_take(struct confirmation_wheel *wheel, uint64_t now_ns, uint32_t *client);

/* Returns when to take the next ones: the next millisecond while any wait, else UINT64_MAX. */
uint64_t confirmation_wheel_next_ns(const struct confirmation_wheel *wheel);

/* Removes all. Takes as long as there are clients and slots. */
void confirmation_wheel_clear(struct confirmation_wheel *wheel);

#endif
