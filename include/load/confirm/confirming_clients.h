#ifndef LOAD_CONFIRM_CONFIRMING_CLIENTS_H
#define LOAD_CONFIRM_CONFIRMING_CLIENTS_H

#include "base/histogram.h"
#include "load/send/simulated_clients.h"
#include "wire/frame.h"

#include <stdbool.h>
#include <stdint.h>

/* The clients of one thread that confirm broadcasts, for --fanout --confirm: which of them ask for
 * messages in frames (wire/frame), which have received the message of the current broadcast, and
 * their confirmations. --drop loses a share of the received frames, and of the confirmations that
 * are sent, at random by a seed, as a network would; the lost ones are known exactly. Used by one
 * thread. */
struct confirming_clients;

/* What a broadcast has come to. With --drop, "received" excludes the frames that were dropped. */
struct confirming_clients_tally {
    uint64_t clients;               /* that ask for frames: their hello was answered */
    uint64_t confirmed;             /* of them, that sent a confirmation that was not dropped */
    uint64_t frames;                /* that arrived, dropped ones included */
    uint64_t frames_dropped;        /* of them, by --drop */
    uint64_t repeated;              /* received again, so not shown */
    uint64_t confirmations;         /* due, dropped and refused ones included */
    uint64_t confirmations_dropped; /* of them, by --drop */
    uint64_t confirmations_failed;  /* of them, refused by the kernel */
    struct histogram delays; /* from the command to the first confirmation of each client that
                                was sent and not dropped, nanoseconds */
};

/* The clients stay the caller's. Uses 5 bytes a client. drop_ppm is the share that is dropped, in
 * millionths. Returns NULL when memory is short. */
struct confirming_clients *confirming_clients_new(const struct simulated_clients *clients,
                                                  uint32_t drop_ppm, uint64_t seed);
void confirming_clients_free(struct confirming_clients *confirming);

/* The server has answered the hello of a client. Returns whether this is the first answer. */
bool confirming_clients_greet(struct confirming_clients *confirming, uint32_t client);
bool confirming_clients_is_greeted(const struct confirming_clients *confirming, uint32_t client);

enum confirming_clients_result {
    CONFIRMING_DROPPED,  /* lost by --drop: as if it had not arrived */
    CONFIRMING_NEW,      /* the client shows it */
    CONFIRMING_REPEATED, /* the client has shown it already */
    CONFIRMING_LATE,     /* it has the number of the broadcast before: ignored */
};

/* Handles a message with the payload of the current broadcast that a client received at now_ns:
 * unless it is dropped, the client confirms it after a random part of its leisure. The first one
 * has the number of the broadcast. A client takes the same payload with another number for a new
 * message, which no server should send: it is CONFIRMING_NEW each time, and not confirmed. */
enum confirming_clients_result confirming_clients_receive(struct confirming_clients *confirming,
                                                          uint32_t client,
                                                          const struct frame *message,
                                                          uint64_t now_ns);

/* Sends the confirmations that are due at now_ns, but only a limited number of them, so that the
 * caller can receive in between. start_ns is when the broadcast was commanded. Returns whether any
 * were sent. */
bool confirming_clients_send(struct confirming_clients *confirming, uint64_t start_ns,
                             uint64_t now_ns);

/* Returns when confirming_clients_send has something to do; UINT64_MAX: never. */
uint64_t confirming_clients_next_ns(const struct confirming_clients *confirming);

/* Writes what was counted since the last call to tally, and begins the next broadcast: no client
 * has received its message, and confirmations that were not sent yet are forgotten. */
void confirming_clients_take_tally(struct confirming_clients *confirming,
                                   struct confirming_clients_tally *tally);

#endif
