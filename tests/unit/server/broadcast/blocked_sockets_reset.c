/* The next job has none of the bits of the one before: who has a copy is forgotten. */
#include "server/broadcast/blocked_sockets.h"

#include "registry/registry.h"

#include <criterion/criterion.h>

enum { CAPACITY = 512 };

/* Copies as frames leave before those by sockets of the same slice: so a client can be recorded
 * that comes before the first one that was skipped. */
Test(blocked_sockets_reset, forgets_clients_before_the_first_that_was_skipped)
{
    static struct blocked_sockets sockets;
    const struct client framed = {.slot = 3}, skipped = {.slot = 150}, first = {.slot = 1};
    struct registry_walk walk = registry_walk_all();
    cr_assert_eq(blocked_sockets_init(&sockets, CAPACITY), 0);
    blocked_sockets_reset(&sockets);
    walk.next = 192;
    blocked_sockets_skip(&sockets, &walk, 0, &skipped);
    blocked_sockets_mark_done(&sockets, &framed, 1);
    cr_assert(blocked_sockets_is_done(&sockets, framed.slot));
    blocked_sockets_reset(&sockets);
    walk = registry_walk_all();
    walk.next = 64;
    blocked_sockets_return_to(&sockets, &walk, &first);
    cr_assert(blocked_sockets_is_done(&sockets, 0));
    for (uint32_t slot = first.slot; slot < CAPACITY; slot++)
        cr_assert_not(blocked_sockets_is_done(&sockets, slot), "slot %u", slot);
    blocked_sockets_free(&sockets);
}
