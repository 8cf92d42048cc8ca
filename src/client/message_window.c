#include "client/message_window.h"

#include <stddef.h>

void message_window_clear(struct message_window *window)
{
    window->count = window->next = 0;
}

static struct window_message *find(struct message_window *window, uint64_t job)
{
    for (uint32_t i = 0; i < window->count; i++)
        if (window->messages[i].job == job)
            return &window->messages[i];
    return NULL;
}

bool message_window_add(struct message_window *window, uint64_t job, uint64_t due_ns)
{
    struct window_message *message = find(window, job);
    if (message != NULL) {
        if (message->due_ns == UINT64_MAX)
            message->due_ns = due_ns;
        return false;
    }
    window->messages[window->next] = (struct window_message){job, due_ns};
    window->next = (window->next + 1) % MESSAGE_WINDOW_SIZE;
    window->count += window->count < MESSAGE_WINDOW_SIZE;
    return true;
}

static const struct window_message *next_due(const struct message_window *window)
{
    const struct window_message *first = NULL;
    for (uint32_t i = 0; i < window->count; i++) {
        const struct window_message *message = &window->messages[i];
        if (message->due_ns != UINT64_MAX && (first == NULL || message->due_ns < first->due_ns))
            first = message;
    }
    return first;
}

uint64_t message_window_due_ns(const struct message_window *window)
{
    const struct window_message *first = next_due(window);
    return first != NULL ? first->due_ns : UINT64_MAX;
}

bool message_window_take_due(struct message_window *window, uint64_t now_ns, uint64_t *job)
{
    const struct window_message *first = next_due(window);
    if (first == NULL || first->due_ns > now_ns)
        return false;
    *job = first->job;
    window->messages[first - window->messages].due_ns = UINT64_MAX;
    return true;
}
