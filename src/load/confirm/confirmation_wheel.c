#include "load/confirm/confirmation_wheel.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = CONFIRMATION_WHEEL_MAX_MS + 1 };

static const uint64_t MS_NS = 1000000;

/* In place of a client: it is in no list; it is the last one of its list. */
#define ABSENT UINT32_MAX
#define LAST   (UINT32_MAX - 1)

struct confirmation_wheel {
    uint32_t clients, count; /* count: of clients in the wheel */
    uint64_t current_ms;     /* all earlier slots are empty */
    uint32_t *next;          /* of each client, in the list of its slot */
    uint32_t first[SLOTS];   /* of the list of a slot; LAST: it is empty */
};

struct confirmation_wheel *confirmation_wheel_new(uint32_t clients)
{
    struct confirmation_wheel *wheel = calloc(1, sizeof *wheel);
    if (wheel == NULL)
        return NULL;
    wheel->clients = clients;
    wheel->next = malloc(clients * sizeof *wheel->next);
    if (wheel->next == NULL) {
        free(wheel);
        return NULL;
    }
    confirmation_wheel_clear(wheel);
    return wheel;
}

void confirmation_wheel_free(struct confirmation_wheel *wheel)
{
    if (wheel == NULL)
        return;
    free(wheel->next);
    free(wheel);
}

void confirmation_wheel_clear(struct confirmation_wheel *wheel)
{
    wheel->count = 0;
    for (uint32_t i = 0; i < wheel->clients; i++)
        wheel->next[i] = ABSENT;
    for (uint32_t i = 0; i < SLOTS; i++)
        wheel->first[i] = LAST;
}

void confirmation_wheel_add(struct confirmation_wheel *wheel, uint32_t client, uint64_t now_ns,
                            uint64_t due_ns)
{
    uint64_t due_ms = (due_ns + MS_NS - 1) / MS_NS;
    if (wheel->next[client] != ABSENT)
        return;
    if (wheel->count++ == 0)
        wheel->current_ms = now_ns / MS_NS;
    if (due_ms < wheel->current_ms)
        due_ms = wheel->current_ms;
    if (due_ms > wheel->current_ms + CONFIRMATION_WHEEL_MAX_MS)
        due_ms = wheel->current_ms + CONFIRMATION_WHEEL_MAX_MS;
    wheel->next[client] = wheel->first[due_ms % SLOTS];
    wheel->first[due_ms % SLOTS] = client;
}

bool confirmation_wheel_take(struct confirmation_wheel *wheel, uint64_t now_ns, uint32_t *client)
{
    uint64_t now_ms = now_ns / MS_NS;
    if (wheel->count == 0)
        return false;
    while (wheel->first[wheel->current_ms % SLOTS] == LAST && wheel->current_ms < now_ms)
        wheel->current_ms++;
    uint32_t *first = &wheel->first[wheel->current_ms % SLOTS];
    if (*first == LAST || wheel->current_ms > now_ms)
        return false;
    *client = *first;
    *first = wheel->next[*client];
    wheel->next[*client] = ABSENT;
    wheel->count--;
    return true;
}

uint64_t confirmation_wheel_next_ns(const struct confirmation_wheel *wheel)
{
    if (wheel->count == 0)
        return UINT64_MAX;
    bool due = wheel->first[wheel->current_ms % SLOTS] != LAST;
    return (wheel->current_ms + !due) * MS_NS;
}
