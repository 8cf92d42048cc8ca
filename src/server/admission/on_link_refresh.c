#include "server/admission/on_link_refresh.h"

#include "os/process/clock.h"
#include "server/admission/on_link_addresses.h"

#include <stddef.h>

enum {
    /* From a request to the refresh: the kernel's tables are read ten times a second at most. */
    DELAY_NS = 100000000,
    /* If reading takes long, the delay is 20 times that: reading takes a twentieth of a processor.
     */
    DELAY_PER_READ = 20,
};

int on_link_refresh_init(struct on_link_refresh *refresh)
{
    *refresh = (struct on_link_refresh){.current = NULL};
    return on_link_addresses_list(&refresh->current);
}

void on_link_refresh_free(struct on_link_refresh *refresh)
{
    access_list_free(refresh->previous);
    access_list_free(refresh->current);
}

void on_link_refresh_read(struct on_link_refresh *refresh)
{
    struct access_list *list;
    uint64_t start_ns = clock_now_ns();
    int error = on_link_addresses_list(&list);
    refresh->took_ns = clock_now_ns() - start_ns;
    if (error != 0)
        return;
    access_list_free(refresh->previous);
    refresh->previous = refresh->current;
    refresh->current = list;
}

static void on_timer(void *state)
{
    struct on_link_refresh *refresh = state;
    atomic_store(&refresh->request.posted, false);
    refresh->on_due(refresh->state);
}

static void on_request(struct mailbox_message *message)
{
    struct on_link_refresh *refresh = ((struct on_link_request *)message)->refresh;
    uint64_t delay_ns = DELAY_PER_READ * refresh->took_ns;
    if (refresh->running)
        loop_timer_once(&refresh->timer, delay_ns > DELAY_NS ? delay_ns : DELAY_NS);
}

void on_link_refresh_request(struct on_link_refresh *refresh)
{
    if (!atomic_exchange(&refresh->request.posted, true))
        mailbox_post(refresh->mailbox, &refresh->request.message);
}

int on_link_refresh_start(struct on_link_refresh *refresh, struct loop *loop,
                          struct mailbox *mailbox, void (*on_due)(void *state), void *state)
{
    refresh->mailbox = mailbox;
    refresh->on_due = on_due;
    refresh->state = state;
    refresh->request.message.handle = on_request;
    refresh->request.refresh = refresh;
    int error = loop_timer_open(loop, &refresh->timer, on_timer, refresh);
    refresh->running = error == 0;
    return error;
}

void on_link_refresh_stop(struct on_link_refresh *refresh)
{
    loop_timer_close(&refresh->timer);
    refresh->running = false;
}
