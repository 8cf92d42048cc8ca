#include "load/confirm/hello_frames.h"

#include "load/send/client_batch.h"
#include "wire/frame.h"

#include <stdlib.h>

enum { TRIES_MAX = 3 };

/* RFC 8085, section 3.1.1: the timeout of a client that knows no round-trip time. */
static const uint64_t TIMEOUT_NS = 1000000000;

struct hello_frames {
    const struct simulated_clients *clients;
    struct client_batch batch;
    uint8_t frame[FRAME_HELLO_BYTES_MAX];
    uint32_t next; /* the first client that was not looked at in this try */
    uint32_t open, max_open;
    uint32_t tries;
    uint64_t progress_ns; /* when a hello was last sent, or answered */
    bool blocked;         /* a send buffer is full */
};

struct hello_frames *hello_frames_new(const struct simulated_clients *clients)
{
    struct hello_frames *hello = calloc(1, sizeof *hello);
    if (hello == NULL)
        return NULL;
    hello->clients = clients;
    if (client_batch_open(&hello->batch, clients, hello->frame,
                          frame_write_hello(hello->frame, true, NULL, 0)) != 0) {
        hello_frames_free(hello);
        return NULL;
    }
    return hello;
}

void hello_frames_free(struct hello_frames *hello)
{
    if (hello == NULL)
        return;
    client_batch_close(&hello->batch);
    free(hello);
}

void hello_frames_start(struct hello_frames *hello, uint64_t now_ns, uint32_t max_open)
{
    hello->max_open = max_open;
    hello->progress_ns = now_ns;
    hello->tries = 1;
}

/* Queues the hellos of the next clients that share a socket. Returns whether there are any. */
static bool fill_batch(struct hello_frames *hello, const struct copy_counts *copies,
                       const struct confirming_clients *confirming)
{
    const uint32_t most = hello->max_open - hello->open;
    for (; hello->next < hello->clients->count && hello->batch.count < most; hello->next++) {
        bool wanted = copy_counts_is_registered(copies, hello->next) &&
                      !confirming_clients_is_greeted(confirming, hello->next);
        if (wanted && !client_batch_add(&hello->batch, hello->next))
            break;
    }
    return hello->batch.count > 0;
}

static void send_hellos(struct hello_frames *hello, const struct copy_counts *copies,
                        const struct confirming_clients *confirming, uint64_t now_ns)
{
    hello->blocked = false;
    while (!hello->blocked && fill_batch(hello, copies, confirming)) {
        uint32_t queued = hello->batch.count, done = client_batch_send(&hello->batch);
        hello->open += done;
        hello->progress_ns = now_ns;
        hello->blocked = done < queued;
        if (hello->blocked)
            hello->next = hello->batch.picked[done];
    }
}

bool hello_frames_step(struct hello_frames *hello, const struct copy_counts *copies,
                       const struct confirming_clients *confirming, uint64_t now_ns)
{
    if (hello->open > 0 && now_ns - hello->progress_ns >= TIMEOUT_NS) {
        if (hello->tries == TRIES_MAX)
            return false;
        hello->tries++;
        hello->open = hello->next = 0;
    }
    send_hellos(hello, copies, confirming, now_ns);
    return hello->open > 0 || hello->next < hello->clients->count;
}

uint64_t hello_frames_next_ns(const struct hello_frames *hello)
{
    const uint64_t MS_NS = 1000000;
    return hello->progress_ns + (hello->blocked ? MS_NS : TIMEOUT_NS);
}

void hello_frames_answer(struct hello_frames *hello, uint64_t now_ns)
{
    /* An answer that was given up may come after all. */
    hello->open -= hello->open > 0;
    hello->progress_ns = now_ns;
}
