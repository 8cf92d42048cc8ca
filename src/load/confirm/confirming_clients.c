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
    CONFIRMED = 4, /* that message, by a confirmation that was sent and not dropped */
};

struct confirming_clients {
    uint32_t count;
    uint8_t *clients;
    struct confirmation_wheel *wheel;
    struct client_batch batch;
    uint8_t frame[FRAME_CONFIRM_BYTES]; /* the confirmation of the current broadcast */
    uint64_t job;                       /* the number of the current broadcast */
    bool has_job;                       /* one of its messages has arrived */
    uint64_t last_job;                  /* the number of the broadcast before, if has_last_job */
    bool has_last_job;
    uint32_t drop_ppm;
    /* Separate, so that the order in which frames and confirmations follow each other does not
     * change how many of them are lost. */
    struct prng frame_drops, confirmation_drops, leisure;
    struct confirming_clients_tally tally;
};

static void init_generators(struct confirming_clients *confirming, uint64_t seed)
{
    struct prng seeds;
    prng_init(&seeds, seed);
    prng_init(&confirming->frame_drops, prng_next(&seeds));
    prng_init(&confirming->confirmation_drops, prng_next(&seeds));
    prng_init(&confirming->leisure, prng_next(&seeds));
}

struct confirming_clients *confirming_clients_new(const struct simulated_clients *clients,
                                                  uint32_t drop_ppm, uint64_t seed)
{
    struct confirming_clients *confirming = calloc(1, sizeof *confirming);
    if (confirming == NULL)
        return NULL;
    confirming->count = clients->count;
    confirming->drop_ppm = drop_ppm;
    init_generators(confirming, seed);
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

static bool draw_drop(const struct confirming_clients *confirming, struct prng *prng)
{
    return prng_uniform(prng) * 1e6 < confirming->drop_ppm;
}

/* Returns whether a message has the number of the current broadcast, which the first one sets. */
static bool is_of_current_job(struct confirming_clients *confirming, const struct frame *message)
{
    if (!confirming->has_job) {
        confirming->has_job = true;
        confirming->job = message->job;
        frame_write_confirm(confirming->frame, message->job);
    }
    return message->job == confirming->job;
}

static void plan_confirmation(struct confirming_clients *confirming, uint32_t client,
                              uint8_t leisure, uint64_t now_ns)
{
    uint64_t leisure_ns = leisure * FRAME_LEISURE_UNIT_MS * MS_NS;
    uint64_t part_ns = (uint64_t)(prng_uniform(&confirming->leisure) * (double)leisure_ns);
    confirmation_wheel_add(confirming->wheel, client, now_ns, now_ns + part_ns);
}

enum confirming_clients_result confirming_clients_receive(struct confirming_clients *confirming,
                                                          uint32_t client,
                                                          const struct frame *message,
                                                          uint64_t now_ns)
{
    if (confirming->has_last_job && message->job == confirming->last_job)
        return CONFIRMING_LATE;
    confirming->tally.frames++;
    /* Only a client whose hello had an effect gets frames, also if the answer was lost. */
    confirming->clients[client] |= GREETED;
    if (draw_drop(confirming, &confirming->frame_drops)) {
        confirming->tally.frames_dropped++;
        return CONFIRMING_DROPPED;
    }
    if (!is_of_current_job(confirming, message))
        return CONFIRMING_NEW;
    plan_confirmation(confirming, client, message->leisure, now_ns);
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
        confirming->tally.confirmations_failed += confirming->batch.refused[i];
        if (*client & CONFIRMED || confirming->batch.refused[i])
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
        if (draw_drop(confirming, &confirming->confirmation_drops)) {
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
    if (confirming->has_job) {
        confirming->last_job = confirming->job;
        confirming->has_last_job = true;
        confirming->has_job = false;
    }
    confirming->tally = (struct confirming_clients_tally){0};
    histogram_init(&confirming->tally.delays);
}
