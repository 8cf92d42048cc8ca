#include "load/confirm/confirming_clients.h"

#include "base/prng.h"
#include "load/confirm/confirmation_wheel.h"
#include "load/send/client_batch.h"

#include <stdlib.h>

enum {
    /* Confirmations sent before the caller receives again: at some 300 ns each, less than a
     * millisecond, in which even a million datagrams a second fill only a small part of a receive
     * buffer (load/send/simulated_clients). */
    AT_ONCE_MAX = 16 * BATCH_MAX,
};

static const uint64_t MS_NS = 1000000;

/* A client's byte. */
enum {
    GREETED = 1,   /* its hello was answered */
    RECEIVED = 2,  /* the message of the current broadcast */
    CONFIRMED = 4, /* that message, by a confirmation that was not dropped */
};

struct confirming_clients {
    uint32_t count;
    uint8_t *clients;
    struct confirmation_wheel *wheel;
    struct client_batch batch;
    uint8_t frame[FRAME_CONFIRM_BYTES]; /* the confirmation of the current broadcast */
    uint32_t drop_ppm;
    struct prng prng;
    struct confirming_clients_tally tally;
};

struct confirming_clients *confirming_clients_new(const struct simulated_clients *clients,
                                                  uint32_t drop_ppm, uint64_t seed)
{
    struct confirming_clients *confirming = calloc(1, sizeof *confirming);
    if (confirming == NULL)
        return NULL;
    confirming->count = clients->count;
    confirming->drop_ppm = drop_ppm;
    prng_init(&confirming->prng, seed);
    histogram_init(&confirming->tally.delays);
    confirming->clients = calloc(clients->count, 1);
    confirming->wheel = confirmation_wheel_new(clients->count);
    int error =
        client_batch_open(&confirming->batch, clients, confirming->frame, sizeof confirming->frame);
    if (confirming->clients != NULL && confirming->wheel != NULL && error == 0)
        return confirming;
    confirming_clients_free(confirming);
    return NULL;
}

void confirming_clients_free(struct confirming_clients *confirming)
{
    if (confirming == NULL)
        return;
    client_batch_close(&confirming->batch);
    confirmation_wheel_free(confirming->wheel);
    free(confirming->clients);
    free(confirming);
}

bool confirming_clients_greet(struct confirming_clients *confirming, uint32_t client)
{
    bool is_first = !confirming_clients_is_greeted(confirming, client);
    confirming->clients[client] |= GREETED;
    return is_first;
}

bool confirming_clients_is_greeted(const struct confirming_clients *confirming, uint32_t client)
{
    return confirming->clients[client] & GREETED;
}

static bool draw_drop(struct confirming_clients *confirming)
{
    return prng_uniform(&confirming->prng) * 1e6 < confirming->drop_ppm;
}

enum confirming_clients_result confirming_clients_receive(struct confirming_clients *confirming,
                                                          uint32_t client,
                                                          const struct frame *message,
                                                          uint64_t now_ns)
{
    uint64_t leisure_ns = message->leisure * FRAME_LEISURE_UNIT_MS * MS_NS;
    confirming->tally.frames++;
    /* Only a client whose hello had an effect gets frames, also if the answer was lost. */
    confirming->clients[client] |= GREETED;
    if (draw_drop(confirming)) {
        confirming->tally.frames_dropped++;
        return CONFIRMING_DROPPED;
    }
    frame_write_confirm(confirming->frame, message->job);
    confirmation_wheel_add(confirming->wheel, client, now_ns,
                           now_ns +
                               (uint64_t)(prng_uniform(&confirming->prng) * (double)leisure_ns));
    if (confirming->clients[client] & RECEIVED) {
        confirming->tally.repeated++;
        return CONFIRMING_REPEATED;
    }
    confirming->clients[client] |= RECEIVED;
    return CONFIRMING_NEW;
}

/* Sends the batch. A client whose confirmation does not fit into the send buffer sends it a
 * millisecond later. */
static void send_batch(struct confirming_clients *confirming, uint64_t start_ns, uint64_t now_ns)
{
    uint32_t queued = confirming->batch.count, done = client_batch_send(&confirming->batch);
    for (uint32_t i = 0; i < done; i++) {
        uint8_t *client = &confirming->clients[confirming->batch.picked[i]];
        confirming->tally.confirmations++;
        if (*client & CONFIRMED)
            continue;
        *client |= CONFIRMED;
        confirming->tally.confirmed++;
        histogram_add(&confirming->tally.delays, now_ns - start_ns);
    }
    for (uint32_t i = done; i < queued; i++)
        confirmation_wheel_add(confirming->wheel, confirming->batch.picked[i], now_ns,
                               now_ns + MS_NS);
}

bool confirming_clients_send(struct confirming_clients *confirming, uint64_t start_ns,
                             uint64_t now_ns)
{
    uint32_t client, taken = 0;
    while (taken < AT_ONCE_MAX && confirmation_wheel_take(confirming->wheel, now_ns, &client)) {
        taken++;
        if (draw_drop(confirming)) {
            confirming->tally.confirmations++;
            confirming->tally.confirmations_dropped++;
        } else if (!client_batch_add(&confirming->batch, client)) {
            send_batch(confirming, start_ns, now_ns);
            client_batch_add(&confirming->batch, client);
        }
    }
    send_batch(confirming, start_ns, now_ns);
    return taken > 0;
}

uint64_t confirming_clients_next_ns(const struct confirming_clients *confirming)
{
    return confirmation_wheel_next_ns(confirming->wheel);
}

void confirming_clients_take_tally(struct confirming_clients *confirming,
                                   struct confirming_clients_tally *tally)
{
    *tally = confirming->tally;
    for (uint32_t i = 0; i < confirming->count; i++) {
        tally->clients += confirming->clients[i] & GREETED;
        confirming->clients[i] &= GREETED;
    }
    confirmation_wheel_clear(confirming->wheel);
    confirming->tally = (struct confirming_clients_tally){0};
    histogram_init(&confirming->tally.delays);
}
